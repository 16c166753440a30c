"""Disputes, their steps, files and reminders. Nothing is ever deleted."""

from __future__ import annotations

from django.db import models


class DisputeRow(models.Model):
    """A dispute. The enterprise's words and the answer are sealed under the enterprise's key."""

    id = models.CharField(max_length=40, primary_key=True)
    enterprise = models.CharField(max_length=18)
    enterprise_name = models.CharField(max_length=200)
    item = models.CharField(max_length=60)
    ref = models.CharField(max_length=32, blank=True)
    ground = models.CharField(max_length=20)
    text_sealed = models.BinaryField()
    channel = models.CharField(max_length=12)
    via = models.CharField(max_length=40, blank=True)
    provider = models.CharField(max_length=40)
    state = models.CharField(max_length=12)
    since = models.DateTimeField()
    received_at = models.DateTimeField()
    counted_from = models.DateField()
    forward_due_on = models.DateField()
    provisional = models.BooleanField()
    forwarded_at = models.DateTimeField(null=True)
    late = models.BooleanField(default=False)
    answer_due_on = models.DateField(null=True)
    verdict = models.CharField(max_length=12, blank=True)
    found_by = models.CharField(max_length=80, blank=True)
    answer_sealed = models.BinaryField(default=b"")
    answered_at = models.DateTimeField(null=True)
    rejection = models.CharField(max_length=20, blank=True)
    review = models.BooleanField(default=False)
    score_before = models.IntegerField(null=True)
    score_after = models.IntegerField(null=True)
    filed_by = models.CharField(max_length=80)
    entry = models.BigIntegerField()

    class Meta:
        db_table = "disputes_dispute"
        indexes = [
            models.Index(fields=["enterprise", "-received_at"], name="dispute_enterprise"),
            models.Index(fields=["provider", "state"], name="dispute_provider"),
            models.Index(fields=["state"], name="dispute_state"),
            models.Index(fields=["via", "state"], name="dispute_via"),
        ]


class StepRow(models.Model):
    """One step of a dispute."""

    dispute = models.ForeignKey(DisputeRow, on_delete=models.PROTECT)
    state = models.CharField(max_length=12)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    note_sealed = models.BinaryField(default=b"")

    class Meta:
        db_table = "disputes_step"


class FileRow(models.Model):
    """A file that supports a claim; its bytes lie sealed under the enterprise's key."""

    dispute = models.ForeignKey(DisputeRow, on_delete=models.PROTECT)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=4)
    size_bytes = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=200)
    added_by = models.CharField(max_length=80)
    added_at = models.DateTimeField()

    class Meta:
        db_table = "disputes_file"


class ReminderRow(models.Model):
    """A reminder given: once a mark and a turn."""

    dispute = models.ForeignKey(DisputeRow, on_delete=models.PROTECT)
    since = models.DateTimeField()
    mark = models.SmallIntegerField()
    given_at = models.DateTimeField()

    class Meta:
        db_table = "disputes_reminder"
        constraints = [models.UniqueConstraint(fields=["dispute", "since", "mark"], name="dispute_reminded_once")]
