"""Sanctions, their documents and measures as the rest of the system sees them; events and refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from xinqiao.evaluation.types import Words
from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused


class SanctionState(StrEnum):
    """Where a sanction stands. Only ``in_force`` has an effect."""

    ENTERED = "entered"
    NOTIFIED = "notified"  # the enterprise may speak
    ANSWERED = "answered"  # it has, or its time has passed: to be reviewed
    IN_FORCE = "in_force"
    DROPPED = "dropped"
    EXPIRED = "expired"
    LIFTED = "lifted"
    ANNULLED = "annulled"  # the document was withdrawn or was wrong

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {
            "entered": "已登记",
            "notified": "待陈述申辩",
            "answered": "待复核",
            "in_force": "惩戒中",
            "dropped": "未予惩戒",
            "expired": "已到期",
            "lifted": "已解除",
            "annulled": "已撤销",
        }[self]


class MeasureGroup(StrEnum):
    """The three groups of measures."""

    STATUTORY = "statutory"
    MANAGEMENT = "management"
    MARKET = "market"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"statutory": "法定限制", "management": "管理措施", "market": "市场主体采取的措施"}[self]


@dataclass(frozen=True, slots=True)
class SanctionMeasure:
    """A measure of ``sanctions.toml`` with its legal basis."""

    code: str
    group: MeasureGroup
    name: Words
    basis: Words


@dataclass(frozen=True, slots=True)
class SanctionList:
    """``sanctions.toml`` as a whole: kinds of documents, conducts, measures, terms, the item that holds what stands."""

    item: str
    documents: Mapping[str, Words]
    conducts: Mapping[str, Words]
    measures: Mapping[str, SanctionMeasure]
    statement_workdays: int
    review_workdays: int
    most_months: int
    basis: Words


@dataclass(frozen=True, slots=True)
class Determination:
    """What a determination document says. Nothing of it is free text but names and numbers as they stand there.

    ``ends_on`` is the last day of the sanction.
    """

    enterprise: str
    document_kind: str
    document_no: str
    determiner: str
    determined_on: date
    conduct: str
    amount_fen: int
    measures: tuple[str, ...]
    ends_on: date


@dataclass(frozen=True, slots=True)
class Sanction:
    """A sanction from its document to its end. ``due_on`` is the end of the present step."""

    id: str
    enterprise: str
    document_kind: str
    document_no: str
    determiner: str
    determined_on: date
    conduct: str
    amount_fen: int
    measures: tuple[str, ...]
    ends_on: date
    sha256: str
    state: SanctionState
    entered_at: datetime
    entered_by: str
    due_on: date | None
    statement: str
    statement_at: datetime | None
    approved_by: str
    approved_at: datetime | None
    outcome: str
    outcome_document: str
    ended_at: datetime | None


ENTERED = Event("sanctions.entered", "登记认定文书", "determination entered")
NOTIFIED = Event("sanctions.notified", "告知拟惩戒", "enterprise told of the sanction intended")
STATED = Event("sanctions.stated", "企业陈述申辩", "statement of the enterprise")
UNHEARD = Event("sanctions.statement_lapsed", "逾期未陈述申辩", "time for the statement passed")
APPROVED = Event("sanctions.put_in_force", "惩戒生效", "sanction put in force")
DROPPED = Event("sanctions.dropped", "不予惩戒", "sanction dropped")
EXPIRED = Event("sanctions.expired", "惩戒到期", "sanction expired")
LIFTED = Event("sanctions.lifted", "解除惩戒", "sanction lifted")
ANNULLED = Event("sanctions.annulled", "撤销惩戒", "sanction annulled")
RECORDED = Event("sanctions.recorded", "惩戒登记到信用数据库", "sanctions given to or taken back from the records")


class UnknownSanction(NotFound):
    """There is no such sanction, or it concerns another enterprise; data: ``sanction``."""

    code = "sanctions.unknown"
    title = "没有编号为 {sanction} 的惩戒"


class InvalidDetermination(Invalid):
    """The determination lacks something, or names what the content does not have."""

    code = "sanctions.invalid"
    title = "认定文书的登记有 {count} 处需要修改"
    clause = "惩戒须有认定文书、措施代码和法律依据（国办发〔2020〕49号）"
    next_step = "请对照认定文书逐项填写，并附上文书"


class EnteredBefore(Refused):
    """The document was entered for this enterprise before; data: ``sanction``."""

    code = "sanctions.entered_before"
    title = "这份文书已登记为 {sanction}"
    next_step = "请在该条惩戒中办理"
    status = 409


class ReviewedByAnother(Refused):
    """Whoever entered a determination does not review it."""

    code = "sanctions.another_person"
    title = "复核须由登记人以外的人办理"
    clause = "惩戒须经两人（信桥内部控制，工作草案）"
    next_step = "请交由另一位运行人员或安全管理员办理"


class MayStillSpeak(Refused):
    """The enterprise may still speak; data: ``due_on``."""

    code = "sanctions.may_still_speak"
    title = "企业可以陈述申辩至 {due_on}，期满前不能跳过"
    clause = "作出决定前听取当事人陈述申辩（行政处罚法第四十五条参照）"
    next_step = "请等待陈述申辩，或在期满次日再办理"
    status = 409
