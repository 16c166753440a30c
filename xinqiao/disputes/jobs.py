"""What the worker does for disputes: tells of corrections, keeps the clocks."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.corrections.rippling import ripple_waiting
from xinqiao.disputes.clocks import keep_clocks
from xinqiao.disputes.settling import settle_corrected


@task()
def ripple_corrections() -> int:
    """Find and tell everybody who was told what was put right; returns how many answers were wrong."""
    found = ripple_waiting(now=datetime.now(UTC))
    settle_corrected(now=datetime.now(UTC))
    return found


@task()
def keep_dispute_clocks() -> int:
    """Give reminders, take over what channels let lie, go on without what enterprises did not supply."""
    return keep_clocks(now=datetime.now(UTC))
