"""Repairs: classes and terms, applications, what is left of the time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound, Refused

CLAUSE = "信用修复管理办法（2025年国家发展改革委令第36号）"
APPLIED = Event("repair.applied", "申请信用修复", "credit repair applied for")
GRANTED = Event("repair.granted", "准予信用修复", "credit repair granted")
REFUSED = Event("repair.refused", "不予信用修复", "credit repair refused")
TAKEN_BACK = Event("repair.taken_back", "撤回修复申请", "application for repair taken back")
TERMS_ENDED = Event("repair.terms_ended", "公示期届满停止使用", "records past their longest term stopped")


class RepairState(StrEnum):
    """Where an application stands."""

    APPLIED = "applied"
    GRANTED = "granted"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {
            "applied": "待认定单位办理",
            "granted": "已修复",
            "refused": "不予修复",
            "taken_back": "已撤回",
        }[self]


@dataclass(frozen=True, slots=True)
class Severity:
    """A class of dishonesty: months until it may be repaired, months until it stops by itself (None: it does not)."""

    code: str
    says: str
    says_en: str
    min_months: int
    max_months: int | None


@dataclass(frozen=True, slots=True)
class Coded:
    """A document asked for, or a reason to refuse, with what to do next where there is one."""

    code: str
    says: str
    says_en: str
    next_step: str = ""
    next_step_en: str = ""


@dataclass(frozen=True, slots=True)
class ItemTerms:
    """How the rows of an item are classed: by a field's value, and from which field's day the terms run."""

    counted_from: str
    otherwise: str
    by: str = ""
    classes: Mapping[str, str] | None = None
    ended: str = ""


@dataclass(frozen=True, slots=True)
class RepairRules:
    """``repair.toml``."""

    draft: bool
    basis: str
    basis_en: str
    decide_workdays: int
    classes: Mapping[str, Severity]
    documents: tuple[Coded, ...]
    refusals: tuple[Coded, ...]
    items: Mapping[str, ItemTerms]


@dataclass(frozen=True, slots=True)
class Countdown:
    """A record that can be repaired: its class, the first day for it, the day on which it stops by itself."""

    item: str
    ref: str
    severity: Severity
    counted_from: date
    earliest_on: date
    latest_on: date | None


@dataclass(frozen=True, slots=True)
class Repair:
    """An application. Days are days in Beijing; ``due_on`` is the provider's last day."""

    id: str
    enterprise: str
    enterprise_name: str
    item: str
    ref: str
    severity: str
    counted_from: date
    provider: str
    state: RepairState
    applied_at: datetime
    due_on: date
    text: str
    answer: str
    refusal: str
    decided_at: datetime | None
    score_before: int | None
    score_after: int | None
    entry: int


@dataclass(frozen=True, slots=True)
class Paper:
    """A document handed in with an application."""

    id: int
    document: str
    name: str
    sha256: str


class InvalidRepairRules(Invalid):
    """``repair.toml`` contradicts itself."""

    code = "repair.invalid_content"
    title = "repair.toml 有 {count} 处错误"
    next_step = "请按所列位置改正；可运行 xinqiao content check 复查"


class InvalidApplication(Invalid):
    """An application lacks a document or its words."""

    code = "repair.invalid_application"
    title = "修复申请有 {count} 处需要补充"
    clause = CLAUSE
    next_step = "请附上所列材料（PDF、JPG 或 PNG，每个不超过 5 MB）并简要说明"


class InvalidDecision(Invalid):
    """A decision lacks its reason or words."""

    code = "repair.invalid_decision"
    title = "修复决定有 {count} 处需要补充"
    clause = CLAUSE
    next_step = "请写明办理情况（1 至 1000 字）；不予修复的，请选择理由"


class NotRepairable(NotFound):
    """There is no such record, or it is none that is repaired; data: ``item``."""

    code = "repair.not_repairable"
    title = "“{item}”中没有可以修复的这条记录"
    clause = CLAUSE


class TooEarly(Refused):
    """The shortest term has not run; data: ``earliest``."""

    code = "repair.too_early"
    title = "最短公示期未满，最早可在 {earliest} 申请"
    clause = CLAUSE
    next_step = "到期后再申请；届时请备好履行证明和信用承诺书"
    status = 409


class AppliedAlready(Refused):
    """An application about the record is under way; data: ``repair``."""

    code = "repair.applied_already"
    title = "这条记录已有待办的修复申请 {repair}"
    clause = CLAUSE
    next_step = "请等待认定单位办理"
    status = 409


class UnknownRepair(NotFound):
    """There is no such application, or it is another's; data: ``repair``."""

    code = "repair.unknown"
    title = "没有编号为 {repair} 的修复申请"
