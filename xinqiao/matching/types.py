"""Products, conditions, needs and how they fit; events and refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from xinqiao.evidence.types import Event
from xinqiao.indicators.types import Kind


class Guarantee(StrEnum):
    """What secures a loan, in the words of the items that are fed back (放款信息)."""

    CREDIT = "credit"
    MORTGAGE = "mortgage"
    PLEDGE = "pledge"
    SURETY = "surety"
    COMBINED = "combined"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "credit": "信用",
            "mortgage": "抵押",
            "pledge": "质押",
            "surety": "保证",
            "combined": "组合",
        }[self]


class Outcome(StrEnum):
    """What a condition says of an enterprise. Missing is not failing."""

    PASSED = "passed"
    OPEN = "open"  # the fact is not known here: the institution asks for it
    FAILED = "failed"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"passed": "符合", "open": "数据不足", "failed": "不符合"}[self]


class Basis(StrEnum):
    """What a condition looks at."""

    INDICATOR = "indicator"  # a value of the basic evaluation
    SCORE = "score"
    GRADE = "grade"
    COVERAGE = "coverage"
    SIZE = "size"
    INDUSTRY = "industry"  # GB/T 4754 codes by their beginning
    DIVISION = "division"  # GB/T 2260 codes by their beginning
    AMOUNT = "amount"  # of the need, in fen
    MONTHS = "months"  # of the need
    GUARANTEE = "guarantee"  # what the enterprise can offer
    VETO = "veto"  # of the basic evaluation

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "indicator": "指标",
            "score": "信用评分",
            "grade": "信用等级",
            "coverage": "数据覆盖度",
            "size": "企业规模",
            "industry": "所属行业",
            "division": "所在地区",
            "amount": "金额",
            "months": "期限",
            "guarantee": "担保方式",
            "veto": "一票否决情形",
        }[self]


class NeedState(StrEnum):
    """Where a need stands."""

    OPEN = "open"
    CLOSED = "closed"  # by the enterprise, or met
    EXPIRED = "expired"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"open": "有效", "closed": "已结束", "expired": "已过期"}[self]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, as a scorecard's bin says it: at least, below, or one of.

    ``at_least`` and ``below`` are whole numbers in the unit of what is compared; ``values`` are equal values, for
    industries and divisions beginnings of codes.
    """

    basis: Basis
    indicator: str = ""
    at_least: int | None = None
    below: int | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """A version of an institution's product. Money in fen, rates in basis points a year (1 bp = 0.01 %).

    ``terms`` are the conditions that its own limits make; ``conditions`` those the institution adds.
    ``decision_workdays`` is within how many working days it promises to decide. ``windows`` are thematic windows.
    """

    code: str
    version: int
    institution: str
    institution_name: str
    name: str
    amount_from_fen: int
    amount_to_fen: int
    months_from: int
    months_to: int
    rate_from_bp: int
    rate_to_bp: int
    fee_bp: int
    guarantees: tuple[Guarantee, ...]
    decision_workdays: int
    conditions: tuple[Condition, ...]
    windows: tuple[str, ...]
    offered_from: date
    offered_until: date | None
    note: str
    sha256: str
    published_at: datetime

    @property
    def cost_bp(self) -> int:
        """The least a year costs in all, in basis points: rate and fees."""
        return self.rate_from_bp + self.fee_bp

    @property
    def terms(self) -> tuple[Condition, ...]:
        """What the limits of the product ask of a need."""
        return (
            Condition(Basis.AMOUNT, at_least=self.amount_from_fen, below=self.amount_to_fen + 1),
            Condition(Basis.MONTHS, at_least=self.months_from, below=self.months_to + 1),
            Condition(Basis.GUARANTEE, values=tuple(str(g) for g in self.guarantees)),
        )

    @property
    def all_conditions(self) -> tuple[Condition, ...]:
        """Every condition, those of its limits first."""
        return (*self.terms, *self.conditions)

    def on_offer(self, on: date) -> bool:
        """Whether it can be applied for on a day."""
        return self.offered_from <= on and (self.offered_until is None or on <= self.offered_until)


@dataclass(frozen=True, slots=True)
class Need:
    """What an enterprise is looking for. ``amount_fen`` in fen; ``window`` may be empty."""

    id: str
    enterprise: str
    amount_fen: int
    months: int
    guarantees: tuple[Guarantee, ...]
    purpose: str
    window: str
    state: NeedState
    posted_at: datetime
    until: date


@dataclass(frozen=True, slots=True)
class Firm:
    """What conditions look at in one enterprise: values of the evaluation, and what is public of it."""

    enterprise: str
    values: Mapping[str, Any]
    score: int | None
    grade: str | None
    coverage: int | None
    size: str
    industry: str
    division: str
    vetoes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """A condition with what it says of an enterprise."""

    condition: Condition
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Fit:
    """A product held against a need: every condition in order, what counts first, and the place's reasons."""

    product: Product
    checks: tuple[Checked, ...]

    @property
    def outcome(self) -> Outcome:
        """All passed, or the worst of them."""
        found = {c.outcome for c in self.checks}
        return next((o for o in (Outcome.FAILED, Outcome.OPEN) if o in found), Outcome.PASSED)

    @property
    def first_unmet(self) -> Checked | None:
        """The first condition failed; where none is, the first whose fact is not known."""
        for wanted in (Outcome.FAILED, Outcome.OPEN):
            for one in self.checks:
                if one.outcome is wanted:
                    return one
        return None

    @property
    def failed(self) -> int:
        """How many conditions are failed."""
        return sum(c.outcome is Outcome.FAILED for c in self.checks)

    @property
    def open(self) -> int:
        """Of how many the fact is not known."""
        return sum(c.outcome is Outcome.OPEN for c in self.checks)


@dataclass(frozen=True, slots=True)
class Window:
    """A thematic window: who it is for, as conditions of its own, in both languages."""

    code: str
    name: str
    name_en: str
    says: str
    says_en: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class MatchingRules:
    """``matching.toml``: how long a need stands, floors of what institutions are told, limits of a product."""

    need_days: int
    opt_ins: int  # institutions an enterprise may choose for a need at a time
    floor: int  # a count below is not told
    step: int  # counts are told rounded down to multiples of it
    trials_a_day: int  # how often an institution may try conditions on the province
    most_conditions: int
    most_products: int
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A count as an institution is told it: rounded down, or None when it is below the floor."""

    count: int | None
    floor: int


@dataclass(frozen=True, slots=True)
class Reach:
    """How far conditions reach over all evaluated enterprises: in all, all conditions together, each by itself."""

    enterprises: Told
    together: Told
    each: tuple[tuple[Condition, Told], ...]
    run: str


@dataclass(frozen=True, slots=True)
class ConditionFacts:
    """What a condition may be about: an indicator's kind of value and its words."""

    kind: Kind
    name: str
    unit: str


PUBLISHED = Event("matching.product_published", "发布融资产品", "product published")
PRODUCT_WITHDRAWN = Event("matching.product_withdrawn", "下架融资产品", "product withdrawn")
NEED_POSTED = Event("matching.need_posted", "登记融资需求", "need posted")
NEED_CLOSED = Event("matching.need_closed", "结束融资需求", "need closed")
REACH_TRIED = Event("matching.reach_tried", "试算产品覆盖面", "reach of conditions tried")
DEMAND_TOLD = Event("matching.demand_told", "查看需求数量", "demand counts told")
