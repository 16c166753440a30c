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
    SHOWN = "shown"  # the exact text was before the signatory's eyes
    GRANTED = "granted"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"  # taken back by who asked

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "requested": "待答复",
            "shown": "企业已打开",
            "granted": "已同意",
            "declined": "已拒绝",
            "expired": "已过期",
            "cancelled": "已取消",
        }[self]


OPEN_REQUESTS = frozenset({RequestState.REQUESTED, RequestState.SHOWN})


class AuthorisationStatus(StrEnum):
    """Where an authorisation stands in storage; what it allows now is an AuthorisationState."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    USED_UP = "used_up"
    SUPERSEDED = "superseded"  # a newer one to the same recipient for the same purpose took its place
    VOID = "void"  # the recipient was removed from the network

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "active": "有效",
            "withdrawn": "已撤回",
            "expired": "已到期",
            "used_up": "次数已用完",
            "superseded": "已被新授权取代",
            "void": "已随对方退出而终止",
        }[self]


class AuthorisationState(StrEnum):
    """What an authorisation, or its absence, means for one read. Only ``active`` allows it."""

    NONE = "none"
    ACTIVE = "active"
    OUTSIDE = "outside"  # another recipient, subject, purpose, item or form
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    USED_UP = "used_up"
    SUPERSEDED = "superseded"
    VOID = "void"

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
            "superseded": "已被新授权取代",
            "void": "已随对方退出而终止",
        }[self]


class PowerSource(StrEnum):
    """By what right a person signs for the enterprise."""

    LEGAL_REPRESENTATIVE = "legal_representative"
    AGENT = "agent"  # empowered by the legal representative, for named purposes and until a day

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"legal_representative": "法定代表人", "agent": "受托经办人"}[self]


@dataclass(frozen=True, slots=True)
class Power:
    """The signatory's power at the moment of signing. ``purposes`` empty = every purpose; ``until`` None = no end.

    ``identity`` is how the person was identified (``password`` …); ``identity_sha256`` the digest of the identity
    document seen at registration, empty when none was.
    """

    source: PowerSource
    purposes: tuple[str, ...]
    until: datetime | None
    identity: str
    identity_sha256: str


@dataclass(frozen=True, slots=True)
class SigningPower:
    """What an enterprise's legal representative lets an agent sign, and until when."""

    id: int
    enterprise: str
    person: int
    purposes: tuple[str, ...]
    granted_at: datetime
    until: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """An enterprise's word that an organisation may ask once more before 30 days have passed."""

    organisation: str
    enterprise: str
    invited_at: datetime
    until: datetime


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
    agent_days: int
    ceiling: Ceiling
    purposes: Mapping[str, Option]
    forms: Mapping[str, Option]
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scope:
    """What an authorisation is about: who may read what of whom, for what, how, how long and how often.

    ``product`` is the organisation's reference of the product or application; ``platform`` the platform through
    which it was asked. Both may be empty.
    """

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
    product: str = ""
    platform: str = ""


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

    ``recipient`` and ``subject`` are an organisation's code and a USCC. Valid from ``valid_from`` until just before
    ``valid_to``. ``list_sha256`` names the sharing list, ``address`` the network address of the signatory, if known.
    """

    id: str
    request: str
    status: AuthorisationStatus
    subject: str
    subject_name: str
    signatory: int
    power: Power
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
    reason: str
    product: str
    platform: str
    template: str
    template_version: str
    list_sha256: str
    text_sha256: str
    locale: str
    channel: str
    address: str
    ended_at: datetime | None
    ended_reason: str


@dataclass(frozen=True, slots=True)
class ShownText:
    """The exact text a signatory is shown, its locale and the SHA-256 of its UTF-8 bytes."""

    text: str
    locale: str
    sha256: str


REQUESTED = Event("consent.requested", "请求授权", "authorisation requested")
SHOWN = Event("consent.shown", "展示授权书", "authorisation text shown")
CANCELLED = Event("consent.cancelled", "取消授权请求", "request cancelled")
INVITED = Event("consent.invited", "邀请再次请求", "invited to ask again")
POWER_GRANTED = Event("consent.power_granted", "授予签署权", "signing power granted")
POWER_ENDED = Event("consent.power_ended", "收回签署权", "signing power ended")
SUPERSEDED = Event("consent.superseded", "授权被取代", "authorisation superseded")
VOIDED = Event("consent.voided", "授权终止（对方退出）", "authorisation void: recipient removed")
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
    next_step = "请查看该请求的答复；{again_on} 起可再次请求，或请企业邀请您再次请求"
    status = 409


class BeyondCeiling(Invalid):
    """What is asked goes beyond the template's limits, or names what it does not have."""

    code = "consent.beyond_ceiling"
    title = "授权请求有 {count} 处不符合授权模板"
    clause = "最小必要；授权模板规定的上限，从严适用"
    next_step = "请按下列说明缩小范围后重新提交"


class LeftTheList(Refused):
    """The request names items that are not on the sharing list any more; data: ``items``."""

    code = "consent.left_the_list"
    title = "请求中的数据项已不在共享清单：{items}"
    clause = "只能共享清单内的信息（省级应用清单）"
    next_step = "请对方按现行清单重新请求授权"
    status = 409


class TextChanged(Refused):
    """The text that was shown is not the text as it stands now, so agreement to it binds nothing."""

    code = "consent.text_changed"
    title = "您看到的授权文本与现行文本不一致"
    clause = "明示同意（个人信息保护法第十四条参照）"
    next_step = "请重新打开授权页面，阅读现行文本后再同意"
    status = 409


class PowerMissing(Refused):
    """The person may not sign this for the enterprise; data: ``purpose``."""

    code = "consent.power_missing"
    title = "您的签署权不包括用途“{purpose}”，或已到期"
    clause = "经办人在委托的范围和期限内办理（民法典第一百六十五条）"
    next_step = "请法定代表人亲自同意，或在授权管理中授予您这一用途的签署权"


class InvalidPower(Invalid):
    """The signing power asked for cannot be granted; every fault is named."""

    code = "consent.invalid_power"
    title = "签署权有 {count} 处不符合要求"
    next_step = "请选择本企业的经办人、已有的用途和不超过上限的期限"


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
