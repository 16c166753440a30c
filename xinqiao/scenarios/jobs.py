"""Training in the background."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from xinqiao.scenarios.actions import train_model


@task()
def train_scenario(code: str, actor: str) -> str:
    """Train a scenario's next version as of now; returns its id."""
    return train_model(code, actor=actor, now=timezone.now()).id
