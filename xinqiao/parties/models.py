"""Organisations, enterprises on the platform, people, and who may act for whom."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from xinqiao.plumbing.blind_index import blind_index


class Organisation(models.Model):
    """A department, institution, platform or the node itself. ``admitted`` only matters to recipients of data."""

    code = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=12)  # OrganisationKind
    name = models.CharField(max_length=120)
    uscc = models.CharField(max_length=18, blank=True)
    admitted = models.BooleanField(default=False)
    via = models.CharField(max_length=40, blank=True, default="")  # the platform that hosts it, if one does

    class Meta:
        db_table = "parties_organisation"


class Enterprise(models.Model):
    """An enterprise registered on the platform."""

    uscc = models.CharField(max_length=18, unique=True)
    name = models.CharField(max_length=200)
    registered_at = models.DateTimeField()

    class Meta:
        db_table = "parties_enterprise"


class PersonRows(BaseUserManager["Person"]):
    """Finds people by user name, which is nowhere stored."""

    def get_by_natural_key(self, username: str | None) -> Person:
        """The person who signs in by this name; raises Person.DoesNotExist."""
        return self.get(username_index=username_index(username or ""))


class Person(AbstractBaseUser):
    """A natural person who signs in. Name and the salted digest of an identity document are sealed, the digest if seen.

    A user name may be a phone number: only its blind index is kept, because nobody needs to read it back.
    """

    username_index = models.CharField(max_length=32, unique=True)
    name_sealed = models.BinaryField(default=b"")
    identity_sealed = models.BinaryField(default=b"")
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "username_index"
    REQUIRED_FIELDS: list[str] = []

    objects = PersonRows()

    class Meta:
        db_table = "parties_person"


def username_index(username: str) -> str:
    """What a user name is found by."""
    return blind_index("parties.username", username).hex()


class Membership(models.Model):
    """A person's power to act for one organisation or one enterprise, until it ends or is ended."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True)
    enterprise = models.ForeignKey(Enterprise, on_delete=models.PROTECT, null=True)
    role = models.CharField(max_length=12)  # Role
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    frozen = models.CharField(max_length=40, blank=True, default="")  # number of the case that stops it
    rights = models.CharField(max_length=120, blank=True, default="*")  # of a delegate: Right, separated; * = all

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
