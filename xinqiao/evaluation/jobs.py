"""Evaluation in the background."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from xinqiao.evaluation.actions import run_evaluation
from xinqiao.records.types import AsOf


@task()
def evaluate_province(actor: str) -> str:
    """Run the basic scorecard over every enterprise, as of today; returns the run's id."""
    now = timezone.now()
    return run_evaluation(AsOf(timezone.localdate(now), now), actor=actor, now=now, progress=lambda _: None).id
