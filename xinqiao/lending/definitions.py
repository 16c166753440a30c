"""Loan statistics as the network counts them (domain §5.1): credit loan, first loan, inclusive loan, NPL, rates. Pure.

Every definition that changes by day takes the day. Money in fen; shares as integers (numerator, denominator), so that
nothing is rounded before it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from xinqiao.kernel.errors import NotFound
from xinqiao.lending.types import (
    FiveClass,
    GuaranteeCode,
    LendingRules,
    LoanReport,
)

SMALL = frozenset({"small", "micro"})
NON_PERFORMING = frozenset({FiveClass.SUBSTANDARD, FiveClass.DOUBTFUL, FiveClass.LOSS})


class UnknownDefinition(NotFound):
    """There is no such definition, or none in force on the day; data: ``name``, ``on``."""

    code = "lending.unknown_definition"
    title = "{on} 没有生效的口径“{name}”"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, both exact; ``percent_bp`` rounds half up to hundredths of a per cent for showing."""

    part: int
    whole: int

    @property
    def bp(self) -> int | None:
        """In basis points, rounded half up; None of nothing."""
        return (self.part * 20_000 + self.whole) // (2 * self.whole) if self.whole else None


def is_credit_loan(report: LoanReport) -> bool:
    """Without collateral, pledge or guarantor: guarantee code D."""
    return report.guarantee is GuaranteeCode.CREDIT


def is_first_loan(report: LoanReport, *, earlier: Iterable[LoanReport]) -> bool:
    """The enterprise had no bank loan before this one; a renewal is never a first loan."""
    if report.renewal:
        return False
    return not any(o.drawn_on < report.drawn_on for o in earlier)


def inclusive_limit(rules: LendingRules, name: str, on: date) -> int:
    """Most total credit of one customer, in fen, that counts as inclusive on a day; raises UnknownDefinition."""
    found = [most for since, most in rules.inclusive.get(name, ()) if since <= on]
    if not found:
        raise UnknownDefinition(name=name, on=on.isoformat())
    return found[-1]


def is_inclusive(rules: LendingRules, name: str, *, total_credit_fen: int, size: str, sole: bool, on: date) -> bool:
    """Whether a customer's loans count as inclusive: small or micro, or an individual business (``sole``), and the
    total credit of the customer within the report's limit on the day."""
    return (size in SMALL or sole) and total_credit_fen <= inclusive_limit(rules, name, on)


def in_force(report: LoanReport, on: date) -> bool:
    """Whether a credit line counts on a day: approved, not run out, not settled."""
    begun = (report.approved_on or report.drawn_on) <= on
    return begun and (report.settled_on is None or report.settled_on > on) and report.due_on >= on


def balance(reports: Iterable[LoanReport]) -> int:
    """Outstanding principal of loans as they stand."""
    return sum(r.balance_fen for r in reports)


def credit_share(reports: Sequence[LoanReport]) -> Share:
    """Credit loans among all, by balance."""
    return Share(balance(r for r in reports if is_credit_loan(r)), balance(reports))


def non_performing(reports: Sequence[LoanReport]) -> Share:
    """Substandard, doubtful and loss among all, by balance."""
    return Share(balance(r for r in reports if r.five_class in NON_PERFORMING), balance(reports))


def first_loan_rate(reports: Sequence[LoanReport]) -> Share:
    """First-loan enterprises among newly lent enterprises of a period."""
    lent = {r.enterprise for r in reports}
    return Share(len({r.enterprise for r in reports if r.first_loan and not r.renewal}), len(lent))


def weighted_rate(reports: Sequence[LoanReport]) -> Share:
    """Average rate of new loans, weighted by amount: (sum of amount x basis points, sum of amounts)."""
    return Share(sum(r.amount_fen * r.rate_bp for r in reports), sum(r.amount_fen for r in reports))


def average_per_enterprise(reports: Sequence[LoanReport]) -> Share:
    """Balance by borrowing enterprise (户均)."""
    owing = [r for r in reports if r.balance_fen]
    return Share(balance(owing), len({r.enterprise for r in owing}))
