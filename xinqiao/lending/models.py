"""Applications and their steps, reminders, loans with every report of them, declarations."""

from __future__ import annotations

from django.db import models


class ApplicationRow(models.Model):
    """One enterprise, one institution, one product."""

    id = models.CharField(max_length=40, primary_key=True)
    need = models.CharField(max_length=40, blank=True)
    renews = models.CharField(max_length=40, blank=True)
    enterprise = models.CharField(max_length=18)
    enterprise_name = models.CharField(max_length=200)
    institution = models.CharField(max_length=40)
    product = models.CharField(max_length=40)
    product_version = models.IntegerField()
    product_name = models.CharField(max_length=120)
    amount_fen = models.BigIntegerField()
    months = models.IntegerField()
    purpose = models.CharField(max_length=60)
    decision_workdays = models.IntegerField()
    state = models.CharField(max_length=12)
    since = models.DateTimeField()
    made_at = models.DateTimeField()
    request = models.CharField(max_length=40, blank=True)
    authorisation = models.CharField(max_length=40, blank=True)
    offer = models.JSONField(null=True)
    reasons = models.JSONField(default=list)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "lending_application"
        indexes = [
            models.Index(fields=["institution", "state"], name="application_institution"),
            models.Index(fields=["enterprise", "state"], name="application_enterprise"),
            models.Index(fields=["request"], name="application_request"),
        ]


class StepRow(models.Model):
    """What happened to an application; never changed."""

    application = models.ForeignKey(ApplicationRow, on_delete=models.PROTECT, related_name="steps")
    event = models.CharField(max_length=20)
    state = models.CharField(max_length=12)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)

    class Meta:
        db_table = "lending_step"


class ReminderRow(models.Model):
    """A reminder given: once for every mark of every state's clock."""

    application = models.ForeignKey(ApplicationRow, on_delete=models.PROTECT, related_name="reminders")
    since = models.DateTimeField()
    mark = models.CharField(max_length=6)
    given_at = models.DateTimeField()

    class Meta:
        db_table = "lending_reminder"
        constraints = [
            models.UniqueConstraint(fields=["application", "since", "mark"], name="application_reminder_once")
        ]


class LoanRow(models.Model):
    """A drawdown as it stands by the last report."""

    institution = models.CharField(max_length=40)
    receipt_no = models.CharField(max_length=60)
    credit_no = models.CharField(max_length=60)
    enterprise = models.CharField(max_length=18, db_index=True)
    product = models.CharField(max_length=40, blank=True)
    limit_fen = models.BigIntegerField()
    amount_fen = models.BigIntegerField()
    balance_fen = models.BigIntegerField()
    rate_bp = models.IntegerField()
    guarantee = models.CharField(max_length=4)
    applied_on = models.DateField(null=True)
    approved_on = models.DateField(null=True)
    drawn_on = models.DateField()
    due_on = models.DateField()
    settled_on = models.DateField(null=True)
    first_loan = models.BooleanField()
    renewal = models.BooleanField()
    five_class = models.CharField(max_length=16)
    overdue_days = models.IntegerField()
    overdue_fen = models.BigIntegerField(default=0)
    purpose_industry = models.CharField(max_length=5, blank=True)
    division = models.CharField(max_length=6, blank=True)
    application = models.CharField(max_length=40, blank=True)
    authorisation = models.CharField(max_length=40, blank=True)
    attributed = models.CharField(max_length=60, blank=True)
    reported_at = models.DateTimeField()
    first_reported_at = models.DateTimeField()

    class Meta:
        db_table = "lending_loan"
        constraints = [models.UniqueConstraint(fields=["institution", "receipt_no"], name="loan_receipt")]
        indexes = [models.Index(fields=["institution", "settled_on"], name="loan_running")]


class LoanReportRow(models.Model):
    """A report of a loan as it came; never changed. A later one of the same receipt corrects or continues it."""

    loan = models.ForeignKey(LoanRow, on_delete=models.PROTECT, related_name="reports")
    document = models.TextField()
    sha256 = models.CharField(max_length=64)
    reported_at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    recorded = models.CharField(max_length=60, blank=True)
    entry = models.BigIntegerField(null=True)  # the evidence of this report

    class Meta:
        db_table = "lending_loan_report"
        indexes = [models.Index(fields=["recorded", "id"], name="loan_report_waiting")]


class DeclarationRow(models.Model):
    """An enterprise that asks to be recommended, and what became of it."""

    id = models.CharField(max_length=40, primary_key=True)
    enterprise = models.CharField(max_length=18, db_index=True)
    enterprise_name = models.CharField(max_length=200)
    state = models.CharField(max_length=12)
    institutions = models.JSONField()
    tests = models.JSONField()
    notes = models.JSONField(default=dict)
    declared_at = models.DateTimeField()
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    until = models.DateField(null=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "lending_declaration"
