"""Cases, kinds, measures and steps as the rest of the system sees them; events and refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from xinqiao.evaluation.types import Words
from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused


class Source(StrEnum):
    """How the node came to know."""

    ALERT = "alert"
    CANARY = "canary"
    COMPLAINT = "complaint"
    AUDIT = "audit"
    LEDGER = "ledger"  # the two sides' ledgers differ
    TRACE = "trace"  # a found copy named its read

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "alert": "滥用监测",
            "canary": "哨兵企业",
            "complaint": "企业投诉",
            "audit": "检查审计",
            "ledger": "双方对账",
            "trace": "副本溯源",
        }[self]


class CaseState(StrEnum):
    """Where a case stands."""

    OPENED = "opened"
    INVESTIGATING = "investigating"
    HEARING = "hearing"  # the other side may speak
    HEARD = "heard"
    DECIDED = "decided"
    IN_FORCE = "in_force"
    APPEALED = "appealed"
    CLOSED = "closed"
    UNFOUNDED = "unfounded"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "opened": "已登记",
            "investigating": "调查中",
            "hearing": "待陈述申辩",
            "heard": "待决定",
            "decided": "待执行",
            "in_force": "措施已执行",
            "appealed": "申诉待答复",
            "closed": "已办结",
            "unfounded": "不成立",
        }[self]


ENDED = frozenset({CaseState.CLOSED, CaseState.UNFOUNDED})


class Effect(StrEnum):
    """What carrying a measure out does."""

    NONE = "none"  # the organisation is told
    FREEZE = "freeze"  # the program or person of the case is stopped
    SUSPEND = "suspend"
    REMOVE = "remove"
    REFERRAL = "referral"  # the authorities have it: needs the number of the letter


@dataclass(frozen=True, slots=True)
class ViolationKind:
    """A kind of violation of ``violations.toml``, with its legal basis."""

    code: str
    name: Words
    says: Words
    basis: Words


@dataclass(frozen=True, slots=True)
class CaseMeasure:
    """A measure of ``violations.toml``; a ``severe`` one is carried out by another person than who decided it."""

    code: str
    name: Words
    basis: Words
    effect: Effect
    severe: bool


@dataclass(frozen=True, slots=True)
class Register:
    """``violations.toml`` as a whole; ``complaint_days`` are until an enterprise is answered."""

    kinds: Mapping[str, ViolationKind]
    measures: Mapping[str, CaseMeasure]
    workdays: Mapping[str, int]
    complaint_days: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What a case is opened on. ``reference`` names the thing within its source: the same is never opened twice.

    ``party`` is the program or person concerned, as the ledger names it; ``enterprise`` whose data it is about, if one;
    ``facts`` are figures and numbers of ledger lines, never personal data.
    """

    kind: str
    organisation: str
    source: Source
    reference: str
    summary: str
    facts: Mapping[str, Any]
    party: str = ""
    enterprise: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A case of the register and what was said on both sides. ``due_on`` is the end of the present step."""

    id: str
    kind: str
    organisation: str
    organisation_name: str
    source: Source
    reference: str
    party: str
    enterprise: str
    summary: str
    facts: Mapping[str, Any]
    state: CaseState
    opened_at: datetime
    due_on: date | None
    notice: str
    statement: str
    statement_at: datetime | None
    measures: tuple[str, ...]
    document: str
    decision: str
    decided_by: str
    decided_at: datetime | None
    carried_out_by: str
    carried_out_at: datetime | None
    appeal: str
    appealed_at: datetime | None
    outcome: str
    ended_at: datetime | None


CASE_OPENED = Event("violation.opened", "登记违法违规线索", "case of violation opened")
CASE_TAKEN_UP = Event("violation.taken_up", "受理线索", "case taken up")
CASE_NOTIFIED = Event("violation.notified", "告知并听取陈述申辩", "organisation told and asked for its statement")
CASE_STATED = Event("violation.stated", "提交陈述申辩", "statement given")
CASE_UNHEARD = Event("violation.hearing_lapsed", "逾期未陈述申辩", "time for the statement passed")
CASE_DECIDED = Event("violation.decided", "作出处理决定", "case decided")
CASE_SENT_BACK = Event("violation.sent_back", "退回处理决定", "decision sent back")
CASE_CARRIED_OUT = Event("violation.carried_out", "执行处理措施", "measures carried out")
CASE_APPEALED = Event("violation.appealed", "对处理措施申诉", "measures appealed")
CASE_UPHELD = Event("violation.upheld", "维持处理措施", "measures upheld")
CASE_OVERTURNED = Event("violation.overturned", "撤销处理措施", "measures overturned")
CASE_CLOSED = Event("violation.closed", "办结线索", "case closed")
CASE_UNFOUNDED = Event("violation.found_unfounded", "认定线索不成立", "case found unfounded")


class UnknownCase(NotFound):
    """There is no such case, or it concerns another organisation; data: ``case``."""

    code = "violations.unknown_case"
    title = "没有编号为 {case} 的线索"


class InvalidCase(Invalid):
    """A step lacks its words, names a kind or measure that the content does not have, or lacks a document number."""

    code = "violations.invalid"
    title = "有 {count} 处需要修改"
    next_step = "请按说明填写：理由 1 至 500 字；种类、措施从清单中选；移送写明文书号；限制使用须有涉事方；部门不能暂停"


class OtherPersonDecides(Refused):
    """The step needs somebody who has not decided in this case before."""

    code = "violations.other_person"
    title = "这一步须由未参与此前决定的另一人办理"
    clause = "严重措施须经两人，申诉由第三人答复（信桥内部控制，工作草案）"
    next_step = "请交由另一位运行人员或安全管理员办理"


class StatementStillOpen(Refused):
    """The organisation may still speak; data: ``due_on``."""

    code = "violations.statement_open"
    title = "对方可以陈述申辩至 {due_on}，期满前不能跳过"
    clause = "作出决定前听取当事人陈述申辩（行政处罚法第四十五条参照）"
    next_step = "请等待陈述申辩，或在期满次日再办理"
    status = 409


class AppealLate(Refused):
    """The time to appeal has passed; data: ``due_on``."""

    code = "violations.appeal_late"
    title = "申诉期已于 {due_on} 届满"
    next_step = "请联系节点；新的事实可以请节点主动复查"
    status = 409


class NotAgainstTheNode(Refused):
    """The access was the node's own: nobody decides in their own case."""

    code = "violations.not_against_the_node"
    title = "这次查询是节点自身所为，不能在节点的线索台账中办理"
    clause = "回避原则"
    next_step = "请用“质询这次查询”，或向主管部门反映"
