"""Lending (融资对接): from an enterprise's choice of a bank to the loan that is repaid, and what banks feed back.

Match before reveal: an institution learns who an enterprise is when the enterprise opts in to that institution, never
before. Each step has a holder and a clock in working days; a refusal gives coded reasons and opens a second look.
Loans are fed back by API, file or page, held against what was offered, and become records of the sharing list.
Verbs: opt_in, offer, decline, accept, refuse, withdraw, start_renewal, report_loans, declare, recommend.
"""
