"""What was traced."""

from __future__ import annotations

from django.db import models


class TraceRow(models.Model):
    """A found copy and the reads it named; the copy itself is not kept."""

    id = models.CharField(max_length=40, primary_key=True)
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=80)
    candidates = models.IntegerField()
    needed = models.FloatField()
    reads = models.JSONField()
    printed = models.JSONField()

    class Meta:
        db_table = "tracing_trace"
        indexes = [models.Index(fields=["-made_at"], name="trace_made_at")]
