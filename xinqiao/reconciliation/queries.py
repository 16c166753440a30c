"""Reads of days and hand-ins: facts, never rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Count

from xinqiao.plumbing.settings import content_dir
from xinqiao.reconciliation.models import DayRow, HandInRow, MismatchRow
from xinqiao.reconciliation.rules import load_terms
from xinqiao.reconciliation.types import DayState, HandIn, Mismatch, MismatchKind, ReconDay, Terms, UnknownHandIn

SHOWN = 1000  # mismatches that one answer or page names; all are kept


def terms() -> Terms:
    """The content's ``reconciliation.toml``."""
    return load_terms(content_dir() / "reconciliation.toml")


def list_days(
    *, organisations: Iterable[str] | None = None, state: DayState | None = None, limit: int = 200
) -> list[ReconDay]:
    """Days, the newest first; of some organisations, or in one state."""
    rows = DayRow.objects.order_by("-day", "organisation")
    if organisations is not None:
        rows = rows.filter(organisation__in=list(organisations))
    if state is not None:
        rows = rows.filter(state=state)
    found = list(rows[:limit])
    last = {
        (h.day_id, h.revision): (h.id, h.n)
        for h in HandInRow.objects.filter(day__in=found).annotate(n=Count("mismatchrow"))
    }
    return [_day(row, *last.get((row.id, row.revision), ("", 0))) for row in found]


def _day(row: DayRow, hand_in: str, count: int) -> ReconDay:
    return ReconDay(
        organisation=row.organisation,
        day=row.day,
        state=DayState(row.state),
        due_on=row.due_on,
        late=row.late,
        correct_by=row.correct_by,
        revision=row.revision,
        mismatches=count,
        hand_in=hand_in,
        case=row.case,
    )


def find_day(organisation: str, day: date) -> ReconDay | None:
    """A day of an organisation, or None when nothing is known of it."""
    row = DayRow.objects.filter(organisation=organisation, day=day).first()
    if row is None:
        return None
    last = HandInRow.objects.filter(day=row, revision=row.revision).annotate(n=Count("mismatchrow")).first()
    return _day(row, last.id if last else "", last.n if last else 0)


def get_hand_in(hand_in: str, *, organisations: Iterable[str] | None = None) -> HandIn:
    """One hand-in, of some organisations only when given; raises UnknownHandIn."""
    rows = HandInRow.objects.select_related("day").filter(id=hand_in)
    row = (rows.filter(day__organisation__in=list(organisations)) if organisations is not None else rows).first()
    if row is None:
        raise UnknownHandIn(hand_in=hand_in)
    return hand_in_facts(row)


def all_mismatches(row: HandInRow, *, limit: int | None = None) -> list[Mismatch]:
    """The lines in which a hand-in differs, in one order whatever the calls they came by; the first ones if limited."""
    rows = MismatchRow.objects.filter(hand_in=row).order_by("kind", "access", "listed")[:limit]
    return [Mismatch(MismatchKind(m.kind), m.access, m.listed, m.released) for m in rows]


def hand_in_facts(row: HandInRow) -> HandIn:
    """Facts of a row, with the first mismatches."""
    return HandIn(
        id=row.id,
        organisation=row.day.organisation,
        day=row.day.day,
        revision=row.revision,
        state=DayState(row.day.state),
        received=row.received,
        used=row.used,
        open=tuple(row.open),
        opened=row.opened,
        mismatches=tuple(all_mismatches(row, limit=SHOWN)),
        count=MismatchRow.objects.filter(hand_in=row).count(),
        handed_at=row.handed_at,
        correct_by=row.day.correct_by,
        case=row.day.case,
        sha256=row.sha256,
    )
