"""The versions that were in force; the newest one is. Never changed, never deleted."""

from __future__ import annotations

from django.db import models


class ListRow(models.Model):
    """A version of the sharing list, whole."""

    number = models.PositiveIntegerField(primary_key=True)
    sha256 = models.CharField(max_length=64, db_index=True)
    replaces = models.CharField(max_length=64, blank=True)
    files = models.JSONField()  # name → text, as in a content folder
    signature = models.TextField()  # the node's, over the signed document
    reason = models.CharField(max_length=500)
    proposed_by = models.CharField(max_length=80)
    approved_by = models.CharField(max_length=80)
    proof_sha256 = models.CharField(max_length=64, blank=True)
    in_force_at = models.DateTimeField()
    entry = models.BigIntegerField()

    class Meta:
        db_table = "sharing_list"
