"""Sanctions."""

from __future__ import annotations

from django.db import models


class SanctionRow(models.Model):
    """A sanction; its document lies sealed in a file under the enterprise's key."""

    id = models.CharField(max_length=40, primary_key=True)
    enterprise = models.CharField(max_length=18)
    document_kind = models.CharField(max_length=40)
    document_no = models.CharField(max_length=120)
    determiner = models.CharField(max_length=120)
    determined_on = models.DateField()
    conduct = models.CharField(max_length=40)
    amount_fen = models.BigIntegerField()
    measures = models.JSONField()
    ends_on = models.DateField()
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=200)
    state = models.CharField(max_length=12)
    entered_at = models.DateTimeField()
    entered_by = models.CharField(max_length=80)
    due_on = models.DateField(null=True)
    told = models.BooleanField(default=False)
    statement = models.CharField(max_length=500, blank=True)
    statement_by = models.CharField(max_length=80, blank=True)
    statement_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=80, blank=True)
    approved_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=500, blank=True)
    outcome_document = models.CharField(max_length=120, blank=True)
    ended_at = models.DateTimeField(null=True)
    recorded = models.CharField(max_length=12, blank=True)  # given to the records, taken back

    class Meta:
        db_table = "sanctions_sanction"
        indexes = [
            models.Index(fields=["enterprise"], name="sanction_enterprise"),
            models.Index(fields=["state", "due_on"], name="sanction_due"),
        ]
        constraints = [models.UniqueConstraint(fields=["enterprise", "document_no"], name="sanction_document_once")]
