"""Measures, official figures, targets; events and refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused

Row = Mapping[str, object]
Rows = Sequence[Row]


class Scale(StrEnum):
    """What a number counts in."""

    COUNT = "count"
    FEN = "fen"
    BP = "bp"  # hundredths of a per cent
    DAYS = "days"


class Table(StrEnum):
    """The rows numbers are made of, each a file that can be taken out."""

    ENTERPRISES = "enterprises"
    LOANS = "loans"
    APPLICATIONS = "applications"
    OFFICIAL = "official"
    COUNTIES = "counties"
    SOURCES = "sources"
    INSTITUTIONS = "institutions"
    ACCESSES = "accesses"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "enterprises": "注册企业",
            "loans": "平台促成的贷款",
            "applications": "融资申请",
            "official": "官方口径",
            "counties": "县区覆盖",
            "sources": "数据来源覆盖",
            "institutions": "金融机构覆盖",
            "accesses": "查询服务",
        }[self]


@dataclass(frozen=True, slots=True)
class MeasureFacts:
    """What a number says, in words, from which rows and how. ``formula`` is what a reader may recompute by."""

    code: str
    name: str
    formula: str
    table: Table
    scale: Scale
    group: str


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with what it is a part of: for a share ``part`` and ``whole``, else ``whole`` is None."""

    facts: MeasureFacts
    part: int
    whole: int | None = None

    @property
    def value(self) -> int | None:
        """The number in its scale; None where it is a share of nothing. A share is rounded half up."""
        if self.whole is None:
            return self.part
        if not self.whole:
            return None
        scale = 10_000 if self.facts.scale is Scale.BP else 1
        return (2 * self.part * scale + self.whole) // (2 * self.whole)


@dataclass(frozen=True, slots=True)
class Series:
    """A series of official figures that people enter."""

    code: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Target:
    """A dated target: of an official series, a share of two, or a measure of the platform."""

    code: str
    name: str
    name_en: str
    until: date
    source: str
    series: str = ""
    of: str = ""
    measure: str = ""
    at_least: int | None = None
    at_least_fen: int | None = None
    at_least_bp: int | None = None

    @property
    def wanted(self) -> int:
        """The number to reach, in its scale."""
        return next(v for v in (self.at_least, self.at_least_fen, self.at_least_bp) if v is not None)

    @property
    def scale(self) -> Scale:
        """What the number counts in."""
        return Scale.FEN if self.at_least_fen is not None else Scale.BP if self.at_least_bp is not None else Scale.COUNT


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a target stands: the last number known, of which day, from whom; ``over`` once its day has passed."""

    target: Target
    value: int | None
    on: date | None
    source: str
    over: bool

    @property
    def reached_bp(self) -> int | None:
        """Of the target, in hundredths of a per cent."""
        return None if self.value is None else self.value * 10_000 // self.target.wanted


@dataclass(frozen=True, slots=True)
class Goals:
    """``targets.toml``."""

    floor: int
    targets: tuple[Target, ...]
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class OfficialFigure:
    """A figure of a series as entered: of which day, by whom, from which document. A later entry corrects it."""

    series: str
    on: date
    value_fen: int
    source: str
    entered_by: str
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the funnel of a cohort: how many reached it, median days from the step before."""

    code: str
    reached: int
    median_days: int | None


@dataclass(frozen=True, slots=True)
class Cohort:
    """Enterprises registered in a month (or split otherwise) and how far they came."""

    key: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A number of a closed month that has changed since: what was closed, what it is now."""

    code: str
    closed: int | None
    now: int | None


OFFICIAL_ENTERED = Event("effectiveness.official_entered", "录入官方口径", "official figure entered")
MONTH_CLOSED = Event("effectiveness.month_closed", "月度结账", "month closed")
EXPORTED = Event("effectiveness.exported", "导出成效明细", "effectiveness rows exported")


class InvalidTargets(Invalid):
    """``targets.toml`` contradicts itself."""

    code = "effectiveness.invalid_targets"
    title = "targets.toml 有 {count} 处错误"
    next_step = "请按所列位置改正；可运行 xinqiao content check 复查"


class WrongFigure(Invalid):
    """An official figure leaves something out."""

    code = "effectiveness.wrong_figure"
    title = "录入的数字有 {count} 处需要修改"
    next_step = "请按所列位置修改后再提交"


class UnknownTable(NotFound):
    """There are no rows of that name; data: ``table``."""

    code = "effectiveness.unknown_table"
    title = "没有名为 {table} 的明细"


class MonthNotOver(Refused):
    """A month can be closed once it is over; data: ``month``."""

    code = "effectiveness.month_not_over"
    title = "{month} 还没有结束"
    next_step = "请在次月结账"


class MonthClosed(Refused):
    """The month is closed; data: ``month``."""

    code = "effectiveness.month_closed_already"
    title = "{month} 已经结账"
    next_step = "以后的更正列为调整，不改动已结的数字"
    status = 409
