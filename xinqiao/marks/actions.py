"""Setting and lifting marks, inside the transaction of the act that they belong to."""

from __future__ import annotations

from datetime import datetime

from xinqiao.evidence.actions import record
from xinqiao.marks.models import MarkRow
from xinqiao.marks.queries import sealing_of
from xinqiao.marks.types import MARKED, UNMARKED, MarkKind
from xinqiao.vault.sealing import seal


def set_mark(
    kind: MarkKind,
    *,
    enterprise: str,
    item: str,
    ref: str,
    dispute: str,
    statement: str = "",
    actor: str,
    now: datetime,
) -> None:
    """Put a mark beside a record; every answer from the next one on carries it. Call inside a transaction."""
    [sealed] = seal([sealing_of(enterprise, dispute, value=statement)], now=now)
    MarkRow.objects.create(
        enterprise=enterprise, item=item, ref=ref, kind=kind, dispute=dispute, statement_sealed=sealed, set_at=now
    )
    body = {"item": item, "ref": ref, "kind": str(kind), "dispute": dispute}
    record(MARKED, actor=actor, subject=enterprise, body=body, now=now)


def lift_mark(kind: MarkKind, *, dispute: str, actor: str, now: datetime) -> bool:
    """Take a mark away from the next answer on; whether there was one. Call inside a transaction."""
    row = MarkRow.objects.select_for_update().filter(dispute=dispute, kind=kind, lifted_at=None).first()
    if row is None:
        return False
    row.lifted_at = now
    row.save(update_fields=["lifted_at"])
    body = {"item": row.item, "ref": row.ref, "kind": row.kind, "dispute": dispute}
    record(UNMARKED, actor=actor, subject=row.enterprise, body=body, now=now)
    return True
