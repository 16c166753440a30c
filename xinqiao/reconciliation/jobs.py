"""What happens when nobody acts: days that are missing, and days that stay different, become cases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django_tasks import task

from xinqiao.admission.queries import find_member
from xinqiao.admission.types import State
from xinqiao.evidence.actions import record
from xinqiao.kernel.dated import beijing_day
from xinqiao.parties.queries import get_organisation, list_organisations
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.locks import hold_name
from xinqiao.reconciliation.actions import since_when
from xinqiao.reconciliation.models import DayRow, HandInRow, MismatchRow
from xinqiao.reconciliation.queries import terms
from xinqiao.reconciliation.rules import bounds_of
from xinqiao.reconciliation.types import ESCALATED, OVERDUE, DayState, MismatchKind
from xinqiao.release.queries import has_released
from xinqiao.violations.actions import open_case
from xinqiao.violations.types import Finding, Source
from xinqiao.webhooks.actions import tell

ACTOR = "system:reconciliation"
KIND = "ledger_mismatch"
NAMED = 50  # lines that a case names; the hand-in has them all


def settle_days(*, now: datetime) -> list[str]:
    """Note days that fell overdue and open cases for what is past its time; returns the numbers of those opened."""
    for kind in (OrganisationKind.INSTITUTION, OrganisationKind.PLATFORM):
        for organisation in list_organisations(kind=kind):
            _note_overdue_days(organisation.code, now)
    waiting = DayRow.objects.filter(case="").exclude(state=DayState.AGREED).order_by("day", "organisation")
    return [case for row in waiting if (case := _escalate(row.id, now))]


def _note_overdue_days(organisation: str, now: datetime) -> None:
    """Make the rows of days that were due and did not come. Most organisations have none to look for."""
    first, today, channels = since_when(now), beijing_day(now), terms().channels
    if not has_released(organisation, since=bounds_of(first)[0], until=bounds_of(today)[0], channels=channels):
        return
    known = set(DayRow.objects.filter(organisation=organisation, day__gte=first).values_list("day", flat=True))
    for day in (first + timedelta(days=n) for n in range((today - first).days)):
        due, (since, until) = work_calendar().add(day, terms().due_workdays).on, bounds_of(day)
        if day not in known and due < today and has_released(organisation, since=since, until=until, channels=channels):
            _note_overdue(organisation, day, due, now)


def _note_overdue(organisation: str, day: date, due: date, now: datetime) -> None:
    member = find_member(organisation)
    if member is not None and member.state is State.REMOVED:  # its programs are gone with it
        return
    with transaction.atomic():
        hold_name(f"reconciliation {organisation} {day}")
        if DayRow.objects.filter(organisation=organisation, day=day).exists():
            return
        DayRow.objects.create(organisation=organisation, day=day, state=DayState.OVERDUE, due_on=due, late=True)
        body = {"day": day.isoformat(), "due_on": due.isoformat()}
        record(OVERDUE, actor=ACTOR, subject=organisation, body=body, now=now)
        tell(organisation, "reconciliation.overdue", about=f"{organisation} {day}", data=body, now=now)


@transaction.atomic
def _escalate(day: int, now: datetime) -> str:
    """Open the case of a day whose time is past; its number, or nothing."""
    row = DayRow.objects.select_for_update().get(id=day)
    if row.case or row.state == DayState.AGREED or beijing_day(now) <= _last_day(row):
        return ""
    last = HandInRow.objects.filter(day=row, revision=row.revision).first()
    rows = list(MismatchRow.objects.filter(hand_in=last).order_by("id")) if last else []
    organisation = get_organisation(row.organisation)
    counts = {kind: sum(m.kind == kind for m in rows) for kind in MismatchKind}
    facts = {
        "organisation": row.organisation,
        "day": row.day.isoformat(),
        "state": row.state,
        "hand_in": last.id if last else "",
        "mismatches": {str(kind): n for kind, n in counts.items() if n},
        "accesses": [m.access for m in rows[:NAMED]],
    }
    found = Finding(
        kind=KIND,
        organisation=organisation.via or organisation.code,  # who carries the traffic hands in
        source=Source.LEDGER,
        reference=f"{row.organisation} {row.day}",
        summary=_summary(row, counts),
        facts=facts,
    )
    row.case = open_case(found, actor=ACTOR, now=now).id
    row.state = DayState.CASE
    row.save(update_fields=["case", "state"])
    body = {"case": row.case, "day": row.day.isoformat(), "mismatches": facts["mismatches"]}
    record(ESCALATED, actor=ACTOR, subject=row.organisation, body=body, now=now)
    return row.case


def _last_day(row: DayRow) -> date:
    """The last day on which a day may still be handed in or corrected."""
    if row.correct_by is not None:
        return row.correct_by
    return work_calendar().add(row.due_on, terms().late_workdays).on


def _summary(row: DayRow, counts: dict[MismatchKind, int]) -> str:
    said = "、".join(f"{kind.label} {n} 条" for kind, n in counts.items() if n)
    return f"{row.day} 的收用台账：{said or DayState(row.state).label}"


@task()
def settle_ledgers() -> int:
    """One pass, as a chore of the job queue; returns how many cases were opened."""
    return len(settle_days(now=datetime.now(UTC)))
