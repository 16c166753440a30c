"""What sources said last, how they are reached, and how far they were pulled."""

from __future__ import annotations

from django.db import models


class HeardRow(models.Model):
    """The last answer about an item of an enterprise; the rows themselves are records."""

    item = models.CharField(max_length=60)
    enterprise = models.CharField(max_length=18)
    state = models.CharField(max_length=16)
    detail = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField()
    good_until = models.DateTimeField()
    rows_sha256 = models.CharField(max_length=64, blank=True)  # of the rows last taken

    class Meta:
        db_table = "sources_heard"
        constraints = [models.UniqueConstraint(fields=["enterprise", "item"], name="heard_once")]


class PastHeardRow(models.Model):
    """An answer that another has taken the place of, so that what was said on a day can be said again."""

    item = models.CharField(max_length=60)
    enterprise = models.CharField(max_length=18)
    state = models.CharField(max_length=16)
    detail = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField()
    good_until = models.DateTimeField()

    class Meta:
        db_table = "sources_past_heard"
        indexes = [models.Index(fields=["enterprise", "item", "-asked_at"], name="past_heard")]


class CircuitRow(models.Model):
    """Whether a connection is called, for all processes."""

    connection = models.CharField(max_length=40, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    last_ok_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "sources_circuit"


class PulledRow(models.Model):
    """A file, or a run of rows, that was taken."""

    connection = models.CharField(max_length=40)
    name = models.CharField(max_length=200)  # of the file, or "first-last" of the rows
    position = models.BigIntegerField(default=0)  # number of the last row taken, in database mode
    sha256 = models.CharField(max_length=64, blank=True)
    delivery = models.CharField(max_length=40)
    taken_at = models.DateTimeField()

    class Meta:
        db_table = "sources_pulled"
        constraints = [models.UniqueConstraint(fields=["connection", "name"], name="pulled_once")]
