"""A formula, its parts and its output; what the node keeps of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Phrase

SUBMITTED = Event("formulas.submitted", "提交公式", "formula submitted")
REVIEWED = Event("formulas.reviewed", "审核公式", "formula reviewed")
WITHDRAWN = Event("formulas.withdrawn", "停用公式", "formula withdrawn")
GRAINED = Event("formulas.grained", "测定指标颗粒", "grain of indicators measured")

Document = dict[str, Any]
Value = Decimal | bool | str | None


class Type(StrEnum):
    """What an expression gives."""

    NUMBER = "number"
    TRUTH = "truth"
    TEXT = "text"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"number": "数", "truth": "真假", "text": "文字"}[self]


class OutputKind(StrEnum):
    """In which form a result may leave."""

    BANDS = "bands"  # ordered bands, 1 the lowest
    SCORE = "score"  # a whole number, rounded down to a step and kept between two bounds

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"bands": "分档", "score": "评分"}[self]


class FormulaState(StrEnum):
    """Life of a formula's version."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"submitted": "待审核", "approved": "可运行", "rejected": "未通过", "retired": "已停用"}[self]


@dataclass(frozen=True, slots=True)
class Node:
    """One operation or value of a formula, at a place of its text (characters from 0).

    ``kind`` is ``number``, ``text``, ``truth``, ``input`` or the operation's name; ``value`` what a leaf holds;
    ``cuts`` the upper bounds of a ``bins``; ``places`` of a ``divide``.
    """

    kind: str
    at: int
    parts: tuple[Node, ...] = ()
    value: Value = None
    cuts: tuple[Decimal, ...] = ()
    places: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a formula: where (characters from 0), what, and what to do."""

    at: int
    code: str
    message: Phrase


@dataclass(frozen=True, slots=True)
class Input:
    """An indicator as a formula may use it. ``closed`` are the non-public items it rests on; numbers from low to high.

    ``grain`` is the step in which a non-public number is read, 0 = exact; ``places`` its decimals.
    """

    code: str
    name: str
    name_en: str
    unit: str
    type: Type
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    places: int = 0
    items: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    months: int = 0
    grain: Decimal = Decimal(0)
    why_not: Phrase | None = None


Inputs = Mapping[str, Input]


@dataclass(frozen=True, slots=True)
class Output:
    """The form in which a result leaves: cuts of ordered bands, or bounds and step of a score."""

    kind: OutputKind
    cuts: tuple[Decimal, ...] = ()
    low: int = 0
    high: int = 0
    step: int = 1

    @property
    def values(self) -> int:
        """How many different answers there can be."""
        return len(self.cuts) + 1 if self.kind is OutputKind.BANDS else (self.high - self.low) // self.step + 1

    def document(self) -> Document:
        """As it is hashed and shown."""
        if self.kind is OutputKind.BANDS:
            return {"kind": str(self.kind), "cuts": [str(cut) for cut in self.cuts]}
        return {"kind": str(self.kind), "low": self.low, "high": self.high, "step": self.step}


@dataclass(frozen=True, slots=True)
class Span:
    """Lowest and highest that an expression can be; for a truth or a text both are 0."""

    low: Decimal
    high: Decimal

    @property
    def width(self) -> Decimal:
        """How far apart they are."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Reach:
    """What an expression can do: its span, decimals, and how far each input alone can move it.

    ``swing`` is over the input's whole range, ``nudge`` over one grain (of an exact input: one unit).
    """

    type: Type
    span: Span
    places: int = 0
    swing: Mapping[str, Decimal] = field(default_factory=dict)
    nudge: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """A formula that passed: its tree, output, inputs used, and reach."""

    tree: Node
    output: Output
    inputs: tuple[Input, ...]
    reach: Reach


@dataclass(frozen=True, slots=True, eq=False)  # one file read gives one object: a key by identity
class FormulaLimits:
    """``formulas.toml``: bounds, outputs, grain and budget. See the file for what each means."""

    longest: int
    most_nodes: int
    deepest: int
    most_digits: int
    most_places: int
    most_inputs: int
    most_bins: int
    most_power: int
    most_bands: int
    most_values: int
    share_percent: int
    model_bytes: int
    model_nodes: int
    model_share_percent: int
    tolerance_permille: int
    tolerances: int
    low_percent: int
    high_percent: int
    inside: int
    fewest: int
    least: Mapping[str, int]
    ranges: Mapping[str, tuple[int, int]]
    window_days: int
    institution_millibits: int
    enterprise_millibits: int
    most_open: int


@dataclass(frozen=True, slots=True)
class Grain:
    """In which grain an input is read: whole numbers in units of 10 to the minus ``places``."""

    indicator: str
    places: int
    low: int
    top: int
    step: int
    tolerance: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What an answer told about a data item of an enterprise: who asked, when, thousandths of a bit."""

    institution: str
    item: str
    millibits: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Formula:
    """A version of an institution's formula; ``sha256`` is of its canonical body."""

    id: str
    institution: str
    name: str
    number: int
    purpose: str
    text: str
    output: Document
    inputs: tuple[str, ...]
    items: tuple[str, ...]
    state: FormulaState
    sha256: str
    reach: Document
    submitted_by: str
    submitted_at: datetime
    reviewed_by: str
    reviewed_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Ran:
    """One answer of a formula about an enterprise."""

    formula: str
    name: str
    institution: str
    enterprise: str
    at: datetime
    result: int | None
    coverage: int
    access: str
    fresh: bool
