"""Corrections and notices of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Invalid, NotFound

CORRECTION_SENT = Event("corrections.sent", "告知更正", "recipient told of a correction")
CORRECTION_KNOWN = Event("corrections.acknowledged", "确认收到更正", "correction acknowledged")
RIPPLED = Event("corrections.rippled", "更正波及范围", "reach of a correction established")


class CorrectionKind(StrEnum):
    """Why a record changed."""

    CORRECTED = "corrected"  # it was wrong
    REPAIRED = "repaired"  # 信用修复: it was right, and may no longer be shared or used

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {"corrected": "更正", "repaired": "信用修复，停止共享和使用"}[self]


class NoticeState(StrEnum):
    """What became of telling a recipient."""

    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"

    @property
    def label(self) -> str:
        """The words a person reads."""
        return {"sent": "已告知，待确认", "acknowledged": "已确认"}[self]


@dataclass(frozen=True, slots=True)
class Changed:
    """What was put right: whose record of which item, which rows (``refs``), since when they stood so, which batches.

    ``cause`` is the number of the dispute or repair behind it.
    """

    kind: CorrectionKind
    cause: str
    enterprise: str
    item: str
    wrong_from: datetime
    refs: tuple[str, ...]
    batches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """One answer given before that was wrong or may be used no more, and its recipient told: as far as it may know.

    ``changes`` is empty where the recipient's authorisation no longer stands: then it learns that the answer does not
    hold and nothing of what does.
    """

    id: int
    kind: CorrectionKind
    cause: str
    enterprise: str
    item: str
    recipient: str
    recipient_name: str
    access: str
    accessed_at: datetime
    changes: tuple[Mapping[str, object], ...]
    state: NoticeState
    sent_at: datetime
    due_on: date
    acknowledged_at: datetime | None
    acknowledged_by: str
    entry: int


class UnknownNotice(NotFound):
    """There is no such notice of a correction, or it is another's; data: ``notice``."""

    code = "corrections.unknown_notice"
    title = "没有编号为 {notice} 的更正告知"


class InvalidCorrections(Invalid):
    """``corrections.toml`` contradicts itself."""

    code = "corrections.invalid_content"
    title = "corrections.toml 有 {count} 处错误"
    next_step = "请按所列位置改正；可运行 xinqiao content check 复查"
