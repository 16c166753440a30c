"""The log's tables. Database triggers (``guards.py``) refuse every change but the one placing of an entry."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Entry(models.Model):
    """One recorded act: what the public log holds of it. ``leaf_index`` is set once by the sequencer."""

    at = models.DateTimeField()
    event = models.CharField(max_length=60)
    leaf = models.BinaryField()  # stored once, never written again from its parts
    leaf_index = models.BigIntegerField(null=True)

    class Meta:
        db_table = "evidence_entry"
        # Two partial indexes, not one over all: an entry enters each at most once, and only one as it is recorded.
        # Not ~Q(leaf_index=None), which is written NOT (… IS NULL): SQLite then never uses the index and scans the log.
        indexes = [models.Index(fields=["id"], condition=Q(leaf_index=None), name="entry_waiting")]
        constraints = [
            models.UniqueConstraint(fields=["leaf_index"], condition=Q(leaf_index__isnull=False), name="entry_placed")
        ]


class Content(models.Model):
    """What an entry's digests stand for. Never changed; gone once its subject's data is erased."""

    # No foreign key in the database: one statement writes both rows, and a trigger keeps the entry for good.
    entry = models.OneToOneField(
        Entry, on_delete=models.DO_NOTHING, primary_key=True, related_name="content", db_constraint=False
    )
    actor = models.CharField(max_length=80)
    subject = models.CharField(max_length=80)
    subject_key = models.BinaryField(max_length=16)  # blind index
    body = models.BinaryField()  # canonical JSON
    salts = models.BinaryField()
    chain_number = models.BigIntegerField(null=True)  # from 1, for accesses

    class Meta:
        db_table = "evidence_content"
        indexes = [models.Index(fields=["subject", "-entry"], name="content_subject")]


class Chain(models.Model):
    """How far a subject's chain of accesses has come. It outlives the subject's contents, so it names nobody."""

    subject_key = models.BinaryField(max_length=16, primary_key=True)
    count = models.BigIntegerField()
    head = models.BinaryField()  # leaf hash of the last access

    class Meta:
        db_table = "evidence_chain"


class Erasure(models.Model):
    """An erased subject: without a row here the database refuses to delete contents."""

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, primary_key=True)
    subject_key = models.BinaryField(max_length=16)
    at = models.DateTimeField()

    class Meta:
        db_table = "evidence_erasure"


class Checkpoint(models.Model):
    """A signed tree head. ``size`` is the key: the log never signs two of one size."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        db_table = "evidence_checkpoint"


class Cosignature(models.Model):
    """A witness's signature line on a checkpoint, verified before it is stored."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT)
    key_id = models.CharField(max_length=8)  # of the witness, hexadecimal
    line = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "evidence_cosignature"
        constraints = [models.UniqueConstraint(fields=["checkpoint", "key_id"], name="cosignature_once")]


class Stamp(models.Model):
    """A time stamp (RFC 3161) on a checkpoint's note as first signed, verified before it is stored."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT)
    authority = models.CharField(max_length=40)
    query = models.BinaryField()
    response = models.BinaryField()
    at = models.DateTimeField()  # the time that the authority states

    class Meta:
        db_table = "evidence_stamp"
        constraints = [models.UniqueConstraint(fields=["checkpoint", "authority"], name="stamp_once")]


class Outsider(models.Model):
    """How a witness or time-stamping authority answered last; rewritten each time, evidence of nothing."""

    name = models.CharField(max_length=80, primary_key=True)
    size = models.BigIntegerField(default=0)  # the checkpoint it last signed
    tried_at = models.DateTimeField()
    trouble = models.TextField(default="")  # empty = it answered well
    conflict = models.BooleanField(default=False)  # it holds another history than ours

    class Meta:
        db_table = "evidence_outsider"
