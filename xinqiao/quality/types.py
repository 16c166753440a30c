"""What is said about sources, deliveries and contradictions; events and refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.indicators.types import Severity
from xinqiao.kernel.errors import Invalid, NotFound, Refused

CROSS_CHECKED = Event("quality.cross_checked", "跨部门核对", "items checked against each other")
FINDING_EXPLAINED = Event("quality.finding_explained", "说明跨部门发现", "finding explained")
CARDS_MADE = Event("quality.cards_made", "生成质量卡", "quality cards made")
REMINDED = Event("quality.reminded", "催报与提醒", "provider reminded")
OUTAGE_REPORTED = Event("quality.outage_reported", "报告来源停机", "outage of a source reported")
OUTAGE_ENDED = Event("quality.outage_ended", "来源恢复", "outage of a source ended")


class SourceState(StrEnum):
    """Where the source of an item stands."""

    NEVER = "never"  # nothing was ever delivered
    DOWN = "down"  # an outage was reported and has not ended
    OVERDUE = "overdue"  # late beyond the tolerance: a missing record says nothing any more
    LATE = "late"
    ON_TIME = "on_time"
    UNREACHABLE = "unreachable"  # asked at query time, it gave no answer that can be taken
    NOT_CONFIRMED = "not_confirmed"  # asked to verify, it has something else than what is on record

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "never": "从未报送",
            "unreachable": "查询不通",
            "not_confirmed": "核验不一致",
            "down": "来源停机",
            "overdue": "逾期已久",
            "late": "已逾期",
            "on_time": "按时",
        }[self]


@dataclass(frozen=True, slots=True)
class Source:
    """The source of an item on a day: when it last came, by when the next had to, and why not."""

    item: str
    state: SourceState
    last_on: date | None
    due_on: date | None
    reason: str = ""

    @property
    def settled(self) -> bool:
        """Whether a missing record still means that there is none."""
        return self.state in (SourceState.ON_TIME, SourceState.LATE)

    @property
    def why(self) -> str:
        """The reason a missing record is not known, as answers and evaluations spell it; empty when settled."""
        unsettled = {
            SourceState.NEVER: "never_shared",
            SourceState.DOWN: "source_down",
            SourceState.OVERDUE: "source_late",
            SourceState.UNREACHABLE: "source_unreachable",
            SourceState.NOT_CONFIRMED: "not_confirmed",
        }
        return unsettled.get(self.state, "")


@dataclass(frozen=True, slots=True)
class Expectations:
    """``quality.toml`` as a whole."""

    basis: str
    weeks: int
    window_days: int
    history: int
    least_history: int
    shrink_below: float
    findings_per_rule: int
    tolerance_days: Mapping[str, int]  # by rhythm (period of a deadline)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A day by which a delivery had to come, and the day on which it did; None: it did not."""

    due_on: date
    came_on: date | None
    met: bool


@dataclass(frozen=True, slots=True)
class Came:
    """A delivery that counts (accepted rows, not undone), as quality looks at it."""

    delivery: str
    item: str
    on: date
    rows: int


class CellState(StrEnum):
    """What a week brought from a source."""

    CAME = "came"
    CAME_LATE = "came_late"
    NOTHING_DUE = "nothing_due"
    MISSING = "missing"
    DOWN = "down"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "came": "已到",
            "came_late": "迟到",
            "nothing_due": "无应报",
            "missing": "缺报",
            "down": "停机",
        }[self]


@dataclass(frozen=True, slots=True)
class Cell:
    """One source in one week (``week`` is its Monday)."""

    week: date
    state: CellState
    deliveries: int
    rows: int


class Aspect(StrEnum):
    """The five sides of quality on a card."""

    ON_TIME = "on_time"
    COMPLETE = "complete"
    VALID = "valid"
    UNIQUE = "unique"
    CONSISTENT = "consistent"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"on_time": "及时", "complete": "完整", "valid": "有效", "unique": "唯一", "consistent": "一致"}[self]


@dataclass(frozen=True, slots=True)
class Figure:
    """``good`` out of ``total``; what is missing can be opened, one by one."""

    good: int
    total: int

    @property
    def failing(self) -> int:
        """How many are not good."""
        return self.total - self.good

    @property
    def hundredths(self) -> int | None:
        """Per cent in hundredths, rounded down, so that 100 % is only what is whole; None of nothing."""
        return self.good * 10_000 // self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Card:
    """The quality of one item on one day: figures by aspect, and what they rest on.

    ``deliveries`` are those of the last day on which something came; ``usual`` the rows of earlier ones (0: too few to
    say). ``required`` counts the cells of required fields, which ``complete`` joins with the optional ones.
    """

    day: date
    item: str
    provider: str
    state: SourceState
    due_on: date | None
    figures: Mapping[Aspect, Figure]
    required: Figure
    deliveries: tuple[str, ...]
    rows: int
    usual: int


class FindingState(StrEnum):
    """Where a contradiction between items stands."""

    OPEN = "open"
    EXPLAINED = "explained"  # both are right, and somebody said why
    CORRECTED = "corrected"  # a later run no longer finds it

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"open": "待说明", "explained": "已说明", "corrected": "已更正"}[self]


@dataclass(frozen=True, slots=True)
class FindingValue:
    """One of the values that clash; ``value`` is None for a reader who may not see it, and then ``shown`` is False."""

    item: str
    code: str
    name: str
    name_en: str
    unit: str
    value: object
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule across items that finds something of an enterprise."""

    id: int
    rule: str
    name: str
    name_en: str
    severity: Severity
    basis: str
    enterprise: str
    items: tuple[str, ...]
    providers: tuple[str, ...]
    values: tuple[FindingValue, ...]
    state: FindingState
    first_run: str
    last_run: str
    found_on: date
    explanation: str
    explained_by: str
    explained_at: datetime | None


@dataclass(frozen=True, slots=True)
class CrossRun:
    """A check of the items against each other over the whole province; ``counts`` per rule."""

    id: str
    valid_on: date
    known_at: datetime
    counts: Mapping[str, int]
    subjects: Mapping[str, int]  # item → of how many enterprises it has rows


class ReminderKind(StrEnum):
    """What a provider is reminded of."""

    LATE = "late"
    SHRINKING = "shrinking"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"late": "逾期未报", "shrinking": "行数骤减"}[self]


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something raised to provider and node; open until the next delivery settles it."""

    id: int
    item: str
    provider: str
    kind: ReminderKind
    about: str  # the deadline that was missed, or the delivery that shrank
    raised_at: datetime
    settled_at: datetime | None
    rows: int = 0
    usual: int = 0


@dataclass(frozen=True, slots=True)
class Outage:
    """A source that cannot deliver, since when and why."""

    id: int
    item: str
    reason: str
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class FailingPage:
    """A page of what is behind a figure: ``headings`` and rows of texts; ``after`` is where the next page begins."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    start: int
    after: int | None = None
    notes: tuple[str, ...] = field(default=())


class UnknownFinding(NotFound):
    """No such finding, or not one that the caller's department has to do with."""

    code = "quality.unknown_finding"
    title = "没有找到发现 {finding}"


class UnknownCard(NotFound):
    """No card of that item on that day, or not one of the caller's department."""

    code = "quality.unknown_card"
    title = "{day} 没有数据项 {item} 的质量卡"
    next_step = "请选有质量卡的日期；当天的质量卡由后台任务生成，也可运行 xinqiao quality"


class UnknownOutage(NotFound):
    """No outage under way that could end."""

    code = "quality.unknown_outage"
    title = "数据项 {item} 没有进行中的停机"


class AlreadyDown(Refused):
    """An outage of this source is under way."""

    code = "quality.already_down"
    title = "数据项 {item} 已报告停机"
    next_step = "恢复后先结束这次停机，再报告新的"
    status = 409


class NotConcerned(Refused):
    """Only a department that the rule asks, or the node, explains a finding."""

    code = "quality.not_concerned"
    title = "这条发现不由本部门说明"
    clause = "谁产生、谁提供、谁负责（省级实施方案）"
    next_step = "请由规则所列的责任部门说明，或联系节点"


class NothingWritten(Invalid):
    """An explanation or reason without words, or with too many."""

    code = "quality.nothing_written"
    title = "请写明原因（{count} 处）"
    next_step = "请用一两句话写明，500 字以内"


class InvalidExpectations(Invalid):
    """``quality.toml`` leaves something out or contradicts itself."""

    code = "quality.invalid_expectations"
    title = "质量设置有 {count} 处错误"
    next_step = "请改正 quality.toml 后重新加载"
