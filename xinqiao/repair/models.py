"""Applications for repair and their documents. Nothing is ever deleted."""

from __future__ import annotations

from django.db import models


class RepairRow(models.Model):
    """An application. Its words and the answer are sealed under the enterprise's key."""

    id = models.CharField(max_length=40, primary_key=True)
    enterprise = models.CharField(max_length=18)
    enterprise_name = models.CharField(max_length=200)
    item = models.CharField(max_length=60)
    ref = models.CharField(max_length=32)
    severity = models.CharField(max_length=20)
    counted_from = models.DateField()
    provider = models.CharField(max_length=40)
    state = models.CharField(max_length=12)
    applied_at = models.DateTimeField()
    due_on = models.DateField()
    text_sealed = models.BinaryField()
    answer_sealed = models.BinaryField(default=b"")
    refusal = models.CharField(max_length=20, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)
    score_before = models.IntegerField(null=True)
    score_after = models.IntegerField(null=True)
    entry = models.BigIntegerField()

    class Meta:
        db_table = "repair_application"
        indexes = [
            models.Index(fields=["enterprise", "-applied_at"], name="repair_enterprise"),
            models.Index(fields=["provider", "state"], name="repair_provider"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["enterprise", "item", "ref"], condition=models.Q(state="applied"), name="repair_open_once"
            )
        ]


class PaperRow(models.Model):
    """A document of an application; its bytes lie sealed under the enterprise's key."""

    repair = models.ForeignKey(RepairRow, on_delete=models.PROTECT)
    document = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=4)
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=200)

    class Meta:
        db_table = "repair_paper"
