"""Generations of the master key, and the wrapped data keys. No key lies here in the open."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class MasterKey(models.Model):
    """One generation of the key that wraps data keys; the key itself lies in the key store."""

    generation = models.PositiveIntegerField(primary_key=True)
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "vault_master_key"

    @property
    def name(self) -> str:
        """Its name in the key store."""
        return "master.kek" if self.generation == 1 else f"master-{self.generation}.kek"


class DataKey(models.Model):
    """One version of a subject's key. ``wrapped`` is empty once it is destroyed: the row says that it was there."""

    subject = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    suite = models.CharField(max_length=8)
    master = models.PositiveIntegerField()
    wrapped = models.BinaryField()
    made_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "vault_data_key"
        constraints = [models.UniqueConstraint(fields=["subject", "version"], name="data_key_version")]
        indexes = [models.Index(fields=["master", "id"], condition=Q(destroyed_at=None), name="data_key_master")]
