"""Marks, never deleted: one that is lifted says when."""

from __future__ import annotations

from django.db import models


class MarkRow(models.Model):
    """A mark on a record of an enterprise. Only ``lifted_at`` is ever set afterwards."""

    enterprise = models.CharField(max_length=18)
    item = models.CharField(max_length=60)
    ref = models.CharField(max_length=32, blank=True)
    kind = models.CharField(max_length=12)
    dispute = models.CharField(max_length=40)
    statement_sealed = models.BinaryField()
    set_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "marks_mark"
        indexes = [models.Index(fields=["enterprise", "item"], name="mark_enterprise")]
        constraints = [
            models.UniqueConstraint(
                fields=["dispute", "kind"], condition=models.Q(lifted_at=None), name="mark_standing_once"
            )
        ]
