"""Sentinels, alerts and freezes as the rest of the system sees them; events and refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused


class Sentinel(StrEnum):
    """What misuse looks like in the ledger."""

    NO_APPLICATION = "no_application"  # firms looked at of whom nothing was ever asked
    ENUMERATION = "enumeration"  # going through codes
    OFF_HOURS = "off_hours"  # a burst when nobody works
    PURPOSE_DRIFT = "purpose_drift"  # suddenly for other purposes than before
    AFTER_WITHDRAWAL = "after_withdrawal"  # going on under an authorisation that was taken back
    CANARY = "canary"  # a firm that nobody has reason to know

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "no_application": "没有申请的查询",
            "enumeration": "逐个试探",
            "off_hours": "非工作时间突增",
            "purpose_drift": "用途突变",
            "after_withdrawal": "撤回后仍查询",
            "canary": "查询哨兵企业",
        }[self]


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    DISMISSED = "dismissed"  # explained, with the reason
    ACTED = "acted"  # a freeze was proposed because of it

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"open": "待处置", "dismissed": "已排除", "acted": "已提请冻结"}[self]


class TargetKind(StrEnum):
    """What can be frozen."""

    CLIENT = "client"  # a program
    PERSON = "person"  # a member of an organisation, for that organisation

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"client": "客户端", "person": "人员"}[self]


class FreezeState(StrEnum):
    """Where a freeze stands. Frozen and appealed are in force."""

    PROPOSED = "proposed"
    DECLINED = "declined"
    FROZEN = "frozen"
    APPEALED = "appealed"
    LIFTED = "lifted"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "proposed": "待第二人批准",
            "declined": "未批准",
            "frozen": "已冻结",
            "appealed": "申诉待处理",
            "lifted": "已解除",
        }[self]


IN_FORCE = frozenset({FreezeState.FROZEN, FreezeState.APPEALED})


@dataclass(frozen=True, slots=True)
class Trigger:
    """A row of ``sentinels.toml``: when a sentinel speaks. ``window`` is how far back it looks.

    ``at_least`` counts what it counts (see the sentinel's rule); ``share`` is a part of all looks; ``usual`` a multiple
    of what is usual; ``grace`` a time within which nothing is held against anybody; ``burst`` a count within the short
    ``burst_window``.
    """

    sentinel: Sentinel
    window: timedelta
    at_least: int
    clause: str
    says: str
    share: float = 0.0
    usual: float = 0.0
    grace: timedelta = timedelta()
    burst_window: timedelta = timedelta()
    burst: int = 0
    misses: int = 0
    neighbours: int = 0


@dataclass(frozen=True, slots=True)
class Watching:
    """``sentinels.toml`` as a whole: the triggers, working hours, how far back applications and habits reach."""

    triggers: tuple[Trigger, ...]
    opens: time
    closes: time
    applications: timedelta
    habits: timedelta
    appeal_workdays: int

    @property
    def longest(self) -> timedelta:
        """The longest window of all triggers."""
        return max(t.window for t in self.triggers)


@dataclass(frozen=True, slots=True)
class Look:
    """A line of the ledger as sentinels read it. ``unknown``: the registry has no such enterprise."""

    access: str
    at: datetime
    enterprise: str
    purpose: str
    authorisation: str
    allowed: bool
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What else bears on one party's looks.

    ``applied`` are the enterprises of which its organisation has asked an authorisation; ``withdrawn`` tells when which
    authorisation was taken back; ``purposes`` counts its earlier looks; ``night`` is the most it looked off duty
    before in one hour, by the hour of the day in Beijing; ``canaries`` are the planted enterprises.
    """

    applied: frozenset[str] = frozenset()
    withdrawn: Mapping[str, datetime] | None = None
    purposes: Mapping[str, int] | None = None
    night: Mapping[int, int] | None = None
    canaries: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a sentinel saw: the looks that count against the party and the figures behind it."""

    sentinel: Sentinel
    looks: tuple[Look, ...]
    figures: Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class Alert:
    """A finding as the node keeps it. ``accesses`` are ledger lines, the newest last."""

    id: int
    sentinel: Sentinel
    organisation: str
    organisation_name: str
    actor: str
    state: AlertState
    first_at: datetime
    last_at: datetime
    raised_at: datetime
    accesses: tuple[str, ...]
    figures: Mapping[str, int | float]
    reason: str
    freeze: str


@dataclass(frozen=True, slots=True)
class Freeze:
    """A program or person stopped, or proposed to be, and what was said on both sides."""

    id: str
    kind: TargetKind
    target: str
    organisation: str
    alert: int | None
    state: FreezeState
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str
    approved_at: datetime | None
    appeal: str
    appealed_at: datetime | None
    due_on: date | None
    decision: str
    decided_at: datetime | None


ALERTED = Event("supervision.alerted", "发现疑似滥用", "misuse suspected")
ALERT_GREW = Event("supervision.alert_grew", "疑似滥用继续", "suspected misuse goes on")
ALERT_DISMISSED = Event("supervision.alert_dismissed", "排除疑似滥用", "suspected misuse explained")
CANARY_PLANTED = Event("supervision.canary_planted", "布设哨兵企业", "canary enterprise planted")
FREEZE_PROPOSED = Event("supervision.freeze_proposed", "提请冻结", "freeze proposed")
FREEZE_DECLINED = Event("supervision.freeze_declined", "不批准冻结", "freeze declined")
FROZEN = Event("supervision.frozen", "冻结", "frozen")
FOUND_UNLAWFUL = Event("supervision.found_unlawful", "认定违规读取", "unlawful reading found")
APPEALED = Event("supervision.appealed", "提出申诉", "freeze appealed")
UPHELD = Event("supervision.upheld", "维持冻结", "freeze upheld")
LIFTED = Event("supervision.lifted", "解除冻结", "freeze lifted")


class UnknownAlert(NotFound):
    """There is no such alert; data: ``alert``."""

    code = "supervision.unknown_alert"
    title = "没有编号为 {alert} 的告警"


class UnknownFreeze(NotFound):
    """There is no such freeze, or it concerns another organisation; data: ``freeze``."""

    code = "supervision.unknown_freeze"
    title = "没有编号为 {freeze} 的冻结"


class SecondPersonNeeded(Refused):
    """The step needs somebody who has not acted in this freeze before."""

    code = "supervision.second_person"
    title = "这一步须由未参与此前步骤的另一人办理"
    clause = "冻结须经两人，申诉由第三人处理（信桥内部控制，工作草案）"
    next_step = "请交由另一位运行人员或安全管理员办理"


class AlreadyFrozen(Refused):
    """The program or person is frozen, or a freeze of it is under way; data: ``target``."""

    code = "supervision.already_frozen"
    title = "{target} 已冻结或正在办理冻结"
    next_step = "请在冻结列表中查看"
    status = 409


class NotFreezable(Refused):
    """The party is none that a freeze can be of (the node itself, the public, an enterprise reading its own file)."""

    code = "supervision.not_freezable"
    title = "不能冻结 {target}"
    next_step = "只能冻结接入机构、平台或部门的客户端和人员"


class NoReason(Invalid):
    """A step without its reason in words, or with too many."""

    code = "supervision.no_reason"
    title = "请写明理由"
    next_step = "请用 1 至 500 字说明"


class CanariesRefused(Refused):
    """Canaries cannot be planted as asked; data: ``why``."""

    code = "supervision.canaries_refused"
    title = "不能布设哨兵企业：{why}"
    next_step = "请减少数量，或先报送登记信息"
