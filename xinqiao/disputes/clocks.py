"""The clocks of disputes: reminders at 50 and 80 %; at 100 % the breach is on record and the work goes on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.disputes import queries
from xinqiao.disputes.filing import SYSTEM, forward
from xinqiao.disputes.models import DisputeRow, ReminderRow
from xinqiao.disputes.moving import move
from xinqiao.disputes.rules import marks_due
from xinqiao.disputes.types import OPEN, REMINDED, Dispute, DisputeState, Holder, Turn
from xinqiao.evidence.actions import record
from xinqiao.webhooks.actions import tell

TOGETHER = 500
OVER = 100


def keep_clocks(*, now: datetime) -> int:
    """Remind of every clock that has reached a mark, once a mark; returns how many reminders were given.

    A dispute that a channel did not hand over in time is taken over by the node, one for which an enterprise supplied
    nothing goes on being checked: nobody waits for who does nothing.
    """
    given, last = 0, ""
    rows = DisputeRow.objects.filter(state__in=OPEN).order_by("id")
    while part := list(rows.filter(id__gt=last)[:TOGETHER]):
        last = part[-1].id
        for dispute in queries.dispute_facts(part):
            turn = queries.turn_at(dispute, now=now)
            if turn and marks_due(turn.elapsed_percent, queries.reminders_given(dispute.id, dispute.since)):
                given += _remind(dispute, turn, now)
    return given


def _remind(dispute: Dispute, turn: Turn, now: datetime) -> bool:
    with transaction.atomic():
        row = queries.row_of(dispute.id, lock=True)
        due = marks_due(turn.elapsed_percent, queries.reminders_given(dispute.id, dispute.since))
        if not due or row.since != dispute.since:
            return False
        ReminderRow.objects.bulk_create(
            [ReminderRow(dispute=row, since=row.since, mark=mark, given_at=now) for mark in due]
        )
        body = {"dispute": row.id, "state": row.state, "mark": due[0], "holder": str(turn.holder)}
        record(REMINDED, actor=SYSTEM, subject=row.enterprise, body=body, now=now)
        recipient = row.via if turn.holder is Holder.CHANNEL else row.provider
        if recipient and turn.holder is not Holder.ENTERPRISE:
            kind = "dispute.overdue" if due[0] == OVER else "dispute.reminder"
            data = {"dispute": row.id, "mark": str(due[0])}
            tell(recipient, kind, about=f"dispute-clock-{row.id}", data=data, now=now)
        if due[0] == OVER:
            _go_on(row, now)
        return True


def _go_on(row: DisputeRow, now: datetime) -> None:
    if row.state == DisputeState.FILED:
        forward(row.id, actor=SYSTEM, now=now)
    elif row.state == DisputeState.ASKED:
        move(row, "lapse", SYSTEM, now)
        row.save()
