"""The daily look at what providers owe, and what a change of the list left to do."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.stewardship.actions import remind_providers, settle


@task()
def mind_the_list() -> int:
    """One pass, as a chore of the job queue; returns how many reminders were raised."""
    now = datetime.now(UTC)
    settle(actor="system:stewardship", now=now)
    return len(remind_providers(now=now))
