"""Products with their versions, needs, trials of conditions."""

from __future__ import annotations

from django.db import models


class ProductRow(models.Model):
    """A product of an institution; what it says stands in its versions."""

    code = models.CharField(max_length=40, primary_key=True)
    institution = models.CharField(max_length=40, db_index=True)
    version = models.IntegerField(default=0)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "matching_product"


class ProductVersionRow(models.Model):
    """A version as published; never changed."""

    product = models.ForeignKey(ProductRow, on_delete=models.PROTECT, related_name="versions")
    version = models.IntegerField()
    document = models.TextField()
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        db_table = "matching_product_version"
        constraints = [models.UniqueConstraint(fields=["product", "version"], name="product_version_once")]


class NeedRow(models.Model):
    """What an enterprise is looking for; at most one stands at a time."""

    id = models.CharField(max_length=40, primary_key=True)
    enterprise = models.CharField(max_length=18)
    amount_fen = models.BigIntegerField()
    months = models.IntegerField()
    guarantees = models.JSONField()
    purpose = models.CharField(max_length=60)
    window = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=10)
    posted_at = models.DateTimeField()
    until = models.DateField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "matching_need"
        indexes = [models.Index(fields=["state", "until"], name="need_open")]
        constraints = [
            models.UniqueConstraint(fields=["enterprise"], condition=models.Q(state="open"), name="need_open_once")
        ]


class DemandRow(models.Model):
    """What was counted of a product on a day: once, whichever versions come that day."""

    product = models.ForeignKey(ProductRow, on_delete=models.CASCADE)
    on = models.DateField()
    fitting = models.IntegerField()
    lacking = models.IntegerField()

    class Meta:
        db_table = "matching_demand"
        constraints = [models.UniqueConstraint(fields=["product", "on"], name="demand_day")]


class TrialRow(models.Model):
    """How often an institution tried conditions on a day."""

    institution = models.CharField(max_length=40)
    on = models.DateField()
    count = models.IntegerField(default=0)

    class Meta:
        db_table = "matching_trial"
        constraints = [models.UniqueConstraint(fields=["institution", "on"], name="trial_day")]
