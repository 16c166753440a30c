"""Members with their dossiers, decisions, notices to enterprises, probe results."""

from __future__ import annotations

from django.db import models


class MemberRow(models.Model):
    """An applicant or member: one row an organisation, whatever it has been through."""

    organisation = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=12)  # OrganisationKind
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=12)
    route = models.CharField(max_length=12)
    level = models.CharField(max_length=12, blank=True)
    place = models.CharField(max_length=12, blank=True)
    through = models.CharField(max_length=40, blank=True)  # an institution's platform
    licence = models.CharField(max_length=60, blank=True)
    founded = models.BooleanField(default=False)
    dossier = models.BooleanField(default=False)  # whether it has ever handed one in
    round = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=500, blank=True)  # why it stands where it does
    since = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    trial_until = models.DateField(null=True)
    review_on = models.DateField(null=True)
    watched_at = models.DateTimeField(null=True)
    delete_by = models.DateField(null=True)
    deleted_at = models.DateTimeField(null=True)
    deletion_statement = models.CharField(max_length=500, blank=True)
    untold = models.CharField(max_length=12, blank=True, default="")  # NoticeKind that enterprises are still to be told

    class Meta:
        db_table = "admission_member"
        indexes = [models.Index(fields=["state"], name="member_state")]


class AnswerRow(models.Model):
    """An answer of a dossier as it stands."""

    member = models.ForeignKey(MemberRow, on_delete=models.PROTECT)
    round = models.PositiveIntegerField()
    question = models.CharField(max_length=40)
    value = models.CharField(max_length=500)
    answered_at = models.DateTimeField()
    answered_by = models.CharField(max_length=80)

    class Meta:
        db_table = "admission_answer"
        constraints = [models.UniqueConstraint(fields=["member", "round", "question"], name="answer_once")]


class EvidenceRow(models.Model):
    """A file behind an answer; the newest of a question counts, the earlier ones stay. The bytes lie sealed."""

    id = models.CharField(max_length=40, primary_key=True)
    member = models.ForeignKey(MemberRow, on_delete=models.PROTECT)
    round = models.PositiveIntegerField()
    question = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    issued_on = models.DateField(null=True)
    expires_on = models.DateField(null=True)
    path = models.CharField(max_length=200)
    filed_at = models.DateTimeField()
    filed_by = models.CharField(max_length=80)

    class Meta:
        db_table = "admission_evidence"
        indexes = [models.Index(fields=["member", "round"], name="evidence_member")]


class MeasureRow(models.Model):
    """A decision, proposed by one person and approved or declined by another."""

    id = models.CharField(max_length=40, primary_key=True)
    member = models.ForeignKey(MemberRow, on_delete=models.PROTECT)
    kind = models.CharField(max_length=12)
    state = models.CharField(max_length=12)
    reason = models.CharField(max_length=500)
    successor = models.CharField(max_length=40, blank=True)
    proposed_by = models.CharField(max_length=80)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "admission_measure"
        constraints = [
            models.UniqueConstraint(
                fields=["member"], condition=models.Q(state="proposed"), name="measure_one_at_a_time"
            )
        ]


class NoticeRow(models.Model):
    """What an enterprise is told about a recipient of its data."""

    enterprise = models.CharField(max_length=18)
    organisation = models.CharField(max_length=40)
    organisation_name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()

    class Meta:
        db_table = "admission_notice"
        indexes = [models.Index(fields=["enterprise", "-at"], name="notice_enterprise")]


class ProbeRow(models.Model):
    """A result of a probe; the newest of each probe counts."""

    member = models.ForeignKey(MemberRow, on_delete=models.PROTECT)
    probe = models.CharField(max_length=60)
    passed = models.BooleanField()
    detail = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "admission_probe"
        indexes = [models.Index(fields=["member", "probe", "-at"], name="probe_latest")]
