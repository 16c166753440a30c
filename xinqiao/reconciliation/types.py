"""Days, hand-ins and mismatches as the rest of the system sees them; events and refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from xinqiao.evaluation.types import Words
from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused


class DayState(StrEnum):
    """Where a day of one organisation stands."""

    OVERDUE = "overdue"  # answers were released, nothing was handed in by the deadline
    OPENING = "opening"  # handed in; lines of the buckets that differ are asked for
    AGREED = "agreed"
    DIFFERS = "differs"  # may still be corrected
    CASE = "case"  # a case of the register was opened

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "overdue": "逾期未报",
            "opening": "待补明细",
            "agreed": "一致",
            "differs": "不一致",
            "case": "已登记线索",
        }[self]


class MismatchKind(StrEnum):
    """How two ledgers differ in one line."""

    OMITTED = "omitted"  # released, not listed
    INVENTED = "invented"  # listed, never released to it
    ALTERED = "altered"  # another digest, purpose or form than was released
    WRONG_DAY = "wrong_day"  # released on another day in Beijing
    NOT_DELIVERED = "not_delivered"  # released, said never to have arrived
    USE_WITHOUT_RELEASE = "use_without_release"
    USE_FOR_OTHER = "use_for_other"  # a use that the purpose of the release does not cover
    USE_AFTER_END = "use_after_end"  # under an authorisation that was withdrawn before

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "omitted": "漏报",
            "invented": "节点没有提供过",
            "altered": "内容与提供的不同",
            "wrong_day": "日期不对",
            "not_delivered": "称未收到",
            "use_without_release": "使用了没有提供过的信息",
            "use_for_other": "超出约定用途使用",
            "use_after_end": "授权撤回后使用",
        }[self]


@dataclass(frozen=True, slots=True)
class Use:
    """A use of ``reconciliation.toml``; ``purposes`` are those of a release that cover it, ``*`` all.

    ``after_end``: also after the authorisation has ended.
    """

    code: str
    name: Words
    purposes: frozenset[str]
    after_end: bool

    def covers(self, purpose: str) -> bool:
        """Whether a release for that purpose may be used so."""
        return "*" in self.purposes or purpose in self.purposes


@dataclass(frozen=True, slots=True)
class Terms:
    """``reconciliation.toml`` as a whole: first day, channels, deadlines in working days, tolerance, uses."""

    since: date
    channels: tuple[str, ...]
    opens_after: timedelta
    due_workdays: int
    late_workdays: int
    correct_workdays: int
    look_back_days: int
    lost_at_most: int
    uses: Mapping[str, Use]
    basis: Words


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A line in which the two sides differ: what was listed and what was released; one of the two may be empty."""

    kind: MismatchKind
    access: str
    listed: str
    released: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What an institution signed of one day (``client.daybook``). ``sha256`` is of the signed text."""

    organisation: str
    day: date
    revision: int
    received: int
    used: int
    depth: int
    root: bytes
    used_root: bytes
    client: str
    sha256: str


@dataclass(frozen=True, slots=True)
class HandIn:
    """A hand-in and what came of it. ``open`` are the buckets whose lines are still asked for."""

    id: str
    organisation: str
    day: date
    revision: int
    state: DayState
    received: int
    used: int
    open: tuple[int, ...]
    opened: int
    mismatches: tuple[Mismatch, ...]
    count: int
    handed_at: datetime
    correct_by: date | None
    case: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ReconDay:
    """A day of one organisation: by when it is due, how it stands, which hand-in is the last."""

    organisation: str
    day: date
    state: DayState
    due_on: date
    late: bool
    correct_by: date | None
    revision: int
    mismatches: int
    hand_in: str
    case: str


HANDED_IN = Event("reconciliation.handed_in", "报送收用台账", "daybook handed in")
COMPARED = Event("reconciliation.compared", "核对收用台账", "daybook compared")
OVERDUE = Event("reconciliation.fell_overdue", "收用台账逾期未报", "daybook overdue")
ESCALATED = Event("reconciliation.escalated", "对账不符转线索", "difference of ledgers made a case")


class InvalidDaybook(Invalid):
    """A hand-in cannot be read, is not signed by a key of the organisation, or contradicts what it signed."""

    code = "reconciliation.invalid"
    title = "台账有 {count} 处不符合要求，未收下"
    next_step = "请用调用方程序库（xinqiao daybook）重新生成并签名"


class DayNotOver(Refused):
    """The day is not over yet; data: ``opens_at``."""

    code = "reconciliation.day_not_over"
    title = "这一天的台账从 {opens_at} 起可以报送"
    next_step = "请到时再报送"
    status = 409


class NotTheNextRevision(Refused):
    """A corrected day must carry the next number; data: ``expected``."""

    code = "reconciliation.revision"
    title = "这一天的下一次报送应为第 {expected} 次"
    next_step = "请核对已报送的次数后重新签名"
    status = 409


class Superseded(Refused):
    """Lines were sent for a hand-in that a later one has replaced; data: ``hand_in``."""

    code = "reconciliation.superseded"
    title = "报送 {hand_in} 已被更正的报送取代"
    next_step = "请对最新的报送补明细"
    status = 409


class UnknownHandIn(NotFound):
    """There is no such hand-in, or it is another organisation's; data: ``hand_in``."""

    code = "reconciliation.unknown"
    title = "没有编号为 {hand_in} 的台账报送"
