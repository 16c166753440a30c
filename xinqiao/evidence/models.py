"""The log's tables. Database triggers (``guards.py``) refuse every change but the one placing of an entry."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Entry(models.Model):
    """One recorded act. ``leaf_index`` is set once by the sequencer; nothing else ever changes."""

    at = models.DateTimeField()
    event = models.CharField(max_length=60)
    actor = models.CharField(max_length=80)
    subject = models.CharField(max_length=80)
    body = models.BinaryField()  # canonical JSON
    salts = models.BinaryField()
    leaf = models.BinaryField()  # stored once, never written again from its parts
    leaf_hash = models.BinaryField()
    leaf_index = models.BigIntegerField(null=True, unique=True)

    class Meta:
        db_table = "evidence_entry"
        indexes = [
            models.Index(fields=["subject", "-id"], name="entry_subject"),
            models.Index(fields=["id"], condition=Q(leaf_index=None), name="entry_waiting"),
        ]


class Checkpoint(models.Model):
    """A signed tree head. ``size`` is the key: the log never signs two of one size."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        db_table = "evidence_checkpoint"
