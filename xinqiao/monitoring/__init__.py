"""Monitoring (风险监测): borrowers watched after a loan, signals about them, and what became of each signal.

Serves the guideline for the study of borrowers' risk (获得贷款企业风险研判指引) and the timely push to institutions
(省级实施方案：风险监测). Verbs: ``watch_borrower`` and ``end_watch`` under a live authorisation for post-loan purposes;
``monitor`` evaluates what a new delivery touches and raises or takes back signals; ``push_waiting`` tells each
institution entitled, through the gate; ``reply`` is the institution's word on a signal, from which the precision of
each rule is counted; ``propose_embargo`` and ``approve_embargo`` (two people) let a signal reach the enterprise later.
"""
