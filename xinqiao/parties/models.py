"""Organisations, enterprises on the platform, people, and who may act for whom."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q


class Organisation(models.Model):
    """A department, institution, platform or the node itself. ``admitted`` only matters to recipients of data."""

    code = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=12)  # OrganisationKind
    name = models.CharField(max_length=120)
    uscc = models.CharField(max_length=18, blank=True)
    admitted = models.BooleanField(default=False)

    class Meta:
        db_table = "parties_organisation"


class Enterprise(models.Model):
    """An enterprise registered on the platform."""

    uscc = models.CharField(max_length=18, unique=True)
    name = models.CharField(max_length=200)
    registered_at = models.DateTimeField()

    class Meta:
        db_table = "parties_enterprise"


class Person(AbstractBaseUser):
    """A natural person who signs in. ``identity_sha256`` is the salted digest of an identity document, if seen."""

    username = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=60)
    identity_sha256 = models.CharField(max_length=64, blank=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name"]

    objects: BaseUserManager[Person] = BaseUserManager()

    class Meta:
        db_table = "parties_person"


class Membership(models.Model):
    """A person's power to act for one organisation or one enterprise, until it ends or is ended."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True)
    enterprise = models.ForeignKey(Enterprise, on_delete=models.PROTECT, null=True)
    role = models.CharField(max_length=12)  # Role
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    frozen = models.CharField(max_length=40, blank=True, default="")  # number of the case that stops it

    class Meta:
        db_table = "parties_membership"
        constraints = [
            models.CheckConstraint(
                condition=Q(organisation=None, enterprise__isnull=False)
                | Q(organisation__isnull=False, enterprise=None),
                name="membership_of_exactly_one",
            ),
        ]
        indexes = [models.Index(fields=["person", "until"], name="membership_person")]
