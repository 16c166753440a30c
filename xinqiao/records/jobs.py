"""Housekeeping of the lake, run by the worker."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django_tasks import task

from xinqiao.records import actions
from xinqiao.sharing.queries import current_list

UNDO_WINDOW = timedelta(hours=24)


@task()
def compact_lake() -> int:
    """Merge every item's settled files and remove unregistered ones; returns files merged."""
    now = timezone.now()
    merged = sum(actions.compact(item, older_than=UNDO_WINDOW, actor="system", now=now) for item in current_list())
    actions.remove_unregistered(older_than=timedelta(hours=1), now=now)
    return merged
