"""Proceedings, their steps and papers; acts on their way to bodies, and what was heard of each."""

from __future__ import annotations

from django.db import models


class ProceedingRow(models.Model):
    """A proceeding; its terms, and how the debtor took part, are sealed under the enterprise's key."""

    id = models.CharField(max_length=40, primary_key=True)
    kind = models.CharField(max_length=14)
    institution = models.CharField(max_length=40)
    enterprise = models.CharField(max_length=18)
    about = models.CharField(max_length=12)
    number = models.CharField(max_length=60)
    receipt_no = models.CharField(max_length=60, blank=True)
    body = models.CharField(max_length=40)
    court = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=20)
    since = models.DateTimeField()
    due_on = models.DateField(null=True)
    offline = models.BooleanField(default=False)
    applied_on = models.DateField(null=True)
    perform_by = models.DateField(null=True)
    presence = models.BinaryField(default=b"")  # sealed: it tells of people
    document_no = models.CharField(max_length=120, blank=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=80)
    terms = models.BinaryField(default=b"")

    class Meta:
        db_table = "settlement_proceeding"
        indexes = [
            models.Index(fields=["institution", "-made_at"], name="proceeding_institution"),
            models.Index(fields=["enterprise", "-made_at"], name="proceeding_enterprise"),
            models.Index(fields=["body", "-made_at"], name="proceeding_body"),
            models.Index(fields=["court", "-made_at"], name="proceeding_court"),
            models.Index(fields=["state", "due_on"], name="proceeding_due"),
        ]


class StepRow(models.Model):
    """One step; never changed. ``told`` (reason, facts, a body's signed statement) is sealed."""

    proceeding = models.ForeignKey(ProceedingRow, on_delete=models.PROTECT, related_name="steps")
    number = models.IntegerField()
    event = models.CharField(max_length=24)
    state = models.CharField(max_length=20)
    at = models.DateTimeField()
    side = models.CharField(max_length=10)
    actor = models.CharField(max_length=80)
    told = models.BinaryField(default=b"")
    statement_sha256 = models.CharField(max_length=64, blank=True)
    entry = models.BigIntegerField()

    class Meta:
        db_table = "settlement_step"
        constraints = [models.UniqueConstraint(fields=["proceeding", "number"], name="settlement_step_once")]


class PaperRow(models.Model):
    """A paper; its bytes lie sealed in a file under the enterprise's key."""

    proceeding = models.ForeignKey(ProceedingRow, on_delete=models.PROTECT, related_name="papers")
    kind = models.CharField(max_length=12)
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    sm3 = models.CharField(max_length=64)
    size = models.IntegerField()
    side = models.CharField(max_length=10)
    number = models.CharField(max_length=120, blank=True)
    path = models.CharField(max_length=200)
    at = models.DateTimeField()
    entry = models.BigIntegerField()

    class Meta:
        db_table = "settlement_paper"
        constraints = [models.UniqueConstraint(fields=["proceeding", "kind", "sha256"], name="settlement_paper_once")]


class ActRow(models.Model):
    """An act that a body is to learn of. ``id`` is its idempotency key; ``receipt`` the body's answer, sealed.

    ``step`` is the step it comes from, and the order of a proceeding's acts; ``stood_*`` where it goes back to when the
    body does not take it.
    """

    id = models.CharField(max_length=40, primary_key=True)
    proceeding = models.ForeignKey(ProceedingRow, on_delete=models.PROTECT, related_name="acts")
    body = models.CharField(max_length=40)
    act = models.CharField(max_length=24)
    before = models.CharField(max_length=20)
    after = models.CharField(max_length=20)
    said_by = models.CharField(max_length=10)
    step = models.IntegerField(default=0)
    stood_since = models.DateTimeField(null=True)
    stood_due = models.DateField(null=True)
    state = models.CharField(max_length=8)
    statement = models.BinaryField(default=b"")  # as signed and sent, sealed: a retry sends the same bytes
    receipt = models.BinaryField(default=b"")
    receipt_sha256 = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    said = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        db_table = "settlement_act"
        indexes = [models.Index(fields=["state", "next_at"], name="settlement_act_due")]


class LineRow(models.Model):
    """What was heard of one body about one proceeding: how far, the chain of its statements, when to ask again."""

    proceeding = models.ForeignKey(ProceedingRow, on_delete=models.PROTECT, related_name="lines")
    body = models.CharField(max_length=40)
    heard = models.IntegerField(default=0)
    chain = models.CharField(max_length=64, blank=True)
    ask_at = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    trouble = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "settlement_line"
        constraints = [models.UniqueConstraint(fields=["proceeding", "body"], name="settlement_line_once")]
        indexes = [models.Index(fields=["ask_at"], name="settlement_line_due")]


class BodyRow(models.Model):
    """How a body answered last; rewritten each time, evidence of nothing."""

    code = models.CharField(max_length=40, primary_key=True)
    answered_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "settlement_body"


class CallBackRow(models.Model):
    """A call-back that was taken, so that the same one does nothing twice."""

    body = models.CharField(max_length=40)
    message = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        db_table = "settlement_call_back"
        constraints = [models.UniqueConstraint(fields=["body", "message"], name="settlement_call_back_once")]


class ResultRow(models.Model):
    """A result that goes to the records."""

    step = models.OneToOneField(StepRow, on_delete=models.PROTECT, related_name="result")
    enterprise = models.CharField(max_length=18)
    facts = models.BinaryField()  # the row, sealed
    recorded = models.BooleanField(default=False, db_index=True)

    class Meta:
        db_table = "settlement_result"
