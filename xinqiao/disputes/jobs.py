"""What the worker does for disputes: tells of corrections, keeps the clocks."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.disputes.clocks import keep_clocks
from xinqiao.disputes.rippling import ripple_waiting


@task()
def ripple_corrections() -> int:
    """Find and tell everybody who was told what was put right; returns how many answers were wrong."""
    return ripple_waiting(now=datetime.now(UTC))


@task()
def keep_dispute_clocks() -> int:
    """Give reminders, take over what channels let lie, go on without what enterprises did not supply."""
    return keep_clocks(now=datetime.now(UTC))
