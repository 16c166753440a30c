"""Scenarios (场景评价): models of one purpose, trained on the outcomes that institutions feed back.

Serves personalised evaluation: a platform and its institutions own a model for a scenario; the node trains it on detail
that nobody else sees, a second person signs it off, and every score comes with reasons that sum to it exactly.
Verbs: train, sign off, promote, roll back, score.
"""
