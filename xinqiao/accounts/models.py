"""What an account has besides its person: second factor, former passwords, wrong answers, outside identities."""

from __future__ import annotations

from django.db import models


class Account(models.Model):
    """A person's second factor and the age of their password. ``session`` names the one session of staff."""

    person = models.OneToOneField("parties.Person", on_delete=models.CASCADE, related_name="account")
    factor_sealed = models.BinaryField(default=b"")
    factor_since = models.DateTimeField(null=True)
    factor_step = models.BigIntegerField(default=0)  # of the code used last: none before it is taken again
    password_changed_at = models.DateTimeField(null=True)
    must_change = models.BooleanField(default=False)
    session = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        db_table = "accounts_account"


class FormerPassword(models.Model):
    """The salted hash of a password a person had."""

    person = models.ForeignKey("parties.Person", on_delete=models.CASCADE)
    hashed = models.CharField(max_length=256)
    since = models.DateTimeField()

    class Meta:
        db_table = "accounts_former_password"


class RecoveryCode(models.Model):
    """The digest of a code that stands in for the second factor once."""

    person = models.ForeignKey("parties.Person", on_delete=models.CASCADE)
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "accounts_recovery_code"
        indexes = [models.Index(fields=["person", "digest"], name="accounts_recovery")]


class SignInGuard(models.Model):
    """Wrong answers for a user name, whether or not anybody has it."""

    username_index = models.CharField(max_length=32, unique=True)
    failures = models.IntegerField(default=0)
    first_at = models.DateTimeField(null=True)
    locked_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "accounts_guard"


class LinkedIdentity(models.Model):
    """An account elsewhere that signs a person in here; the subject is kept as its blind index."""

    person = models.ForeignKey("parties.Person", on_delete=models.CASCADE)
    issuer = models.CharField(max_length=200)
    subject_index = models.CharField(max_length=32)
    linked_at = models.DateTimeField()

    class Meta:
        db_table = "accounts_identity"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject_index"], name="accounts_identity_once"),
        ]
