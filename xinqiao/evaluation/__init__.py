"""Evaluation (信用评价): indicators and a dated scorecard give grade, score, coverage and reasons.

Serves the basic evaluation of every registered enterprise under a published guideline. The batch run over the
province and the evaluation of one enterprise on demand are the same expressions and give the same bytes.
Verbs: run, evaluate, explain.
"""
