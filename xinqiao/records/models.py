"""The register of lake files: what is in it is visible, what is not does not exist."""

from __future__ import annotations

from django.db import models


class LakeFile(models.Model):
    """One immutable Parquet file. Only when it was withdrawn, replaced or removed is ever set after registration."""

    item = models.CharField(max_length=60)
    batch = models.CharField(max_length=40)
    kind = models.CharField(max_length=12)
    path = models.CharField(max_length=200, unique=True)
    row_count = models.BigIntegerField()
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    sm3 = models.CharField(max_length=64)
    first_enterprise = models.CharField(max_length=18)
    last_enterprise = models.CharField(max_length=18)
    first_recorded_at = models.DateTimeField()
    registered_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    replaced_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)  # its bytes were deleted: a term of retention ended

    class Meta:
        db_table = "records_lake_file"
        indexes = [
            models.Index(fields=["item", "replaced_at"], name="lake_file_item"),
            models.Index(fields=["batch"], name="lake_file_batch"),
        ]
