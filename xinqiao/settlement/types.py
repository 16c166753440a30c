"""Proceedings, their terms, papers and steps; the bodies they go to; events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from xinqiao.evaluation.types import Words
from xinqiao.evidence.types import Event


class ProceedingKind(StrEnum):
    """The three ways to settle what is owed."""

    NOTARISATION = "notarisation"
    ARBITRATION = "arbitration"
    LITIGATION = "litigation"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"notarisation": "赋强公证", "arbitration": "线上仲裁", "litigation": "线上诉讼"}[self]


class About(StrEnum):
    """What a proceeding rests on: a loan fed back, or an application whose loan is not drawn yet."""

    LOAN = "loan"
    APPLICATION = "application"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"loan": "贷款（借据）", "application": "融资申请"}[self]


class ProceedingState(StrEnum):
    """Where a proceeding stands; what leads where is in ``rules``, one table for each kind."""

    DRAFT = "draft"
    PROPOSED = "proposed"  # the enterprise is asked whether it applies too
    APPLIED = "applied"
    CHECKED = "checked"  # identity and will
    NOTARISED = "notarised"
    NOT_NOTARISED = "not_notarised"
    DEFAULTED = "defaulted"
    CERTIFICATE_APPLIED = "certificate_applied"
    VERIFIED = "verified"
    CERTIFICATE_ISSUED = "certificate_issued"
    CERTIFICATE_REFUSED = "certificate_refused"
    FILED = "filed"
    RETURNED = "returned"  # to be supplemented
    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    MEDIATED = "mediated"
    DISMISSED = "dismissed"
    AWARDED = "awarded"
    ANNULLED = "annulled"  # the award was set aside
    JUDGED = "judged"
    APPEALED = "appealed"
    EFFECTIVE = "effective"
    COURT_FILED = "court_filed"
    COURT_ACCEPTED = "court_accepted"
    COURT_REJECTED = "court_rejected"
    PERFORMED = "performed"
    WITHDRAWN = "withdrawn"
    DECLINED = "declined"
    LAPSED = "lapsed"

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {
            "draft": "起草中",
            "proposed": "待企业确认",
            "applied": "双方已申请公证",
            "checked": "身份与意思已核实",
            "notarised": "已出具公证书",
            "not_notarised": "不予办理公证",
            "defaulted": "已违约",
            "certificate_applied": "已申请执行证书",
            "verified": "违约已核实",
            "certificate_issued": "已出具执行证书",
            "certificate_refused": "不予出具执行证书",
            "filed": "已提交",
            "returned": "待补正",
            "accepted": "已受理",
            "not_accepted": "不予受理",
            "mediated": "已调解",
            "dismissed": "已驳回",
            "awarded": "已裁决",
            "annulled": "裁决已撤销",
            "judged": "已判决，未生效",
            "appealed": "上诉中",
            "effective": "判决已生效",
            "court_filed": "已申请执行",
            "court_accepted": "执行已立案",
            "court_rejected": "执行申请被驳回或不予执行",
            "performed": "已履行",
            "withdrawn": "已撤回",
            "declined": "企业不同意",
            "lapsed": "已失效",
        }[self]


class Side(StrEnum):
    """Who takes a step."""

    CREDITOR = "creditor"
    DEBTOR = "debtor"
    BODY = "body"  # the notary office, commission or court it was brought to
    COURT = "court"  # the court asked to enforce
    NODE = "node"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"creditor": "债权人", "debtor": "债务人", "body": "受理机构", "court": "执行法院", "node": "节点"}[self]


class PaperKind(StrEnum):
    """What a paper of a proceeding is."""

    CONTRACT = "contract"
    GUARANTEE = "guarantee"
    DUNNING = "dunning"
    DELIVERY = "delivery"
    ADDRESS = "address"
    OTHER = "other"
    PACKAGE = "package"
    DEED = "deed"
    CERTIFICATE = "certificate"
    DECISION = "decision"
    NOTICE = "notice"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "contract": "合同",
            "guarantee": "担保文件",
            "dunning": "催告文件",
            "delivery": "送达凭证",
            "address": "送达地址确认书",
            "other": "其他材料",
            "package": "证据包",
            "deed": "公证书",
            "certificate": "执行证书",
            "decision": "裁决、判决或调解文书",
            "notice": "通知",
        }[self]


OF_PARTIES = (
    PaperKind.CONTRACT, PaperKind.GUARANTEE, PaperKind.DUNNING, PaperKind.DELIVERY, PaperKind.ADDRESS, PaperKind.OTHER,
)  # fmt: skip


class CheckVerdict(StrEnum):
    """What a check before filing says. Only ``failed`` stops a filing."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"passed": "通过", "warned": "请留意", "failed": "不通过"}[self]


class SendState(StrEnum):
    """Where an act stands that is to reach a body."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"waiting": "待送达", "sent": "已送达", "refused": "被退回"}[self]


@dataclass(frozen=True, slots=True)
class Payment:
    """A performance period: its last day, principal and interest due, in fen."""

    due_on: date
    principal_fen: int
    interest_fen: int


@dataclass(frozen=True, slots=True)
class Guarantor:
    """A guarantor by name and code; ``in_deed``: the guarantee is part of the notarised deed."""

    name: str
    code: str
    in_deed: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What a creditor states. Money in fen, rates in basis points a year, interest to ``counted_on`` included.

    Of a deed: the debt, rate, payments, acceptance of enforcement, the agreed way to verify a default, guarantors. Of a
    claim: principal outstanding, interest and fees until ``counted_on``, the rate from then on, facts and reasons, the
    agreement on arbitration or jurisdiction, where the debtor is served. ``property_division`` is where property lies.
    """

    contract_no: str = ""
    debt_fen: int = 0
    principal_fen: int = 0
    rate_bp: int = 0
    overdue_rate_bp: int = 0
    payments: tuple[Payment, ...] = ()
    acceptance: bool = False
    verification: str = ""
    guarantors: tuple[Guarantor, ...] = ()
    interest_fen: int = 0
    fees_fen: int = 0
    counted_on: date | None = None
    facts: str = ""
    agreement: str = ""
    agreed_body: str = ""
    address: str = ""
    property_division: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A notary office, commission or court: an organisation, what it does, which divisions it serves.

    ``divisions`` are beginnings of codes; ``connected``: it is spoken to by program, else its staff use the portal.
    """

    code: str
    kind: ProceedingKind
    name: str
    divisions: tuple[str, ...]
    connected: bool = False
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper of a proceeding by its digests; ``number`` as the body numbers it, ``entry`` the log entry about it."""

    id: int
    kind: PaperKind
    name: str
    sha256: str
    sm3: str
    size: int
    side: Side
    number: str
    at: datetime
    entry: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what happened, where it led, by which side; reason and facts as they were told."""

    number: int
    event: str
    state: ProceedingState
    at: datetime
    side: Side
    actor: str
    reason: str
    facts: Mapping[str, Any]
    statement_sha256: str
    entry: int


@dataclass(frozen=True, slots=True)
class Proceeding:
    """A proceeding of an institution against, or with, an enterprise. ``due_on`` ends the present step's time.

    ``applied_on`` is when the execution certificate was asked for, ``perform_by`` the last day to perform by the
    decision, ``offline`` that a party objected to going on online, ``presence`` how the debtor took part at the notary.
    """

    id: str
    kind: ProceedingKind
    institution: str
    enterprise: str
    about: About
    number: str
    receipt_no: str
    body: str
    court: str
    state: ProceedingState
    since: datetime
    due_on: date | None
    offline: bool
    applied_on: date | None
    perform_by: date | None
    presence: str
    document_no: str
    made_at: datetime
    made_by: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Told:
    """What a body says happened: the event, its day, reason and facts; the paper that goes with it.

    ``statement`` is the signed text of a connected body, empty for what its staff entered.
    """

    event: str
    on: date
    reason: str = ""
    document_no: str = ""
    amount_fen: int | None = None
    perform_by: date | None = None
    presence: str = ""
    paper: PaperKind | None = None
    name: str = ""
    data: bytes = b""
    statement: str = ""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check before filing: its code, what it found, the words, clause and next step of the content."""

    code: str
    verdict: CheckVerdict
    name: Words
    clause: Words
    next_step: Words


@dataclass(frozen=True, slots=True)
class Sending:
    """An act on its way to a body. ``receipt_sha256`` is the digest of the body's signed receipt, empty before."""

    id: str
    proceeding: str
    body: str
    act: str
    state: SendState
    attempts: int
    next_at: datetime | None
    said: str
    receipt_sha256: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class BodyHealth:
    """How a connected body answers: acts that wait and the oldest, the last answer, trouble (empty = none)."""

    body: Body
    waiting: int
    oldest: datetime | None
    answered_at: datetime | None
    trouble: str


DRAFTED = Event("settlement.drafted", "起草公证、仲裁或诉讼", "proceeding drafted")
TERMS_CHANGED = Event("settlement.terms_changed", "修改请求内容", "terms of a proceeding changed")
PAPER_KEPT = Event("settlement.paper_kept", "收存材料", "paper of a proceeding kept")
STEPPED = Event("settlement.stepped", "公证、仲裁或诉讼进入下一步", "proceeding moved on")
HANDED_OVER = Event("settlement.handed_over", "送交受理机构", "handed over to the body")
SENT_BACK = Event("settlement.sent_back", "受理机构退回", "sent back by the body")
OBJECTED_ONLINE = Event("settlement.objected_online", "明确反对线上进行", "party objected to proceeding online")
RESULT_RECORDED = Event("settlement.result_recorded", "处置结果登记到信用数据库", "result given to the records")
