"""The sentinels' regular pass."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.supervision.watch import watch


@task()
def watch_ledger() -> int:
    """One pass, as a chore of the job queue; returns how many alerts were raised or grew."""
    return len(watch(now=datetime.now(UTC)))
