"""Versions of scenario models."""

from __future__ import annotations

from django.db import models


class UseRow(models.Model):
    """Which version of a scenario's model came into use when. Never changed, never deleted."""

    scenario = models.CharField(max_length=40)
    model = models.CharField(max_length=60)
    used_from = models.DateTimeField()

    class Meta:
        db_table = "scenarios_use"
        indexes = [models.Index(fields=["scenario", "-used_from"], name="scenario_use")]


class ModelRow(models.Model):
    """A frozen model with its card; the body never changes, only the state does."""

    id = models.CharField(max_length=60, primary_key=True)
    scenario = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12)
    sha256 = models.CharField(max_length=64)
    body = models.TextField()  # canonical JSON
    card = models.JSONField()
    trained_by = models.CharField(max_length=80)
    trained_at = models.DateTimeField()
    signed_by = models.CharField(max_length=80, blank=True)
    signed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    used_from = models.DateTimeField(null=True)

    class Meta:
        db_table = "scenarios_model"
        constraints = [
            models.UniqueConstraint(fields=["scenario", "number"], name="scenario_version_once"),
            models.UniqueConstraint(
                fields=["scenario"], condition=models.Q(state="in_use"), name="scenario_one_in_use"
            ),
        ]
