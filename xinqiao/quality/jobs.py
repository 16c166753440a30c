"""The daily pass over quality, run by the worker."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.kernel.dated import beijing_day
from xinqiao.quality.actions import cross_check, remind
from xinqiao.quality.cards import make_cards
from xinqiao.quality.queries import latest_cross_run
from xinqiao.quality.types import Card


def daily_pass(*, actor: str, now: datetime) -> list[Card]:
    """Items against each other once a day; cards and reminders as things stand now. May run as often as one likes."""
    run = latest_cross_run()
    if run is None or run.valid_on != beijing_day(now):
        cross_check(actor=actor, now=now)
    cards = make_cards(actor=actor, now=now)
    remind(cards, actor=actor, now=now)
    return cards


@task()
def make_daily_quality() -> int:
    """The pass as a chore of the job queue; returns how many cards stand."""
    return len(daily_pass(actor="system", now=datetime.now(UTC)))
