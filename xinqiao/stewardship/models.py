"""Proposals of a list, and reminders of deadlines."""

from __future__ import annotations

from django.db import models


class ProposalRow(models.Model):
    """A list that one person proposes and another decides on."""

    id = models.CharField(max_length=40, primary_key=True)
    state = models.CharField(max_length=12)
    files = models.JSONField()  # name → text
    sha256 = models.CharField(max_length=64)
    base_sha256 = models.CharField(max_length=64, blank=True)  # of the list it was compared with
    reason = models.CharField(max_length=500)
    says = models.JSONField()  # the impact in sentences, as proposed
    proposed_by = models.CharField(max_length=80)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_reason = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(null=True)

    class Meta:
        db_table = "stewardship_proposal"
        indexes = [models.Index(fields=["state", "-proposed_at"], name="proposal_state")]


class DutyReminderRow(models.Model):
    """A provider was reminded of a deadline: once a day, item and kind at most."""

    item = models.CharField(max_length=60)
    provider = models.CharField(max_length=40)
    kind = models.CharField(max_length=12)
    due_on = models.DateField()
    workdays = models.IntegerField()
    raised_on = models.DateField()
    raised_at = models.DateTimeField()

    class Meta:
        db_table = "stewardship_reminder"
        constraints = [models.UniqueConstraint(fields=["item", "kind", "raised_on"], name="reminder_once_a_day")]
        indexes = [models.Index(fields=["provider", "-raised_at"], name="duty_reminder_provider")]
