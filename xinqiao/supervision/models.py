"""Alerts, freezes, planted enterprises, and how far the ledger was watched."""

from __future__ import annotations

from django.db import models


class AlertRow(models.Model):
    """A finding about one party of one organisation; an open one grows instead of being raised again."""

    sentinel = models.CharField(max_length=20)
    organisation = models.CharField(max_length=40)
    organisation_name = models.CharField(max_length=120)
    actor = models.CharField(max_length=80)
    state = models.CharField(max_length=12)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    raised_at = models.DateTimeField()
    accesses = models.JSONField()
    figures = models.JSONField()
    reason = models.CharField(max_length=500, blank=True)
    settled_at = models.DateTimeField(null=True)
    freeze = models.CharField(max_length=40, blank=True)

    class Meta:
        db_table = "supervision_alert"
        indexes = [models.Index(fields=["organisation", "actor"], name="alert_party")]
        constraints = [
            models.UniqueConstraint(
                fields=["sentinel", "organisation", "actor"],
                condition=models.Q(state="open"),
                name="alert_open_once",
            )
        ]


class FreezeRow(models.Model):
    """A program or person stopped, or proposed to be."""

    id = models.CharField(max_length=40, primary_key=True)
    kind = models.CharField(max_length=12)
    target = models.CharField(max_length=60)
    organisation = models.CharField(max_length=40)
    alert = models.ForeignKey(AlertRow, on_delete=models.PROTECT, null=True)
    state = models.CharField(max_length=12)
    reason = models.CharField(max_length=500)
    proposed_by = models.CharField(max_length=80)
    proposed_at = models.DateTimeField()
    approved_by = models.CharField(max_length=80, blank=True)
    approved_at = models.DateTimeField(null=True)
    appeal = models.CharField(max_length=500, blank=True)
    appealed_by = models.CharField(max_length=80, blank=True)
    appealed_at = models.DateTimeField(null=True)
    due_on = models.DateField(null=True)
    decision = models.CharField(max_length=500, blank=True)
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "supervision_freeze"
        indexes = [models.Index(fields=["organisation", "state"], name="freeze_organisation")]


class CanaryRow(models.Model):
    """A planted enterprise: only the node knows which it is."""

    enterprise = models.CharField(max_length=18, unique=True)
    planted_at = models.DateTimeField()

    class Meta:
        db_table = "supervision_canary"


class WatchRow(models.Model):
    """How far the ledger was watched: one row. The last line's time, and the lines of that instant already seen."""

    until = models.DateTimeField()

    class Meta:
        db_table = "supervision_watch"
