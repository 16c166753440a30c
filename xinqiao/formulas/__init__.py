"""Formula room (公式室): an institution's own formula, run inside the node on detail the institution may not see.

Serves personalised evaluation together with the hard line that no raw non-public detail goes to an institution: a
bounded typed language without loops, inputs read in a grain, outputs in declared bands, a budget of what all answers
about an enterprise may tell. Verbs: submit, review, withdraw, run.
"""
