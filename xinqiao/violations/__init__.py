"""Violation register (违法违规线索台账): who is suspected of misusing data, heard, decided and published.

A case is opened by a sentinel's alert, a canary, a complaint, an audit, the two-sided ledger or a traced copy;
``take_up``, ``notify``, ``give_statement``, ``decide``, ``carry_out`` (a second person where it is severe), ``appeal``,
``uphold`` or ``overturn`` (a third person), ``close``. Unlawful obtaining, spreading, leaking, selling, and supply
without de-identification or authorisation (省级实施方案：监管；国办发〔2024〕15号).
"""
