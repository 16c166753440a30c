"""The register's cases."""

from __future__ import annotations

from django.db import models


class CaseRow(models.Model):
    """A case from its opening to its end. What was decided before an appeal stays in the evidence log."""

    id = models.CharField(max_length=40, primary_key=True)
    kind = models.CharField(max_length=40)
    organisation = models.CharField(max_length=40)
    organisation_name = models.CharField(max_length=120)
    source = models.CharField(max_length=12)
    reference = models.CharField(max_length=80)
    party = models.CharField(max_length=80, blank=True)
    enterprise = models.CharField(max_length=18, blank=True)
    summary = models.CharField(max_length=500)
    facts = models.JSONField()
    state = models.CharField(max_length=16)
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=80)
    due_on = models.DateField(null=True)
    notice = models.CharField(max_length=500, blank=True)
    statement = models.CharField(max_length=500, blank=True)
    statement_by = models.CharField(max_length=80, blank=True)
    statement_at = models.DateTimeField(null=True)
    measures = models.JSONField(default=list)
    document = models.CharField(max_length=120, blank=True)
    decision = models.CharField(max_length=500, blank=True)
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    carried_out_by = models.CharField(max_length=80, blank=True)
    carried_out_at = models.DateTimeField(null=True)
    freeze = models.CharField(max_length=40, blank=True)
    appeal = models.CharField(max_length=500, blank=True)
    appealed_by = models.CharField(max_length=80, blank=True)
    appealed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "violations_case"
        indexes = [
            models.Index(fields=["organisation", "state"], name="case_organisation"),
            models.Index(fields=["state", "due_on"], name="case_due"),
            models.Index(fields=["enterprise"], name="case_enterprise"),
        ]
        constraints = [models.UniqueConstraint(fields=["source", "reference"], name="case_once")]
