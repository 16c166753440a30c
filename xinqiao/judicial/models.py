"""Cases of judicial bodies, and the packages made for them."""

from __future__ import annotations

from django.db import models


class CaseRow(models.Model):
    """A proceeding about one matter."""

    id = models.CharField(max_length=40, primary_key=True)
    kind = models.CharField(max_length=14)
    case_no = models.CharField(max_length=80)
    basis = models.CharField(max_length=120)
    organisation = models.CharField(max_length=40)
    enterprise = models.CharField(max_length=18)
    matter = models.CharField(max_length=12)
    institution = models.CharField(max_length=40)
    number = models.CharField(max_length=60)
    state = models.CharField(max_length=8)
    opened_by = models.CharField(max_length=80)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "judicial_case"
        indexes = [models.Index(fields=["organisation", "state"], name="judicial_case_body")]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "case_no", "matter", "institution", "number"],
                condition=models.Q(state="open"),
                name="case_open_once",
            )
        ]


class PackageRow(models.Model):
    """A package, sealed under the key of the enterprise it is about; its digests are in the log. Never changed."""

    id = models.CharField(max_length=40, primary_key=True)
    case = models.ForeignKey(CaseRow, on_delete=models.PROTECT, related_name="packages")
    sealed = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    sm3 = models.CharField(max_length=64)
    size = models.IntegerField()
    items = models.IntegerField()
    stamped = models.BooleanField()
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=80)
    entry = models.BigIntegerField()

    class Meta:
        db_table = "judicial_package"
        indexes = [models.Index(fields=["case", "-made_at"], name="package_case")]
