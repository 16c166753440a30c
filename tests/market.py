"""A product and a loan as they are handed in, changed as a test tells."""

from __future__ import annotations

from typing import Any

from tests.factories import uscc

FIRM = uscc(1)


def product(**changes: Any) -> dict[str, Any]:
    """A product that every firm of these tests fits, changed as told."""
    return {
        "name": "示例流水贷",
        "amount_from_fen": 1_000_000,
        "amount_to_fen": 500_000_000,
        "months_from": 1,
        "months_to": 36,
        "rate_from_bp": 350,
        "rate_to_bp": 500,
        "guarantees": ["credit"],
        "decision_workdays": 5,
        "conditions": [{"basis": "indicator", "indicator": "identity.age_months", "at_least": 12}],
        "offered_from": "2026-01-01",
        **changes,
    }


def drawn(application: str = "", **changes: Any) -> dict[str, Any]:
    """A drawdown as the API takes it."""
    return {
        "credit_no": "SX20260001", "receipt_no": "JJ20260001", "enterprise": FIRM, "limit_fen": 80_000_000,
        "amount_fen": 80_000_000, "balance_fen": 80_000_000, "rate_bp": 420, "guarantee": "D",
        "approved_on": "2026-11-18", "drawn_on": "2026-11-19", "due_on": "2027-11-18", "first_loan": True,
        "renewal": False, "five_class": "normal", "overdue_days": 0,
        "overdue_fen": 1_000 if changes.get("overdue_days") else 0, "application": application,
    } | changes  # fmt: skip
