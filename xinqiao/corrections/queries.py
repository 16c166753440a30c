"""Reading notices of corrections."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path

from xinqiao.corrections.models import CorrectionRow, NoticeRow
from xinqiao.corrections.types import CorrectionKind, InvalidCorrections, Notice, NoticeState, UnknownNotice
from xinqiao.kernel.canonical import read_json
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.plumbing.settings import content_dir
from xinqiao.vault.sealing import open_all
from xinqiao.vault.types import ERASED, Sealing, enterprise_subject

PLAIN = (
    "id", "recipient", "recipient_name", "access", "accessed_at", "sent_at", "due_on", "acknowledged_at",
    "acknowledged_by", "entry",
)  # fmt: skip


def acknowledge_workdays() -> int:
    """Within how many working days a recipient acknowledges; raises InvalidCorrections."""
    return _workdays(content_dir() / "corrections.toml")


@cache
def _workdays(path: Path) -> int:
    days = tomllib.loads(path.read_text("utf-8")).get("acknowledge_workdays")
    if not isinstance(days, int) or days < 1:
        problem = Problem(field="acknowledge_workdays", code="corrections.days", message=Phrase("应为正整数"))
        raise InvalidCorrections([problem])
    return days


def sealing_of(enterprise: str, cause: str, access: str, *, value: str = "", sealed: bytes = b"") -> Sealing:
    """Where what changes is sealed: under the enterprise's key, bound to its cause and the answer."""
    place = f"corrections:{cause}:{access}"
    return Sealing(enterprise_subject(enterprise), place, value=value, sealed=sealed)


def notice_facts(rows: Iterable[NoticeRow]) -> list[Notice]:
    """Stored notices with what changes opened, all in one look."""
    held = list(rows)
    texts = open_all([_sealing(row) for row in held])
    return [_notice(row, text) for row, text in zip(held, texts, strict=True)]


def _sealing(row: NoticeRow) -> Sealing:
    found = row.correction
    return sealing_of(found.enterprise, found.cause, row.access, sealed=bytes(row.changes_sealed))


def _notice(row: NoticeRow, text: str) -> Notice:
    found = row.correction
    return Notice(
        **{name: getattr(row, name) for name in PLAIN},
        kind=CorrectionKind(found.kind),
        cause=found.cause,
        enterprise=found.enterprise,
        item=found.item,
        changes=tuple(read_json(text.encode()) if text and text != ERASED else ()),
        state=NoticeState(row.state),
    )


def list_notices(
    *, cause: str | None = None, recipient: str | None = None, waiting: bool = False, limit: int = 200
) -> list[Notice]:
    """Notices of corrections, those not acknowledged first, the most urgent on top."""
    rows = NoticeRow.objects.select_related("correction").order_by("-state", "due_on", "id")
    if cause is not None:
        rows = rows.filter(correction__cause=cause)
    if recipient is not None:
        rows = rows.filter(recipient=recipient)
    if waiting:
        rows = rows.filter(state=NoticeState.SENT)
    return notice_facts(rows[:limit])


def get_notice(notice: int, *, recipient: str) -> Notice:
    """One notice to a recipient; raises UnknownNotice."""
    row = NoticeRow.objects.select_related("correction").filter(id=notice, recipient=recipient).first()
    if row is None:
        raise UnknownNotice(notice=notice)
    return notice_facts([row])[0]


def overdue_notices(*, on: date, limit: int = 200) -> list[Notice]:
    """Notices that nobody acknowledged in time."""
    rows = NoticeRow.objects.select_related("correction").filter(state=NoticeState.SENT, due_on__lt=on)
    return notice_facts(rows.order_by("due_on", "id")[:limit])


def rippled_causes(causes: Iterable[str]) -> set[str]:
    """Of these disputes and repairs those whose corrections have reached everybody."""
    rows = CorrectionRow.objects.filter(cause__in=list(causes))
    waiting = set(rows.filter(rippled_at=None).values_list("cause", flat=True))
    return set(rows.values_list("cause", flat=True)) - waiting
