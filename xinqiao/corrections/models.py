"""Corrections and who was told of them. Nothing is ever deleted."""

from __future__ import annotations

from django.db import models


class CorrectionRow(models.Model):
    """A record put right, and whether everybody who was told has been found."""

    kind = models.CharField(max_length=12)
    cause = models.CharField(max_length=40)
    enterprise = models.CharField(max_length=18)
    item = models.CharField(max_length=60)
    wrong_from = models.DateTimeField()
    corrected_at = models.DateTimeField()
    refs = models.JSONField()  # references of the rows that were wrong
    batches = models.JSONField()  # lake batches that hold what is right
    rippled_at = models.DateTimeField(null=True)
    recipients = models.IntegerField(null=True)

    class Meta:
        db_table = "corrections_correction"
        indexes = [
            models.Index(fields=["rippled_at"], name="correction_rippled"),
            models.Index(fields=["cause"], name="correction_cause"),
        ]


class NoticeRow(models.Model):
    """One earlier answer that does not hold, and its recipient told."""

    correction = models.ForeignKey(CorrectionRow, on_delete=models.PROTECT)
    recipient = models.CharField(max_length=40)
    recipient_name = models.CharField(max_length=120)
    access = models.CharField(max_length=40)
    accessed_at = models.DateTimeField()
    changes_sealed = models.BinaryField()
    state = models.CharField(max_length=12)
    sent_at = models.DateTimeField()
    due_on = models.DateField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=80, blank=True)
    entry = models.BigIntegerField()

    class Meta:
        db_table = "corrections_notice"
        indexes = [models.Index(fields=["recipient", "state"], name="notice_recipient")]
        constraints = [models.UniqueConstraint(fields=["correction", "access"], name="notice_once")]
