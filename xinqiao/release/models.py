"""The ledger: one line for every answer and every refusal."""

from __future__ import annotations

from django.db import models


class AccessLine(models.Model):
    """Who asked for what about an enterprise, and what came of it. Never changed, never deleted."""

    id = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    enterprise = models.CharField(max_length=18)
    recipient_kind = models.CharField(max_length=12)
    recipient_code = models.CharField(max_length=40)
    recipient_name = models.CharField(max_length=120)
    actor = models.CharField(max_length=80)
    purpose = models.CharField(max_length=30)
    form = models.CharField(max_length=10)
    items = models.TextField()  # JSON list of item codes
    authorisation = models.CharField(max_length=40, blank=True)
    allowed = models.BooleanField()
    rule = models.CharField(max_length=40)
    reason = models.CharField(max_length=200)
    clause = models.CharField(max_length=200)
    next_step = models.CharField(max_length=200, blank=True)
    policy_sha256 = models.CharField(max_length=64)
    answer_sha256 = models.CharField(max_length=64, blank=True)
    entry = models.BigIntegerField()
    channel = models.CharField(max_length=12)
    cause = models.CharField(max_length=200, blank=True, default="")  # why, in the words of who looked
    via = models.CharField(max_length=40, blank=True, default="")  # the platform that carried it
    scope = models.CharField(
        max_length=12, blank=True, default=""
    )  # what of the file was asked for (``Inquiry.scope``)
    shown_from = models.DateTimeField(null=True)  # an embargo holds the line back from the enterprise until then

    class Meta:
        db_table = "release_access"
        indexes = [
            models.Index(fields=["enterprise", "-at"], name="access_enterprise"),
            models.Index(fields=["recipient_code", "-at"], name="access_recipient"),
            models.Index(fields=["-at"], name="access_at"),
        ]


class DisclosedRow(models.Model):
    """Another context's document as it was handed over, sealed: it cannot be made again from the records alone.

    ``refs`` are the rows that it rests on, where its maker knows them (``catalogue.schema.row_ref``).
    """

    access = models.OneToOneField(AccessLine, on_delete=models.PROTECT, primary_key=True)
    body_sealed = models.BinaryField()
    refs = models.JSONField(default=list)

    class Meta:
        db_table = "release_disclosed"


class PolicyRow(models.Model):
    """A table that was put in force; the newest one is in force. Never changed, never deleted."""

    sha256 = models.CharField(max_length=64)
    text = models.TextField()  # the bytes of release.toml, as UTF-8
    proof_sha256 = models.CharField(max_length=64)
    solver = models.CharField(max_length=40)
    activated_at = models.DateTimeField()
    activated_by = models.CharField(max_length=80)
    entry = models.BigIntegerField()

    class Meta:
        db_table = "release_policy"


class ChallengeRow(models.Model):
    """An enterprise's question about one access to it, and the answer."""

    access = models.OneToOneField(AccessLine, on_delete=models.PROTECT)
    asked_of = models.CharField(max_length=40)
    text = models.CharField(max_length=500)
    state = models.CharField(max_length=12)
    asked_at = models.DateTimeField()
    due_on = models.DateField()
    answer = models.CharField(max_length=500, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "release_challenge"
        indexes = [models.Index(fields=["asked_of", "state"], name="challenge_asked_of")]
