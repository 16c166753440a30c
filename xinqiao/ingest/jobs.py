"""Housekeeping of deliveries, run by the worker."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django_tasks import task

from xinqiao.ingest import inbox
from xinqiao.ingest.models import Delivery

GRACE = timedelta(hours=1)


@task()
def clean_inbox() -> int:
    """Remove originals that no delivery names; returns how many folders."""
    claimed = set(Delivery.objects.values_list("id", flat=True))
    return len(inbox.remove_unclaimed(claimed, older_than=GRACE, now=timezone.now()))
