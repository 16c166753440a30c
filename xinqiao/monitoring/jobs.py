"""The regular pass over what is new, and the pushes that wait."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.monitoring.passing import monitor
from xinqiao.monitoring.pushing import push_waiting


@task()
def monitor_borrowers() -> int:
    """One pass and the pushes that came of it, as a chore of the job queue; returns how many were told."""
    monitor(now=datetime.now(UTC))
    return push_waiting(now=datetime.now(UTC))
