"""Official figures and closed months; rows are added, never changed."""

from __future__ import annotations

from django.db import models


class OfficialRow(models.Model):
    """A figure as a person entered it."""

    series = models.CharField(max_length=40)
    on = models.DateField()
    value_fen = models.BigIntegerField()
    source = models.CharField(max_length=200)
    entered_by = models.CharField(max_length=80)
    entered_at = models.DateTimeField()

    class Meta:
        db_table = "effectiveness_official"
        indexes = [models.Index(fields=["series", "on"], name="official_series")]


class MonthRow(models.Model):
    """The numbers of a month as they were closed."""

    month = models.CharField(max_length=7, unique=True)
    document = models.TextField()
    sha256 = models.CharField(max_length=64)
    closed_by = models.CharField(max_length=80)
    closed_at = models.DateTimeField()

    class Meta:
        db_table = "effectiveness_month"
