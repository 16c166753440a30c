"""Matching (银企对接): products with machine-readable conditions, an enterprise's need, and what fits.

Serves the province's plan to bring banks and firms together with less reliance on collateral. Conditions run inside
the node: the enterprise sees what it passes and what it fails; an institution sees counts above a floor and nobody's
name until the enterprise opts in (see ``lending``). Verbs: publish_product, withdraw_product, post_need, close_need.
"""
