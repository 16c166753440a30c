"""Keeping the index fresh."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.directory.build import rebuild_if_stale


@task()
def refresh_directory() -> bool:
    """Make the index anew where something changed, as a chore of the job queue."""
    return rebuild_if_stale(actor="system:directory", now=datetime.now(UTC)) is not None
