"""Cards, findings, reminders and outages."""

from __future__ import annotations

from django.db import models


class CardRow(models.Model):
    """The quality of an item on a day; made again on the same day it is replaced, never added."""

    day = models.DateField()
    item = models.CharField(max_length=60)
    provider = models.CharField(max_length=40)
    state = models.CharField(max_length=12)
    due_on = models.DateField(null=True)
    figures = models.JSONField()
    required = models.JSONField()
    deliveries = models.JSONField()
    row_count = models.BigIntegerField()
    usual = models.BigIntegerField()

    class Meta:
        db_table = "quality_card"
        constraints = [models.UniqueConstraint(fields=["day", "item"], name="card_once_a_day")]
        indexes = [models.Index(fields=["provider", "-day"], name="card_provider")]


class CrossRunRow(models.Model):
    """A check of the items against each other; its findings are a registered file of the lake under this id."""

    id = models.CharField(max_length=40, primary_key=True)
    valid_on = models.DateField()
    known_at = models.DateTimeField()
    counts = models.JSONField()
    subjects = models.JSONField()
    path = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "quality_cross_run"
        indexes = [models.Index(fields=["-known_at"], name="cross_run_latest")]


class FindingRow(models.Model):
    """What a rule finds of an enterprise, as the last run that found it did."""

    rule = models.CharField(max_length=60)
    enterprise = models.CharField(max_length=18)
    values = models.JSONField()  # measure → value
    state = models.CharField(max_length=12)
    first_run = models.CharField(max_length=40)
    last_run = models.CharField(max_length=40)
    found_on = models.DateField()
    explanation = models.CharField(max_length=500, blank=True)
    explained_by = models.CharField(max_length=80, blank=True)
    explained_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "quality_finding"
        constraints = [models.UniqueConstraint(fields=["rule", "enterprise"], name="finding_once")]
        indexes = [models.Index(fields=["rule", "state", "id"], name="finding_rule")]


class ReminderRow(models.Model):
    """Something raised to provider and node."""

    item = models.CharField(max_length=60)
    provider = models.CharField(max_length=40)
    kind = models.CharField(max_length=12)
    about = models.CharField(max_length=40)
    raised_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    row_count = models.BigIntegerField(default=0)
    usual = models.BigIntegerField(default=0)

    class Meta:
        db_table = "quality_reminder"
        constraints = [models.UniqueConstraint(fields=["item", "kind", "about"], name="reminder_once")]
        indexes = [models.Index(fields=["provider", "-raised_at"], name="reminder_provider")]


class OutageRow(models.Model):
    """A source that cannot deliver."""

    item = models.CharField(max_length=60)
    reason = models.CharField(max_length=500)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "quality_outage"
        constraints = [
            models.UniqueConstraint(fields=["item"], condition=models.Q(ended_at=None), name="outage_one_under_way")
        ]
