"""The regular clean-up of what has expired."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.oauth.tokens import BATCH, sweep


@task()
def sweep_expired() -> int:
    """Forget what opens nothing any more, in batches; returns how many rows."""
    total = 0
    while done := sweep(now=datetime.now(UTC)):
        total += done
        if done < BATCH:
            break
    return total
