"""Requests and authorisations. What was agreed to is never changed; only how it stands is."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class AuthorisationRequest(models.Model):
    """An institution's request to an enterprise."""

    id = models.CharField(max_length=40, primary_key=True)
    state = models.CharField(max_length=12)
    organisation = models.CharField(max_length=40)
    organisation_name = models.CharField(max_length=120)
    enterprise = models.CharField(max_length=18)
    enterprise_name = models.CharField(max_length=200)
    purpose = models.CharField(max_length=30)
    items = models.TextField()  # JSON: item codes
    form = models.CharField(max_length=12)
    days = models.PositiveIntegerField()
    times = models.PositiveIntegerField()
    data_months = models.PositiveIntegerField()
    retention_days = models.PositiveIntegerField()
    reason = models.CharField(max_length=200)
    product = models.CharField(max_length=60, blank=True)
    platform = models.CharField(max_length=40, blank=True)
    template = models.CharField(max_length=40)
    template_version = models.CharField(max_length=20)
    requested_at = models.DateTimeField()
    answer_by = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answer_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "consent_request"
        indexes = [
            models.Index(fields=["enterprise", "-requested_at"], name="request_enterprise"),
            models.Index(fields=["organisation", "-requested_at"], name="request_organisation"),
        ]


class AuthorisationRow(models.Model):
    """An authorisation an enterprise gave."""

    id = models.CharField(max_length=40, primary_key=True)
    request = models.OneToOneField(AuthorisationRequest, on_delete=models.PROTECT, related_name="authorisation")
    status = models.CharField(max_length=12)
    subject = models.CharField(max_length=18)
    subject_name = models.CharField(max_length=200)
    signatory = models.BigIntegerField()
    power_source = models.CharField(max_length=24)
    power_purposes = models.TextField()  # JSON: purposes an agent may sign; [] = all
    power_until = models.DateTimeField(null=True)
    identity = models.CharField(max_length=24)
    identity_sealed = models.BinaryField(default=b"")  # the signatory's, under the signatory's key
    recipient = models.CharField(max_length=40)
    recipient_name = models.CharField(max_length=120)
    purpose = models.CharField(max_length=30)
    items = models.TextField()  # JSON: item codes
    form = models.CharField(max_length=12)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField()
    times_max = models.PositiveIntegerField()
    times_used = models.PositiveIntegerField(default=0)
    data_months = models.PositiveIntegerField()
    retention_days = models.PositiveIntegerField()
    reason = models.CharField(max_length=200)
    product = models.CharField(max_length=60, blank=True)
    platform = models.CharField(max_length=40, blank=True)
    template = models.CharField(max_length=40)
    template_version = models.CharField(max_length=20)
    list_sha256 = models.CharField(max_length=64)  # the sharing list as it stood
    text = models.TextField()  # exactly what was shown
    text_sha256 = models.CharField(max_length=64)
    locale = models.CharField(max_length=8)
    channel = models.CharField(max_length=40)
    address_sealed = models.BinaryField(default=b"")
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=200, blank=True)
    entry = models.BigIntegerField()  # evidence of the grant

    class Meta:
        db_table = "consent_authorisation"
        constraints = [
            models.CheckConstraint(condition=Q(times_used__lte=F("times_max")), name="authorisation_times"),
            models.CheckConstraint(condition=Q(valid_from__lt=F("valid_to")), name="authorisation_period"),
        ]
        indexes = [
            models.Index(fields=["subject", "-valid_from"], name="authorisation_subject"),
            # State and end stand in it too: SQLite, which keeps no statistics, else reads every active one by its end.
            models.Index(
                fields=["recipient", "subject", "purpose", "status", "valid_to"], name="authorisation_recipient"
            ),
            models.Index(fields=["status", "valid_to"], name="authorisation_expiry"),
        ]


class SigningPowerRow(models.Model):
    """What a legal representative lets an agent sign for the enterprise."""

    enterprise = models.CharField(max_length=18)
    person = models.BigIntegerField()
    purposes = models.TextField()  # JSON: purpose codes
    granted_by = models.BigIntegerField()
    granted_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "consent_power"
        indexes = [models.Index(fields=["enterprise", "person"], name="power_person")]


class InvitationRow(models.Model):
    """An enterprise's leave to an organisation to ask once more; used up by the request it let in."""

    enterprise = models.CharField(max_length=18)
    organisation = models.CharField(max_length=40)
    invited_at = models.DateTimeField()
    until = models.DateTimeField()
    request = models.OneToOneField(AuthorisationRequest, on_delete=models.PROTECT, null=True)

    class Meta:
        db_table = "consent_invitation"
        indexes = [models.Index(fields=["enterprise", "organisation"], name="invitation_pair")]
