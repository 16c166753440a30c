"""A scorecard as declared, a run, and what an evaluation answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from xinqiao.evidence.types import Event
from xinqiao.indicators.types import Bin, Scoring, VetoRule
from xinqiao.kernel.errors import Invalid, NotFound, Refused, XinqiaoError

RUN_PUBLISHED = Event("evaluation.run_published", "发布评价结果", "evaluation run published")
RUN_FAILED = Event("evaluation.run_failed", "评价运行失败", "evaluation run failed")
RUN_ROLLED_BACK = Event("evaluation.run_rolled_back", "撤回评价结果", "evaluation run rolled back")

Document = dict[str, Any]


class ValueState(StrEnum):
    """Three-valued truth of a fact: missing is not zero."""

    VALUE = "value"
    VERIFIED_NONE = "verified_none"
    NOT_KNOWN = "not_known"


class WhyNotKnown(StrEnum):
    """Why a fact is not known."""

    NEVER_SHARED = "never_shared"  # the item was never delivered
    NO_RECORD = "no_record"  # delivered, but nothing about this enterprise
    NOT_COMPUTABLE = "not_computable"  # there are records, but not those the formula needs
    SOURCE_LATE = "source_late"  # the source is overdue for so long that a missing record says nothing
    SOURCE_DOWN = "source_down"  # the source cannot deliver
    SOURCE_UNREACHABLE = "source_unreachable"  # asked just now, it gave no answer that can be taken
    NOT_CONFIRMED = "not_confirmed"  # the source has something else than what is on record
    NOT_LISTED = "not_listed"  # the sharing list in force does not hold the item


class RunStatus(StrEnum):
    """Life of a run: only a published one is ever read."""

    RUNNING = "running"
    PUBLISHED = "published"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in Chinese and English."""

    zh: str
    en: str

    @classmethod
    def of(cls, row: Mapping[str, Any], field: str) -> Words:
        """Out of a row of content: ``field`` and ``field_en``; raises KeyError."""
        return cls(row[field], row[f"{field}_en"])


@dataclass(frozen=True, slots=True)
class CardIndicator:
    """An indicator on a scorecard: its bins and the sentences that explain it."""

    code: str
    bins: tuple[Bin, ...]
    up: Words
    down: Words
    improve: Words

    @property
    def maximum(self) -> int:
        """The most points it can give."""
        return max(b.points for b in self.bins)


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of the scorecard and its indicators."""

    code: str
    name: Words
    indicators: tuple[CardIndicator, ...]

    @property
    def maximum(self) -> int:
        """The most points it can give."""
        return sum(i.maximum for i in self.indicators)


@dataclass(frozen=True, slots=True)
class Veto:
    """A veto with the sentence and clause behind it."""

    rule: VetoRule
    reason: Words
    clause: str


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade and the lowest score that reaches it; None for one that only a veto or missing data gives."""

    grade: str
    at_least: int | None
    meaning: Words


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A dated, versioned scorecard; ``sha256`` is of its file, so a version can never change unseen."""

    code: str
    version: str
    name: Words
    since: date
    basis: str
    draft: bool
    minimum_coverage: int
    dimensions: tuple[Dimension, ...]
    vetoes: tuple[Veto, ...]
    grades: tuple[Grade, ...]
    sha256: str
    scoring: Scoring

    @property
    def indicators(self) -> tuple[CardIndicator, ...]:
        """All indicators, dimension by dimension."""
        return tuple(i for d in self.dimensions for i in d.indicators)

    @property
    def maximum(self) -> int:
        """The highest score."""
        return sum(d.maximum for d in self.dimensions)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run of a scorecard over all enterprises."""

    id: str
    scorecard: str
    version: str
    status: RunStatus
    valid_on: date
    known_at: datetime
    enterprises: int
    grades: dict[str, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of how many firms a run knows an indicator, of how many in all, and how fresh: the newest day in its items.

    ``newest_on`` is that of the stalest item where there are several; None where nothing was delivered.
    """

    known: int
    firms: int
    newest_on: date | None

    @property
    def percent(self) -> int:
        """Whole per cent of the firms, rounded down."""
        return self.known * 100 // self.firms if self.firms else 0


class InvalidScorecard(Invalid):
    """A scorecard file contradicts itself or names what does not exist."""

    code = "evaluation.invalid_scorecard"
    title = "评分卡有 {count} 处错误"
    next_step = "请按所列位置改正评分卡文件"


class NoScorecard(NotFound):
    """No scorecard of that code is in force on the day."""

    code = "evaluation.no_scorecard"
    title = "{on} 没有生效的评分卡“{card}”"


class UnknownEnterprise(NotFound):
    """The registry feed holds no enterprise of that code on that day."""

    code = "evaluation.unknown_enterprise"
    title = "登记信息中没有 {enterprise}"
    next_step = "请核对统一社会信用代码；新设企业请在登记信息报送后再查"


class NoRun(NotFound):
    """Nothing has been evaluated yet."""

    code = "evaluation.no_run"
    title = "还没有发布过评价结果"
    next_step = "请运行 xinqiao evaluate"


class RunInProgress(Refused):
    """Another run is being computed on this machine."""

    code = "evaluation.run_in_progress"
    title = "另一次评价正在运行"
    next_step = "请等它结束后再试"


class RunFailed(XinqiaoError):
    """A run stopped before it could publish; nothing of it is visible."""

    code = "evaluation.run_failed"
    title = "评价运行 {run} 失败：{why}"
    next_step = "请查看运行日志；上一次发布的结果继续有效"
