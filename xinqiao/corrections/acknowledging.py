"""The word of a recipient that it knows of a correction."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.corrections.models import NoticeRow
from xinqiao.corrections.queries import get_notice
from xinqiao.corrections.types import CORRECTION_KNOWN, Notice, NoticeState, UnknownNotice
from xinqiao.evidence.actions import record


@transaction.atomic
def acknowledge(notice: int, *, recipient: str, actor: str, now: datetime) -> Notice:
    """Say that a correction is known and acted on; said again it changes nothing. Raises UnknownNotice."""
    rows = NoticeRow.objects.select_for_update(of=("self",)).select_related("correction")
    row = rows.filter(id=notice, recipient=recipient).first()
    if row is None:
        raise UnknownNotice(notice=notice)
    if row.state == NoticeState.SENT:
        row.state, row.acknowledged_at, row.acknowledged_by = NoticeState.ACKNOWLEDGED, now, actor
        row.save(update_fields=["state", "acknowledged_at", "acknowledged_by"])
        body = {"cause": row.correction.cause, "recipient": recipient, "answer": row.access}
        record(CORRECTION_KNOWN, actor=actor, subject=row.correction.enterprise, body=body, now=now)
    return get_notice(notice, recipient=recipient)
