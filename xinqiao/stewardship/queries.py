"""Reads of proposals and of what providers owe."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from xinqiao.catalogue.changes import ItemChange, changes
from xinqiao.catalogue.load import parse_catalogue
from xinqiao.catalogue.rules import Timeliness, duty
from xinqiao.catalogue.types import Catalogue, Item
from xinqiao.ingest.queries import last_deliveries, list_arrivals
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.settings import content_dir
from xinqiao.quality.queries import expectations
from xinqiao.quality.rules import deadlines
from xinqiao.sharing.queries import catalogue_of, current_list, list_of, list_versions
from xinqiao.sources.queries import called
from xinqiao.stewardship.impact import impact_of
from xinqiao.stewardship.models import DutyReminderRow, ProposalRow
from xinqiao.stewardship.rules import load_reminding
from xinqiao.stewardship.types import (
    Collected,
    DutyReminder,
    Impact,
    Proposal,
    ProposalState,
    ReminderKind,
    Reminding,
    Standing,
    UnknownProposal,
)


def list_proposals(*, state: ProposalState | None = None, limit: int = 50) -> list[Proposal]:
    """Proposals, the newest first."""
    rows = ProposalRow.objects.defer("files").order_by("-proposed_at", "-id")
    rows = rows.filter(state=state) if state else rows
    return [proposal_facts(row) for row in rows[:limit]]


def get_proposal(proposal: str) -> Proposal:
    """One proposal; raises UnknownProposal."""
    return proposal_facts(_row(proposal))


def proposed_list(proposal: str) -> tuple[Catalogue, Catalogue]:
    """The list that a proposal was compared with, and the one it would make; raises UnknownProposal."""
    row = _row(proposal)
    return list_of(row.base_sha256) if row.base_sha256 else current_list(), parse_catalogue(row.files)


def impact_now(proposal: str, *, now: datetime) -> Impact:
    """What a proposal touches as things stand now; raises UnknownProposal."""
    return impact_of(*proposed_list(proposal), now=now)


def version_changes() -> list[tuple[int, tuple[ItemChange, ...]]]:
    """Version number → what it changed in the one before, the newest first; the first changed nothing."""
    numbers = [version.number for version in list_versions()]
    return [
        (number, changes(catalogue_of(number - 1), catalogue_of(number)) if number - 1 in numbers else ())
        for number in numbers
    ]


def proposal_facts(row: ProposalRow) -> Proposal:
    """Facts of a row."""
    return Proposal(
        id=row.id,
        state=ProposalState(row.state),
        sha256=row.sha256,
        base_sha256=row.base_sha256,
        reason=row.reason,
        says=tuple(row.says),
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decided_reason=row.decided_reason,
        version=row.version,
    )


def _row(proposal: str) -> ProposalRow:
    row = ProposalRow.objects.filter(id=proposal).first()
    if row is None:
        raise UnknownProposal(proposal=proposal)
    return row


def reminding() -> Reminding:
    """When providers are reminded: the content's ``duties.toml``."""
    return load_reminding(content_dir() / "duties.toml")


def list_reminders(*, provider: str | None = None, since: date | None = None, limit: int = 100) -> list[DutyReminder]:
    """Reminders of deadlines, the newest first."""
    rows = DutyReminderRow.objects.order_by("-raised_at", "-id")
    rows = rows.filter(provider=provider) if provider else rows
    rows = rows.filter(raised_on__gte=since) if since else rows
    return [reminder_facts(row) for row in rows[:limit]]


def standing_reminders(*, provider: str, now: datetime) -> list[DutyReminder]:
    """The newest reminder of each item that has not come since it was raised."""
    last, newest = last_deliveries(provider), dict[str, DutyReminder]()
    for reminder in list_reminders(provider=provider, since=beijing_day(now) - timedelta(days=400), limit=1000):
        newest.setdefault(reminder.item, reminder)
    listed = {item.code for item in current_list()}
    return [r for r in newest.values() if r.item in listed and not (r.item in last and last[r.item] > r.raised_at)]


def reminder_facts(row: DutyReminderRow) -> DutyReminder:
    """Facts of a row."""
    return DutyReminder(row.item, row.provider, ReminderKind(row.kind), row.due_on, row.workdays, row.raised_at)


def on_time(*, now: datetime) -> list[Standing]:
    """The table of providers: deadlines kept in the last months, what is behind, what never came; the best first.

    What is asked for at its source has no deadline to be kept.
    """
    today, days = beijing_day(now), work_calendar()
    since = today - timedelta(days=expectations().window_days)
    came: dict[str, list[date]] = {}
    for arrival in list_arrivals(known=now):
        if arrival.accepted:
            came.setdefault(arrival.item, []).append(beijing_day(arrival.received_at))
    current = current_list()
    here = called(current)
    owed = {d.code: tuple(i for i in current.of_department(d.code) if i.code not in here) for d in current.departments}
    found = [_standing(code, items, came, since, today, days) for code, items in owed.items() if items]
    return sorted(found, key=lambda s: (-(s.met / s.due if s.due else -1), s.late_workdays, s.provider))


def _standing(
    provider: str,
    items: tuple[Item, ...],
    came: dict[str, list[date]],
    since: date,
    today: date,
    days: WorkCalendar,
) -> Standing:
    due = met = late = 0
    behind, never = [], []
    for item in items:
        arrived = sorted(set(came.get(item.code, ())))
        if not arrived:
            never.append(item.code)
            continue
        kept = [d for d in deadlines(item.due, arrived, today, calendar=days) if d.due_on > since]
        due, met = due + len(kept), met + sum(d.met for d in kept)
        late += sum(max(0, days.between(d.due_on, d.came_on or today)) for d in kept if not d.met)
        if duty(item.due, arrived[-1], today, days).timeliness is Timeliness.LATE:
            behind.append(item.code)
    return Standing(provider, len(items), due, met, late, tuple(behind), tuple(never))


def collected(*, now: datetime) -> list[Collected]:
    """Rate of collection of each superior list and, first, of the province's own; what is called here counts as had."""
    current = current_list()
    received = {*last_deliveries(), *called(current)}
    found = [_collected("", "省级共享清单", "Provincial sharing list", current.items, received)]
    for source in current.sources:
        items = tuple(i for i in current if source.code in i.lists)
        found.append(_collected(source.code, source.name, source.name_en, items, received))
    return found


def _collected(code: str, name: str, name_en: str, items: tuple[Item, ...], received: set[str]) -> Collected:
    missing = tuple(item.code for item in items if item.code not in received)
    return Collected(code, name, name_en, len(items), len(items) - len(missing), missing)
