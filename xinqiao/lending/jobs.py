"""What the worker does for lending, time and again."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.lending.declarations import end_recommendations
from xinqiao.lending.following import follow_all, remind
from xinqiao.lending.loans import record_loans
from xinqiao.matching.actions import expire_needs


@task()
def follow_applications() -> int:
    """Move on what was answered and read; returns how many changed."""
    return follow_all(now=datetime.now(UTC))


@task()
def keep_clocks() -> int:
    """Give the reminders that are due, end needs and recommendations whose day has passed."""
    now = datetime.now(UTC)
    return remind(now=now) + expire_needs(now=now) + end_recommendations(now=now)


@task()
def record_reports() -> int:
    """Put what institutions fed back into the records."""
    return record_loans(now=datetime.now(UTC))
