"""The regular pass over what is new, and the pushes that wait."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.monitoring.passing import monitor
from xinqiao.monitoring.pushing import push_waiting

ROUNDS = 8  # lots of pushes in one run of the chore; the rest is for the next


@task()
def monitor_borrowers() -> int:
    """One pass and the pushes that came of it, as a chore of the job queue; returns how many were told."""
    monitor(now=datetime.now(UTC))
    told = [push_waiting(now=datetime.now(UTC))]
    while told[-1] and len(told) < ROUNDS:
        told.append(push_waiting(now=datetime.now(UTC)))
    return sum(told)
