"""What an indicator is: its declaration, its kind of value, its examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from xinqiao.kernel.errors import Invalid, SourceFailed


class Kind(StrEnum):
    """How an indicator's value is stored and compared."""

    INTEGER = "bigint"
    DECIMAL = "decimal(12,4)"
    TEXT = "string"
    DATE = "date"


UNITS: Mapping[str, Kind] = {
    **dict.fromkeys(("count", "days", "months", "years", "persons", "fen", "kwh", "flag"), Kind.INTEGER),
    **dict.fromkeys(("ratio", "percent"), Kind.DECIMAL),
    **dict.fromkeys(("grade", "code"), Kind.TEXT),
    "date": Kind.DATE,
}


@dataclass(frozen=True, slots=True)
class IndicatorExample:
    """Rows of one enterprise, a day, and the value the indicator must give."""

    rows: tuple[Mapping[str, Any], ...]
    as_of: date
    expect: object


@dataclass(frozen=True, slots=True)
class DerivedExample:
    """Values of the indicators that a derived one is computed from, and the value it must give."""

    values: tuple[object, ...]
    expect: object


@dataclass(frozen=True, slots=True)
class PeerExample:
    """The values of a group of peers, one enterprise's own among them, and what it must be given."""

    group: tuple[object, ...]
    own: object
    expect: object


class Measure(StrEnum):
    """How an enterprise's value is placed among its peers."""

    PERCENTILE = "percentile"  # per cent of the peers below it, those equal to it counting half
    MEDIAN = "median"  # in per cent of the middle value


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a value stands in its group: how many are below, how many equal, of how many; the two middle values."""

    below: int
    equal: int
    count: int
    low: int | Decimal | None
    high: int | Decimal | None


@dataclass(frozen=True, slots=True)
class IndicatorFacts:
    """The declaration of an indicator, without its formula."""

    code: str
    name: str
    name_en: str
    item: str
    unit: str
    better: str  # higher | lower | neither
    basis: str
    since: date
    none: int | None = None  # value when the item is verified to hold nothing
    months: int | None = None  # how far back the formula looks; None = how things stand on the day
    further: tuple[str, ...] = ()  # items besides ``item`` that the value rests on (derived and peer indicators)

    @property
    def items(self) -> tuple[str, ...]:
        """Every item the value rests on: what an authorisation must cover before the value is given."""
        return (self.item, *self.further)

    @property
    def kind(self) -> Kind:
        """How the value is stored."""
        return UNITS[self.unit]

    @property
    def column(self) -> str:
        """Column name of the value in a run: dots are not column characters."""
        return self.code.replace(".", "__")


class Severity(StrEnum):
    """How much a contradiction between items weighs."""

    ERROR = "error"  # both cannot be true
    DOUBT = "doubt"  # both can be true, but seldom are

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"error": "必有一误", "doubt": "存疑"}[self]


@dataclass(frozen=True, slots=True)
class CrossFacts:
    """The declaration of a rule across items, without its formula.

    ``explain`` are the departments asked to explain; ``items`` what the rule looks at, in the order of its values.
    """

    code: str
    name: str
    name_en: str
    severity: Severity
    basis: str
    since: date
    items: tuple[str, ...]
    explain: tuple[str, ...]

    @property
    def column(self) -> str:
        """Column that says whether the rule finds something."""
        return f"found__{self.code.replace('.', '__')}"


class InvalidIndicator(Invalid):
    """An indicator file contradicts the catalogue or itself."""

    code = "indicators.invalid"
    title = "指标定义有 {count} 处错误"
    next_step = "请按所列指标改正；可运行 xinqiao content check 复查"


class EngineUnavailable(SourceFailed):
    """The configured Spark endpoint does not answer."""

    code = "indicators.engine_unavailable"
    title = "计算引擎 {source} 不可用"
    next_step = "请检查 XINQIAO_SPARK 所指的集群；留空则使用内置引擎"


@dataclass(frozen=True, slots=True)
class Bin:
    """Points of a range of values: numbers under ``below`` (None = no bound), or one of ``values``."""

    points: int
    below: int | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VetoRule:
    """A value of an indicator that fixes the grade whatever the score."""

    code: str
    indicator: str
    at_least: int
    grade: str


@dataclass(frozen=True, slots=True)
class SizeRow:
    """One row of the size table: GB/T 4754 code prefixes and lower bounds per class; None = not looked at."""

    industries: tuple[str, ...]
    bounds: Mapping[str, tuple[int | None, int | None, int | None]]  # class → persons, sales fen, assets fen


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """A scorecard as the engine needs it: everything that turns values into points, score, coverage and grade."""

    bins: Mapping[str, tuple[Bin, ...]]  # indicator code → bins, in order
    vetoes: tuple[VetoRule, ...]
    grades: tuple[tuple[str, int], ...]  # best first: (grade, lowest score)
    unrated: str
    minimum_coverage: int  # percent of the maximum points that must be known
    sizes: tuple[SizeRow, ...]
    size_inputs: tuple[str, ...]  # indicators of industry code, persons, sales and perhaps total assets, both in fen
