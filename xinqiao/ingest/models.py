"""Deliveries and remembered column mappings."""

from __future__ import annotations

from django.db import models


class Delivery(models.Model):
    """One submission of one item: what came, what was accepted, what was returned."""

    id = models.CharField(max_length=40, primary_key=True)
    item = models.CharField(max_length=60)
    provider = models.CharField(max_length=40)
    actor = models.CharField(max_length=80)
    about = models.CharField(max_length=18, blank=True, default="")  # whom alone a source was asked about
    status = models.CharField(max_length=10)
    received_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    files = models.TextField()  # JSON: [{name, sha256, rows, stored}]
    content_sha256 = models.CharField(max_length=64)
    mapping = models.TextField()  # JSON: [{field: header}] per file
    delivered = models.BigIntegerField()
    accepted = models.BigIntegerField()
    returned = models.BigIntegerField()
    flagged = models.BigIntegerField()
    waiting = models.BigIntegerField(default=0)
    groups_sealed = models.BinaryField(default=b"")  # JSON of RepairGroup: its samples are what was delivered
    ignored_columns = models.TextField()
    problems_path = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "ingest_delivery"
        indexes = [
            models.Index(fields=["provider", "-received_at"], name="delivery_provider"),
            models.Index(fields=["item", "-received_at"], name="delivery_item"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(delivered=models.F("accepted") + models.F("returned") + models.F("waiting")),
                name="delivery_every_row_counts",
            ),
        ]


class RowMatch(models.Model):
    """A delivered row without a code whose subject was found by name, or waits for a person's decision."""

    delivery = models.CharField(max_length=40)
    row = models.IntegerField()
    item = models.CharField(max_length=60)
    provider = models.CharField(max_length=40)
    state = models.CharField(max_length=10)
    automatic = models.BooleanField()
    none_of_them = models.BooleanField(default=False)
    code = models.CharField(max_length=18, blank=True)
    batch = models.CharField(max_length=40, blank=True)  # under which the row stands in the records
    likely_ppm = models.IntegerField()  # probability of the first candidate when the row came, in millionths
    content_sealed = models.BinaryField()  # JSON: what was asked, the row's values, candidates with reasons
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        db_table = "ingest_row_match"
        indexes = [
            models.Index(fields=["state", "provider", "id"], name="row_match_queue"),
            models.Index(fields=["delivery", "state"], name="row_match_delivery"),
        ]
        constraints = [models.UniqueConstraint(fields=["delivery", "row"], name="row_match_once")]


class ColumnMapping(models.Model):
    """A provider's own column header for a field, remembered for the next delivery."""

    provider = models.CharField(max_length=40)
    item = models.CharField(max_length=60)
    header = models.CharField(max_length=120)
    field = models.CharField(max_length=30)
    chosen_at = models.DateTimeField()

    class Meta:
        db_table = "ingest_column_mapping"
        constraints = [
            models.UniqueConstraint(fields=["provider", "item", "header"], name="mapping_once_per_header"),
        ]
