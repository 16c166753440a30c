"""Supervision (监管): misuse found in the ledger, shown to the node, and stopped by two people.

Sentinels read what the gate wrote, never what it released: ``watch`` raises alerts, ``propose_freeze`` and
``approve_freeze`` (two people) stop a program or a person, ``appeal_freeze`` and ``decide_appeal`` (a third person)
hear the other side. Obtaining, spreading, leaking and selling unlawfully is what it looks for (省级实施方案：监管).
"""
