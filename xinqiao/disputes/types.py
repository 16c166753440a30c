"""Disputes, their states and what correcting a record sets in motion. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from xinqiao.evidence.types import Event

FILED = Event("dispute.filed", "提出异议", "dispute filed")
FORWARDED = Event("dispute.forwarded", "异议转送节点", "dispute forwarded to the node")
SENT = Event("dispute.sent", "异议送责任部门核查", "dispute sent to the provider")
ASKED = Event("dispute.asked", "请企业补充材料", "more asked of the enterprise")
SUPPLIED = Event("dispute.supplied", "企业补充材料", "material supplied by the enterprise")
FOUND = Event("dispute.found", "核查结论", "finding of the provider")
ANSWERED = Event("dispute.answered", "书面答复异议", "dispute answered in writing")
REJECTED = Event("dispute.rejected", "异议不予受理", "dispute not admitted")
WITHDRAWN = Event("dispute.withdrawn", "撤回异议", "dispute withdrawn")
REVIEWED = Event("dispute.review_asked", "申请复核", "review of an answer asked for")
REMINDED = Event("dispute.reminded", "异议时限提醒", "reminder of a dispute's clock")

WHOLE = ""  # a dispute about an item as a whole, not about one of its rows


class DisputeState(StrEnum):
    """Where a dispute stands (异议处理流程)."""

    FILED = "filed"
    FORWARDED = "forwarded"
    MARKED = "marked"
    SENT = "sent"
    ASKED = "asked"
    ERROR = "error"
    RIGHT = "right"
    UNDECIDABLE = "undecidable"
    UPDATED = "updated"
    UNMARKED = "unmarked"
    RECORDED = "recorded"
    ANSWERED = "answered"
    NOTIFIED = "all_told"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {
            "filed": "待转送节点",
            "forwarded": "已到节点",
            "marked": "已标注异议中",
            "sent": "责任部门核查中",
            "asked": "待企业补充",
            "error": "确认有误",
            "right": "确认无误",
            "undecidable": "无法核实",
            "updated": "已更正",
            "unmarked": "已解除标注",
            "recorded": "已附企业声明",
            "answered": "已答复",
            "all_told": "已答复并告知使用方",
            "rejected": "不予受理",
            "withdrawn": "已撤回",
        }[self]


OPEN = frozenset({DisputeState.FILED, DisputeState.SENT, DisputeState.ASKED})


class Channel(StrEnum):
    """Through whom an enterprise's dispute came."""

    ENTERPRISE = "enterprise"
    INSTITUTION = "institution"
    PLATFORM = "platform"
    NODE = "node"

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {
            "enterprise": "企业门户",
            "institution": "接入机构",
            "platform": "融资信用服务平台",
            "node": "节点窗口",
        }[self]


class Verdict(StrEnum):
    """What the provider found."""

    ERROR = "error"
    RIGHT = "right"
    UNDECIDABLE = "undecidable"

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {"error": "记录有误，已更正", "right": "记录无误", "undecidable": "无法核实，附企业声明"}[self]


class Holder(StrEnum):
    """Whose turn it is."""

    CHANNEL = "channel"
    PROVIDER = "provider"
    ENTERPRISE = "enterprise"

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {"channel": "转送方", "provider": "责任部门", "enterprise": "企业"}[self]


class AfterHours(StrEnum):
    """What a receipt outside of business hours counts as."""

    SAME_DAY = "same_day"
    NEXT_WORKDAY = "next_workday"


@dataclass(frozen=True, slots=True)
class Ground:
    """A coded claim of the content."""

    code: str
    says: str
    says_en: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A coded reason why a dispute is not admitted, with what to do instead."""

    code: str
    says: str
    says_en: str
    next_step: str
    next_step_en: str


@dataclass(frozen=True, slots=True)
class DisputeRules:
    """``disputes.toml``: the clocks, in working days but for ``answer_days`` and ``review_days``, and the codes."""

    draft: bool
    basis: str
    basis_en: str
    forward_workdays: int
    verify_workdays: int
    answer_days: int
    supply_workdays: int
    review_days: int
    opens: time
    closes: time
    after_hours: AfterHours
    grounds: tuple[Ground, ...]
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What an enterprise says is wrong: an item, the row (``ref``) or the item as a whole, the ground and its words."""

    item: str
    ref: str
    ground: str
    text: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that supports a claim: its name as given, its digest and size in bytes."""

    id: int
    name: str
    sha256: str
    size: int
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as its parties see it. ``since`` is when its state began; days are days in Beijing."""

    id: str
    enterprise: str
    enterprise_name: str
    claim: Claim
    channel: Channel
    via: str
    provider: str
    state: DisputeState
    since: datetime
    received_at: datetime
    counted_from: date
    forward_due_on: date
    provisional: bool
    forwarded_at: datetime | None
    late: bool
    answer_due_on: date | None
    verdict: Verdict | None
    answer: str
    answered_at: datetime | None
    rejection: str
    review: bool
    score_before: int | None
    score_after: int | None
    entry: int


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a dispute."""

    state: DisputeState
    at: datetime
    actor: str
    note: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn a dispute is, until when, how much of the time has run and what is left."""

    holder: Holder
    due_on: date
    elapsed_percent: int
    workdays_left: int
    over: bool
    provisional: bool
