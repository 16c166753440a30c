"""What the worker does for repairs: stops what has reached its longest term."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.repair.ending import end_terms


@task()
def end_publication_terms() -> int:
    """One pass over the items that are repaired; returns how many records were stopped."""
    return sum(end_terms(now=datetime.now(UTC)).values())
