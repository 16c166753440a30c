"""Runs of scorecards over the province."""

from __future__ import annotations

from django.db import models


class EvaluationRun(models.Model):
    """One run; its results are a registered file of the lake whose batch is the run's id."""

    id = models.CharField(max_length=40, primary_key=True)
    scorecard = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    scorecard_sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=12)
    valid_on = models.DateField()
    known_at = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    rolled_back_at = models.DateTimeField(null=True)
    enterprises = models.BigIntegerField(default=0)
    grades = models.TextField(default="{}")
    sources = models.JSONField(default=dict)  # items whose source was down or overdue → why
    path = models.CharField(max_length=200, blank=True)
    engine = models.CharField(max_length=120)
    failure = models.TextField(blank=True)
    content_sha256 = models.CharField(max_length=64, blank=True, default="")  # of items, indicators and scorecards
    spans = models.TextField(default="[]")  # JSON: [[first, below]] of the enterprises' codes
    done = models.IntegerField(default=0)  # steps finished
    base = models.CharField(max_length=40, blank=True, default="")  # the run that answers for what did not change
    changed = models.TextField(default="[]")  # JSON: enterprises computed again

    class Meta:
        db_table = "evaluation_run"
        indexes = [models.Index(fields=["scorecard", "status", "-known_at"], name="run_latest")]
