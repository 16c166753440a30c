"""What the worker does for disputes: keeps the clocks, closes what is done."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.disputes.clocks import keep_clocks
from xinqiao.disputes.settling import settle_corrected


@task()
def keep_dispute_clocks() -> int:
    """Give reminders, take over what channels let lie, go on without what was not supplied, close what is done."""
    now = datetime.now(UTC)
    settle_corrected(now=now)
    return keep_clocks(now=now)
