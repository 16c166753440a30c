"""What is owed on a day: a formula that anybody can compute again, so that a decision on it can be enforced. Pure.

An award whose amount cannot be computed is refused enforcement (仲裁裁决执行规定 3): a claim is therefore counted to a
day, and from the next day on grows by one rate on one principal.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from xinqiao.settlement.types import Terms

WHOLE_YEAR_BP = 10_000


def owed_on(terms: Terms, day: date, *, days_in_year: int) -> int:
    """Fen owed on a day, not before ``counted_on``, rounded half up; raises ValueError for terms without that day."""
    if terms.counted_on is None or day < terms.counted_on:
        raise ValueError("a claim is counted from its day on")
    return counted_total(terms) + grown_by(terms, (day - terms.counted_on).days, days_in_year=days_in_year)


def grown_by(terms: Terms, days: int, *, days_in_year: int) -> int:
    """Fen that so many days add to a claim."""
    exact = Decimal(terms.principal_fen) * terms.overdue_rate_bp * days / (WHOLE_YEAR_BP * days_in_year)
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def counted_total(terms: Terms) -> int:
    """Fen owed on the day to which the claim is counted."""
    return terms.principal_fen + terms.interest_fen + terms.fees_fen


def formula(terms: Terms, *, days_in_year: int) -> str:
    """The formula as it stands in the filing, in fen; the same numbers as :func:`owed_on`."""
    return (
        f"{terms.principal_fen} + {terms.interest_fen} + {terms.fees_fen}"
        f" + {terms.principal_fen} × {terms.overdue_rate_bp} / {WHOLE_YEAR_BP} / {days_in_year} × d"
    )
