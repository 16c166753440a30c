"""Effectiveness (应用成效): whether it works, each number down to the rows it is made of.

Three full coverages with their denominators, the funnel from registration to the loan, what the platform brought about,
and official balances beside it: two series, never added. Serves the measuring and reporting of the plan's effect.
Verbs: enter_official, close_month, export.
"""
