"""What the worker does for retention."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.retention.actions import delete_expired_records


@task()
def delete_expired() -> int:
    """Delete what has reached the end of its term; returns how many rows."""
    return sum(delete_expired_records(now=datetime.now(UTC)).values())
