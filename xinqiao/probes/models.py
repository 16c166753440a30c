"""Reports, the outcome of each probe in them, and whose turn it is."""

from __future__ import annotations

from django.db import models


class ReportRow(models.Model):
    """A signed report. The paper is public to its organisation and to the node; the dossier holds it as evidence."""

    id = models.CharField(max_length=40, primary_key=True)
    organisation = models.CharField(max_length=40)
    url = models.CharField(max_length=300)
    at = models.DateTimeField()
    counts = models.JSONField()
    sha256 = models.CharField(max_length=64)
    paper = models.BinaryField()
    evidence = models.CharField(max_length=40)

    class Meta:
        db_table = "probes_report"
        indexes = [models.Index(fields=["organisation", "-at"], name="report_latest")]


class ResultRow(models.Model):
    """What one probe came to in a report."""

    report = models.ForeignKey(ReportRow, on_delete=models.PROTECT)
    organisation = models.CharField(max_length=40)
    probe = models.CharField(max_length=40)
    outcome = models.CharField(max_length=16)
    at = models.DateTimeField()

    class Meta:
        db_table = "probes_result"
        indexes = [models.Index(fields=["organisation", "probe", "-at"], name="result_history")]


class TurnRow(models.Model):
    """When an organisation was last probed, whether somebody has asked for it since, rounds in a row out of reach."""

    organisation = models.CharField(max_length=40, unique=True)
    began_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    unreached = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "probes_turn"
