"""Formulas, the grains in force, what answers told and were."""

from __future__ import annotations

from django.db import models


class FormulaRow(models.Model):
    """A version of a formula; the body never changes, only the state does."""

    id = models.CharField(max_length=40, primary_key=True)
    institution = models.CharField(max_length=40, db_index=True)
    name = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    purpose = models.CharField(max_length=40)
    state = models.CharField(max_length=12)
    sha256 = models.CharField(max_length=64)
    body = models.TextField()  # canonical JSON
    reach = models.JSONField()
    submitted_by = models.CharField(max_length=80)
    submitted_at = models.DateTimeField()
    reviewed_by = models.CharField(max_length=80, blank=True)
    reviewed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "formulas_formula"
        constraints = [models.UniqueConstraint(fields=["institution", "name", "number"], name="formula_version_once")]


class GrainRow(models.Model):
    """A measurement of grains; the newest counts."""

    run = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64)
    body = models.TextField()  # canonical JSON
    measured_at = models.DateTimeField()
    measured_by = models.CharField(max_length=80)

    class Meta:
        db_table = "formulas_grain"


class ChargeRow(models.Model):
    """What an answer told about one item of an enterprise."""

    enterprise = models.CharField(max_length=18)
    item = models.CharField(max_length=80)
    institution = models.CharField(max_length=40)
    formula = models.CharField(max_length=40)
    millibits = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "formulas_charge"
        indexes = [models.Index(fields=["enterprise", "item", "at"], name="formulas_charge_place")]


class AnswerRow(models.Model):
    """The newest answer of a formula about an enterprise: given again while what it read is the same."""

    formula = models.ForeignKey(FormulaRow, on_delete=models.PROTECT)
    enterprise = models.CharField(max_length=18)
    read_sha256 = models.CharField(max_length=64)  # keyed: of what the formula read, in its grain
    result = models.IntegerField(null=True)
    coverage = models.PositiveSmallIntegerField()
    missing = models.JSONField()
    made_at = models.DateTimeField()

    class Meta:
        db_table = "formulas_answer"
        constraints = [models.UniqueConstraint(fields=["formula", "enterprise"], name="formula_answer_once")]


class RunRow(models.Model):
    """One answer handed over, for the pages."""

    formula = models.ForeignKey(FormulaRow, on_delete=models.PROTECT)
    enterprise = models.CharField(max_length=18, db_index=True)
    at = models.DateTimeField()
    result = models.IntegerField(null=True)
    coverage = models.PositiveSmallIntegerField()
    access = models.CharField(max_length=40)
    fresh = models.BooleanField()

    class Meta:
        db_table = "formulas_run"
