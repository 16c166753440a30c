"""Anchors sent and confirmed, and how each ledger answered last."""

from __future__ import annotations

from django.db import models


class AnchorRow(models.Model):
    """One root on one ledger. Written before it is sent, so that a crash between the two is seen."""

    ledger = models.CharField(max_length=40)
    kind = models.CharField(max_length=10)
    size = models.BigIntegerField()
    state = models.CharField(max_length=10)
    handle = models.CharField(max_length=120, blank=True)
    sent_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    document = models.BinaryField(default=b"")

    class Meta:
        db_table = "anchoring_anchor"
        constraints = [models.UniqueConstraint(fields=["ledger", "size"], name="anchor_once")]
        indexes = [models.Index(fields=["state", "size"], name="anchor_state")]


class LedgerRow(models.Model):
    """How a ledger answered last; rewritten each time, evidence of nothing."""

    name = models.CharField(max_length=40, primary_key=True)
    size = models.BigIntegerField(default=0)
    tried_at = models.DateTimeField()
    trouble = models.TextField(default="")

    class Meta:
        db_table = "anchoring_ledger"
