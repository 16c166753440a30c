"""Keeping the register of subjects fresh."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.subjects.build import rebuild_if_stale


@task()
def refresh_subjects() -> bool:
    """Make the register anew where the registry delivered something, as a chore of the job queue."""
    return rebuild_if_stale(actor="system:subjects", now=datetime.now(UTC)) is not None
