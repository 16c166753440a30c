"""The regular look at members."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.admission.watch import watch_members


@task()
def watch_admissions() -> int:
    """One pass, as a chore of the job queue; returns how many members changed their state."""
    return len(watch_members(now=datetime.now(UTC)))
