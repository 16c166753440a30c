"""What the worker does for corrections: finds and tells everybody."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.corrections.rippling import ripple_waiting


@task()
def ripple_corrections() -> int:
    """Find and tell everybody who was told what was put right; returns how many answers do not hold."""
    return ripple_waiting(now=datetime.now(UTC))
