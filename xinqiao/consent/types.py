"""Requests, authorisations, their states, limits and events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused


class Form(StrEnum):
    """How much of the information the recipient gets, from least to most."""

    VERIFY = "verify"  # 核验
    DERIVED = "derived"  # 加工结果
    REPORT = "report"  # 信用报告
    DETAIL = "detail"  # 原始明细

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"verify": "核验", "derived": "加工结果", "report": "信用报告", "detail": "原始明细"}[self]


class RequestState(StrEnum):
    """Where a request stands."""

    REQUESTED = "requested"
    GRANTED = "granted"
    DECLINED = "declined"
    EXPIRED = "expired"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"requested": "待答复", "granted": "已同意", "declined": "已拒绝", "expired": "已过期"}[self]


class AuthorisationStatus(StrEnum):
    """Where an authorisation stands in storage; what it allows now is an AuthorisationState."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    USED_UP = "used_up"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"active": "有效", "withdrawn": "已撤回", "expired": "已到期", "used_up": "次数已用完"}[self]


class AuthorisationState(StrEnum):
    """What an authorisation, or its absence, means for one read. Only ``active`` allows it."""

    NONE = "none"
    ACTIVE = "active"
    OUTSIDE = "outside"  # another recipient, subject, purpose, item or form
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    USED_UP = "used_up"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "none": "没有授权",
            "active": "有效",
            "outside": "超出授权范围",
            "not_yet": "尚未生效",
            "expired": "已到期",
            "withdrawn": "已撤回",
            "used_up": "次数已用完",
        }[self]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Limits of one authorisation: validity, number of reads, reach back of the data, recipient's retention."""

    days: int
    times: int
    data_months: int
    retention_days: int


@dataclass(frozen=True, slots=True)
class Option:
    """A purpose or a form of a template: its code, its names, and its own limits if any."""

    code: str
    name: str
    name_en: str
    ceiling: Ceiling | None


@dataclass(frozen=True, slots=True)
class Template:
    """Text and limits of an authorisation, as declared in one content file. ``text`` is by locale, zh and en."""

    code: str
    version: str
    name: str
    name_en: str
    draft: bool
    basis: str
    answer_days: int
    ceiling: Ceiling
    purposes: Mapping[str, Option]
    forms: Mapping[str, Option]
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scope:
    """What an authorisation is about: who may read what of whom, for what, how, how long and how often."""

    organisation: str
    organisation_name: str
    enterprise: str
    enterprise_name: str
    purpose: str
    items: tuple[str, ...]
    form: Form
    days: int
    times: int
    data_months: int
    retention_days: int
    reason: str


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """An institution's request to an enterprise."""

    id: str
    state: RequestState
    scope: Scope
    template: str
    template_version: str
    requested_at: datetime
    answer_by: datetime
    answered_at: datetime | None
    answer_reason: str
    authorisation: str


@dataclass(frozen=True, slots=True)
class Authorisation:
    """An authorisation as given. ``text_sha256`` is the digest of the text shown in ``locale``.

    ``power`` is the signatory's role for the enterprise; ``recipient`` and ``subject`` are an organisation's code
    and a USCC. Valid from ``valid_from`` until just before ``valid_to``.
    """

    id: str
    request: str
    status: AuthorisationStatus
    subject: str
    subject_name: str
    signatory: int
    power: str
    recipient: str
    recipient_name: str
    purpose: str
    items: tuple[str, ...]
    form: Form
    valid_from: datetime
    valid_to: datetime
    times_max: int
    times_used: int
    data_months: int
    retention_days: int
    template: str
    template_version: str
    text_sha256: str
    locale: str
    channel: str
    ended_at: datetime | None
    ended_reason: str


@dataclass(frozen=True, slots=True)
class ShownText:
    """The exact text a signatory is shown, its locale and the SHA-256 of its UTF-8 bytes."""

    text: str
    locale: str
    sha256: str


REQUESTED = Event("consent.requested", "请求授权", "authorisation requested")
DECLINED = Event("consent.declined", "拒绝授权", "authorisation declined")
GRANTED = Event("consent.granted", "授予授权", "authorisation granted")
WITHDRAWN = Event("consent.withdrawn", "撤回授权", "authorisation withdrawn")
USED = Event("consent.used", "使用授权", "authorisation used")
EXPIRED = Event("consent.expired", "授权到期", "authorisation expired")
REQUEST_EXPIRED = Event("consent.request_expired", "授权请求过期", "request lapsed")


class AuthorisationNotFound(NotFound):
    """There is no such request or authorisation, or the caller may not know; data: ``authorisation``."""

    code = "consent.not_found"
    title = "没有编号为 {authorisation} 的授权或请求"


class NotAdmitted(Refused):
    """The organisation may not receive enterprise data; data: ``organisation``."""

    code = "consent.not_admitted"
    title = "{organisation} 未接入或已停止接入，不能请求授权"
    clause = "接入机构须经安全评估和授权评估，有进有出（省级实施方案）"
    next_step = "请先向节点申请接入"


class AlreadyRequested(Refused):
    """One request per organisation, enterprise and 30 days; data: ``request``, ``again_on`` (ISO date)."""

    code = "consent.already_requested"
    title = "30 天内已向该企业发出过请求 {request}"
    clause = "不得反复请求授权（节点管理规则，工作稿）"
    next_step = "请查看该请求的答复；{again_on} 起可再次请求"
    status = 409


class BeyondCeiling(Invalid):
    """What is asked goes beyond the template's limits, or names what it does not have."""

    code = "consent.beyond_ceiling"
    title = "授权请求有 {count} 处不符合授权模板"
    clause = "最小必要；授权模板规定的上限，从严适用"
    next_step = "请按下列说明缩小范围后重新提交"


class TextChanged(Refused):
    """The text that was shown is not the text as it stands now, so agreement to it binds nothing."""

    code = "consent.text_changed"
    title = "您看到的授权文本与现行文本不一致"
    clause = "明示同意（个人信息保护法第十四条参照）"
    next_step = "请重新打开授权页面，阅读现行文本后再同意"
    status = 409


class NotUsable(Refused):
    """The authorisation does not allow a read now; data: ``authorisation``, ``state``."""

    code = "consent.not_usable"
    title = "授权 {authorisation} 现在不能使用（{state}）"
    clause = "每次查询均须有效授权"
    next_step = "请重新向企业请求授权"
    status = 409


class InvalidTemplate(Invalid):
    """A consent template of the content package cannot be used; data: ``path``."""

    code = "consent.invalid_template"
    title = "授权模板 {path} 有 {count} 处错误"
    next_step = "请修改内容包中的授权模板"
