"""Marks as they stood at an instant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from xinqiao.marks.models import MarkRow
from xinqiao.marks.types import Mark, MarkKind
from xinqiao.vault.sealing import open_all
from xinqiao.vault.types import Sealing, enterprise_subject


def sealing_of(enterprise: str, dispute: str, *, value: str = "", sealed: bytes = b"") -> Sealing:
    """Where a statement is sealed: under the enterprise's key, bound to its dispute."""
    return Sealing(enterprise_subject(enterprise), f"marks:{dispute}", value=value, sealed=sealed)


def marks_of(enterprise: str, *, known: datetime) -> dict[str, list[Mark]]:
    """Item code → the marks that stood on an enterprise's records, oldest first."""
    rows = list(_standing(known).filter(enterprise=enterprise).order_by("id"))
    texts = open_all([sealing_of(enterprise, row.dispute, sealed=bytes(row.statement_sealed)) for row in rows])
    found: dict[str, list[Mark]] = {}
    for row, text in zip(rows, texts, strict=True):
        mark = Mark(row.enterprise, row.item, row.ref, MarkKind(row.kind), row.dispute, row.set_at, text)
        found.setdefault(row.item, []).append(mark)
    return found


def under_objection(enterprises: Iterable[str], *, known: datetime) -> set[str]:
    """Which of these enterprises dispute a record."""
    rows = _standing(known).filter(enterprise__in=list(enterprises), kind=MarkKind.OBJECTION)
    return set(rows.values_list("enterprise", flat=True))


def disputed_items(enterprise: str, *, known: datetime) -> set[str]:
    """Codes of the items of which an enterprise disputes a record."""
    rows = _standing(known).filter(enterprise=enterprise, kind=MarkKind.OBJECTION)
    return set(rows.values_list("item", flat=True))


def _standing(known: datetime) -> QuerySet[MarkRow]:
    return MarkRow.objects.filter(Q(lifted_at=None) | Q(lifted_at__gt=known), set_at__lte=known)
