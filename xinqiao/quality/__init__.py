"""Quality (数据质量): whether each source keeps its duty, and whether what departments say fits together.

Serves "who produces, provides and answers": a daily card per provider and item, every figure of which opens the rows
behind it; rules across items with findings to explain or correct; deliveries that are late or shrink, told to provider
and node; and the state of every source, so that a missing record is *not known* with its reason, never nothing.
Verbs: cross-check, explain, make cards, remind, report an outage.
"""
