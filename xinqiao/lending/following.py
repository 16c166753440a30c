"""Following applications: what the enterprise answered and the institution read moves them on; clocks remind.

No other context knows of applications: what happened elsewhere is looked up here.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.consent.queries import ended_authorisations, find_authorisation, get_request, settled_requests
from xinqiao.consent.types import OPEN_REQUESTS, AuthorisationStatus, RequestState
from xinqiao.evidence.actions import record
from xinqiao.kernel.dated import beijing_day
from xinqiao.lending import queries
from xinqiao.lending.applications import move
from xinqiao.lending.models import ApplicationRow, ReminderRow
from xinqiao.lending.rules import UNDER_WAY, due_marks
from xinqiao.lending.types import REMINDED, Application, ApplicationState, Holder, ReminderMark
from xinqiao.release.queries import list_accesses, read_under
from xinqiao.webhooks.actions import tell

REMINDER, OVERDUE = "application.reminder", "application.overdue"
TOGETHER = 500


def follow(application: str, *, now: datetime) -> Application:
    """Move an application on by what the enterprise answered and the institution read; nothing new, nothing changes."""
    with transaction.atomic():
        row = queries.row_of(application, lock=True)
        if row.state == ApplicationState.OPTED_IN:
            _follow_request(row, now)
        if row.state in (ApplicationState.AUTHORISED, ApplicationState.REPORTED):
            _follow_authorisation(row, now)
        if row.state == ApplicationState.OFFERED and queries.application_facts(row).offer:
            offer = queries.application_facts(row).offer
            if offer and offer.until < beijing_day(now):
                move(row, "lapse", "system", now)
        return queries.application_facts(row)


def _follow_request(row: ApplicationRow, now: datetime) -> None:
    asked = get_request(row.request)
    if asked.state is RequestState.GRANTED:
        row.authorisation = asked.authorisation
        row.save(update_fields=["authorisation"])
        move(row, "authorise", f"enterprise:{row.enterprise}", asked.answered_at or now)
    elif asked.state not in OPEN_REQUESTS or asked.answer_by <= now:
        move(row, "lapse", "system", asked.answered_at or now)


def _follow_authorisation(row: ApplicationRow, now: datetime) -> None:
    given = find_authorisation(row.authorisation)
    if given is None:
        return
    if row.state == ApplicationState.AUTHORISED:
        reads = list_accesses(authorisation=given.id, recipient=row.institution, allowed=True, limit=1)
        if reads:
            move(row, "report", reads[0].actor, reads[0].at)
    if given.status in (AuthorisationStatus.WITHDRAWN, AuthorisationStatus.VOID):
        move(row, "withdraw", f"enterprise:{row.enterprise}", given.ended_at or now)


def note_answer(request: str, *, now: datetime) -> Application | None:
    """Move on the application a request belongs to, at once after the answer; None when it belongs to none."""
    row = ApplicationRow.objects.filter(request=request).first()
    return follow(row.id, now=now) if row else None


def follow_all(*, now: datetime) -> int:
    """Move on whatever has something to move on, however many are under way; returns how many changed."""
    rows = ApplicationRow.objects.filter(state__in=UNDER_WAY).order_by("id")
    changed, last = 0, ""
    while part := list(rows.filter(id__gt=last)[:TOGETHER]):
        last = part[-1].id
        changed += sum(str(follow(row.id, now=now).state) != row.state for row in _moving(part, now))
    return changed


def _moving(rows: list[ApplicationRow], now: datetime) -> list[ApplicationRow]:
    """Those of which something has happened since: found for many at once."""
    asked = {row.request for row in rows if row.state == ApplicationState.OPTED_IN}
    given = {row.authorisation for row in rows if row.state in (ApplicationState.AUTHORISED, ApplicationState.REPORTED)}
    unread = {row.authorisation for row in rows if row.state == ApplicationState.AUTHORISED}
    settled, ended, read = settled_requests(asked, now=now), ended_authorisations(given), read_under(unread)
    today = beijing_day(now).isoformat()
    return [
        row
        for row in rows
        if (row.state == ApplicationState.OPTED_IN and row.request in settled)
        or (row.authorisation in ended and row.authorisation in given)
        or (row.state == ApplicationState.AUTHORISED and row.authorisation in read)
        or (row.state == ApplicationState.OFFERED and row.offer and row.offer["until"] < today)
    ]


def remind(*, now: datetime) -> int:
    """Remind whoever's turn it is at half and most of the time, and tell the node when it is up; how many were given.

    Each mark of each state is given once; when several are due at once, only the weightiest is.
    """
    rows = ApplicationRow.objects.filter(state__in=UNDER_WAY).order_by("id")
    given, last = 0, ""
    while part := list(rows.filter(id__gt=last)[:TOGETHER]):
        last = part[-1].id
        for application, found in queries.with_turns(map(queries.application_facts, part), now=now):
            marks = due_marks(found)
            if found and marks:
                given += _remind(application.id, marks, found.holder, now)
    return given


@transaction.atomic
def _remind(application: str, marks: list[ReminderMark], holder: Holder, now: datetime) -> bool:
    row = queries.row_of(application, lock=True)
    earlier = set(ReminderRow.objects.filter(application=row, since=row.since).values_list("mark", flat=True))
    if str(marks[0]) in earlier:
        return False
    ReminderRow.objects.bulk_create(
        [ReminderRow(application=row, since=row.since, mark=m, given_at=now) for m in marks if str(m) not in earlier]
    )
    body = {"application": row.id, "state": row.state, "mark": str(marks[0])}
    record(REMINDED, actor="system", subject=row.enterprise, body=body, now=now)
    if holder is Holder.INSTITUTION:  # the enterprise is reminded on its first page
        kind = OVERDUE if marks[0] is ReminderMark.OVER else REMINDER
        data = {"application": row.id, "mark": str(marks[0])}
        tell(row.institution, kind, about=f"reminder {row.id}", data=data, now=now)
    return True
