"""Rows that wait for their subject, and those attached by name."""

from __future__ import annotations

from django.db.models import Count

from xinqiao.ingest.keeping import as_matches
from xinqiao.ingest.models import RowMatch
from xinqiao.ingest.types import Match, MatchState, UnknownMatch

PAGE = 50


def get_match(match: int, *, provider: str | None = None) -> Match:
    """One row; raises UnknownMatch, also for that of another provider."""
    rows = RowMatch.objects.filter(pk=match)
    found = (rows.filter(provider=provider) if provider else rows).first()
    if found is None:
        raise UnknownMatch(match=match)
    return as_matches([found])[0]


def list_matches(
    state: MatchState, *, provider: str | None = None, delivery: str = "", after: int = 0, limit: int = PAGE
) -> list[Match]:
    """Rows in a state: those that wait oldest first, the others newest first; ``after`` is the last one seen."""
    oldest_first = state is MatchState.WAITING
    rows = RowMatch.objects.filter(state=state).order_by("id" if oldest_first else "-id")
    rows = rows.filter(provider=provider) if provider else rows
    rows = rows.filter(delivery=delivery) if delivery else rows
    if after:
        rows = rows.filter(id__gt=after) if oldest_first else rows.filter(id__lt=after)
    return as_matches(rows[:limit])


def count_matches(*, provider: str | None = None, delivery: str = "") -> dict[MatchState, int]:
    """How many rows are in each state."""
    rows = RowMatch.objects.filter(provider=provider) if provider else RowMatch.objects.all()
    rows = rows.filter(delivery=delivery) if delivery else rows
    found = {row["state"]: row["n"] for row in rows.values("state").annotate(n=Count("id"))}
    return {state: found.get(state, 0) for state in MatchState}
