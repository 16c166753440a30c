"""Rules, findings, watches, signals, pushes and embargoes; events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from xinqiao.evaluation.types import Words
from xinqiao.evidence.types import Event

Place = tuple[str, str, str]  # enterprise, rule, occasion

PURPOSE = "post_loan"  # the only purpose under which a borrower is watched


class RuleKind(StrEnum):
    """What a rule looks at."""

    RECORD = "record"  # a new record of an item
    FALL = "fall"  # a monthly figure that fell against the same months of the year before
    GRADE = "grade"  # the grade of one published run against the run before

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"record": "新记录", "fall": "指标下降", "grade": "等级下降"}[self]


class SignalLevel(StrEnum):
    """How much it matters."""

    RED = "red"
    AMBER = "amber"
    BLUE = "blue"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"red": "红色：立即处置", "amber": "橙色：尽快核实", "blue": "蓝色：提示关注"}[self]


class Duty(StrEnum):
    """Whose task a signal is at the institution."""

    OFFICER = "officer"
    RISK = "risk"
    COLLECTION = "collection"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"officer": "客户经理", "risk": "风险经理", "collection": "资产保全"}[self]


class WatchEnd(StrEnum):
    """Why a borrower is no longer watched."""

    INSTITUTION = "institution"
    AUTHORISATION = "authorisation"
    SUSPENDED = "suspended"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"institution": "机构结束", "authorisation": "授权已终止", "suspended": "机构已暂停或退出"}[self]


class SignalState(StrEnum):
    """Whether what a signal says still stands on record."""

    RAISED = "raised"
    WITHDRAWN = "withdrawn"  # the records behind it were retracted, corrected or settled

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"raised": "有效", "withdrawn": "已撤回"}[self]


class PushState(StrEnum):
    """What became of telling one institution."""

    WAITING = "waiting"
    TOLD = "told"
    REFUSED = "refused"  # the gate said no
    TAKEN_BACK = "taken_back"  # the signal was withdrawn, or the watch ended, before it went out

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"waiting": "待推送", "told": "已推送", "refused": "未获准推送", "taken_back": "已收回"}[self]


class Reply(StrEnum):
    """What an institution says of a signal. The first two count as useful."""

    USEFUL = "useful"
    ACTED = "acted"
    FALSE_ALARM = "false_alarm"
    KNOWN_BEFORE = "known_before"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"useful": "有用", "acted": "已采取措施", "false_alarm": "误报", "known_before": "事先已知"}[self]


USEFUL_REPLIES = frozenset({Reply.USEFUL, Reply.ACTED})


class EmbargoState(StrEnum):
    """Where an embargo stands. Only an approved one before its end holds anything back."""

    PROPOSED = "proposed"
    DECLINED = "declined"
    APPROVED = "approved"
    ENDED = "ended"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"proposed": "待第二人批准", "declined": "未批准", "approved": "生效", "ended": "已提前结束"}[self]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a record must say: its field is one of ``among``, or more than ``above``, or empty (still open)."""

    field: str
    among: tuple[str, ...] = ()
    above: int | None = None
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Records of the watcher's own do not count: ``item`` tells by ``by`` whose record it is (``field``)."""

    item: str
    by: str
    field: str


@dataclass(frozen=True, slots=True)
class RuleExample:
    """Records, monthly values (from a month on) or grades that are given, and how many signals come of them."""

    expect: int
    rows: tuple[Mapping[str, Any], ...] = ()
    first_month: date | None = None
    values: tuple[int, ...] = ()
    grades: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignalRule:
    """A row of ``signals.toml``. ``sha256`` is of its declaration: a signal names the version it came of.

    ``at_least`` records within ``within_months``; ``first_of`` names the fields of which the first record alone counts.
    ``months`` and ``percent``: the sum of so many months fell by so much; ``least`` the sum of a year before below
    which nothing is said. ``steps``: by so many grades.
    """

    code: str
    kind: RuleKind
    name: Words
    level: SignalLevel
    duty: Duty
    next_step: Words
    expires_workdays: int
    clause: Words
    items: tuple[str, ...]
    sha256: str
    conditions: tuple[Condition, ...] = ()
    at_least: int = 1
    within_months: int = 0
    first_of: tuple[str, ...] = ()
    elsewhere: Elsewhere | None = None
    value: str = ""
    months: int = 0
    percent: int = 0
    least: int = 0
    steps: int = 0
    examples: tuple[RuleExample, ...] = ()

    @property
    def item(self) -> str:
        """The item whose records it looks at; "" for a rule over grades."""
        return self.items[0] if self.kind is not RuleKind.GRADE else ""


@dataclass(frozen=True, slots=True)
class Signals:
    """``signals.toml`` as a whole: the rules and from when on the precision of a rule is called low (per cent)."""

    rules: tuple[SignalRule, ...]
    low_percent: int
    least_replies: int
    embargo_days: int
    sha256: str

    def rule(self, code: str) -> SignalRule | None:
        """The rule of that code, if there still is one."""
        return next((rule for rule in self.rules if rule.code == code), None)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that holds of an enterprise. ``key`` tells the occasion, ``known_at`` since when it is on record.

    ``facts`` are derived and may leave the node; ``party`` (whose record it is) never does.
    """

    enterprise: str
    rule: str
    key: str
    known_at: datetime
    facts: Mapping[str, str | int]
    party: str = ""

    @property
    def place(self) -> Place:
        """Of all findings the one it is."""
        return self.enterprise, self.rule, self.key


@dataclass(frozen=True, slots=True)
class Watch:
    """A borrower on an institution's list. ``exposure_fen`` is what the institution says is outstanding, if it does."""

    id: int
    organisation: str
    organisation_name: str
    enterprise: str
    enterprise_name: str
    authorisation: str
    exposure_fen: int | None
    began_at: datetime
    ended_at: datetime | None
    end: WatchEnd | None


@dataclass(frozen=True, slots=True)
class Push:
    """One institution's part in a signal: its ledger line, and its reply."""

    id: int
    watch: Watch
    state: PushState
    access: str
    told_at: datetime | None
    reply: Reply | None
    reason: str
    note: str
    replied_at: datetime | None


@dataclass(frozen=True, slots=True)
class Signal:
    """A finding as the node keeps it. ``told_from`` is when the enterprise is told: at once but for an embargo."""

    id: str
    enterprise: str
    rule: str
    rule_sha256: str
    level: SignalLevel
    state: SignalState
    facts: Mapping[str, str | int]
    raised_at: datetime
    expires_on: date
    withdrawn_at: datetime | None
    told_from: datetime
    entry: int


@dataclass(frozen=True, slots=True)
class Embargo:
    """An enterprise is told later, by two people, on a legal basis, until a day."""

    id: int
    enterprise: str
    basis: str
    until: datetime
    state: EmbargoState
    proposed_by: str
    proposed_at: datetime
    approved_by: str
    approved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Precision:
    """What institutions said of a rule's signals: how many were told, how many answered, and how."""

    rule: str
    told: int
    replies: Mapping[str, int]

    @property
    def replied(self) -> int:
        """How many were answered."""
        return sum(self.replies.values())

    @property
    def useful(self) -> int:
        """How many of the answers say that the signal was of use."""
        return sum(self.replies.get(reply, 0) for reply in USEFUL_REPLIES)

    @property
    def percent(self) -> int | None:
        """Useful of replied, in whole per cent rounded down; None without a reply."""
        return self.useful * 100 // self.replied if self.replied else None


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass did: enterprises evaluated, signals raised, withdrawn, watches ended."""

    enterprises: int
    raised: int
    withdrawn: int
    ended: int


WATCHED = Event("monitoring.watched", "列入监测名单", "borrower put on the watch list")
WATCH_ENDED = Event("monitoring.watch_ended", "移出监测名单", "borrower taken off the watch list")
SIGNAL_RAISED = Event("monitoring.signal_raised", "生成风险信号", "risk signal raised")
SIGNAL_WITHDRAWN = Event("monitoring.signal_withdrawn", "撤回风险信号", "risk signal withdrawn")
SIGNAL_REPLIED = Event("monitoring.signal_replied", "回复风险信号", "risk signal replied to")
EMBARGO_PROPOSED = Event("monitoring.embargo_proposed", "提请暂缓告知", "embargo proposed")
EMBARGO_APPROVED = Event("monitoring.embargo_approved", "批准暂缓告知", "embargo approved")
EMBARGO_DECLINED = Event("monitoring.embargo_declined", "不批准暂缓告知", "embargo declined")
EMBARGO_ENDED = Event("monitoring.embargo_ended", "提前结束暂缓告知", "embargo ended early")
