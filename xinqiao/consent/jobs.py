"""The daily mark of what time has ended."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.consent.actions import BATCH, expire_authorisations


def expire_all() -> int:
    """Mark everything that is due, in batches; returns how many."""
    total = 0
    while done := expire_authorisations(now=datetime.now(UTC)):
        total += done
        if done < BATCH:
            break
    return total


@task()
def expire_due() -> int:
    """The same, as a chore of the job queue."""
    return expire_all()
