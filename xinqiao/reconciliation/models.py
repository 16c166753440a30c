"""Days, hand-ins and the lines in which they differ."""

from __future__ import annotations

from django.db import models


class DayRow(models.Model):
    """A day of one organisation."""

    organisation = models.CharField(max_length=40)
    day = models.DateField()
    state = models.CharField(max_length=12)
    due_on = models.DateField()
    late = models.BooleanField(default=False)
    correct_by = models.DateField(null=True)
    revision = models.IntegerField(default=0)
    case = models.CharField(max_length=40, blank=True)

    class Meta:
        db_table = "reconciliation_day"
        indexes = [models.Index(fields=["state", "day"], name="recon_state")]
        constraints = [models.UniqueConstraint(fields=["organisation", "day"], name="recon_day_once")]


class HandInRow(models.Model):
    """A hand-in of a day as it was signed. Never changed but for the buckets still open."""

    id = models.CharField(max_length=40, primary_key=True)
    day = models.ForeignKey(DayRow, on_delete=models.PROTECT)
    revision = models.IntegerField()
    statement = models.TextField()  # the compact JWS
    sha256 = models.CharField(max_length=64)
    client = models.CharField(max_length=60)
    received = models.IntegerField()
    used = models.IntegerField()
    depth = models.IntegerField()
    roots = models.BinaryField()  # 32 bytes a bucket
    open = models.JSONField(default=list)
    opened = models.IntegerField(default=0)
    handed_at = models.DateTimeField()
    handed_by = models.CharField(max_length=80)

    class Meta:
        db_table = "reconciliation_hand_in"
        constraints = [models.UniqueConstraint(fields=["day", "revision"], name="recon_revision_once")]


class MismatchRow(models.Model):
    """A line in which a hand-in differs from the ledger."""

    hand_in = models.ForeignKey(HandInRow, on_delete=models.PROTECT)
    kind = models.CharField(max_length=24)
    access = models.CharField(max_length=40)
    listed = models.CharField(max_length=220, blank=True)
    released = models.CharField(max_length=220, blank=True)

    class Meta:
        db_table = "reconciliation_mismatch"
