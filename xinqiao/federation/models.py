"""Nodes, links, objects, feeds, what is held, and how far other contexts were read."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class NodeRow(models.Model):
    """A node of the network whose signature counts. ``peer`` is the link over which it was vouched for."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    level = models.CharField(max_length=12)
    division = models.CharField(max_length=12, blank=True)
    keys = models.JSONField()  # [{suite, key}]
    peer = models.CharField(max_length=40)
    standing = models.BooleanField(default=True)

    class Meta:
        db_table = "federation_node"


class LinkRow(models.Model):
    """A link with the cursors of its two feeds; that of a feed is kept by who receives it, as it takes a page in."""

    peer = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    side = models.CharField(max_length=8)
    state = models.CharField(max_length=12)
    level = models.CharField(max_length=12)
    division = models.CharField(max_length=12, blank=True)
    url = models.CharField(max_length=300, blank=True)
    adapter = models.CharField(max_length=40, default="xinqiao")
    keys = models.JSONField()
    fingerprint = models.CharField(max_length=60)
    kinds = models.JSONField()
    proposed_by = models.CharField(max_length=80)
    proposed_at = models.DateTimeField()
    confirmed_by = models.CharField(max_length=80, blank=True)
    confirmed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    in_seq = models.BigIntegerField(default=0)
    in_chain = models.CharField(max_length=64)
    behind = models.BigIntegerField(default=0)  # places the peer's feed has beyond the cursor, as last told
    out_seq = models.BigIntegerField(default=0)
    out_chain = models.CharField(max_length=64)
    out_sent = models.BigIntegerField(default=0)
    out_acked = models.BigIntegerField(default=0)
    contact_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    trouble = models.JSONField(default=list)  # why the last round failed, as one problem
    failures = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "federation_link"
        constraints = [
            models.UniqueConstraint(
                fields=["peer"], condition=Q(state__in=["proposed", "active", "paused"]), name="link_standing_once"
            ),
            models.UniqueConstraint(
                fields=["side"],
                condition=Q(side="above", state__in=["proposed", "active", "paused"]),
                name="link_one_above",
            ),
        ]


class ObjectRow(models.Model):
    """One version of an object, never changed. ``current``: no later version is known; ``via``: over which link."""

    kind = models.CharField(max_length=40)
    origin = models.CharField(max_length=40)
    object_id = models.CharField(max_length=80)
    version = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    document = models.TextField()
    signature = models.TextField()
    at = models.DateTimeField()
    current = models.BooleanField(default=True)
    retracted = models.BooleanField(default=False)
    waits = models.BooleanField(default=False)  # for the context that it is to be handed to
    via = models.ForeignKey(LinkRow, on_delete=models.PROTECT, null=True)

    class Meta:
        db_table = "federation_object"
        constraints = [
            models.UniqueConstraint(fields=["origin", "kind", "object_id", "version"], name="object_version_once"),
            models.UniqueConstraint(
                fields=["origin", "kind", "object_id"], condition=Q(current=True), name="object_current_once"
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "object_id"], condition=Q(current=True), name="object_by_name"),
            models.Index(fields=["via", "kind", "sha256"], condition=Q(current=True), name="object_state"),
            models.Index(fields=["id"], condition=Q(waits=True), name="object_waiting"),
        ]


class PlaceRow(models.Model):
    """A place of the feed to a peer. ``answer`` is a SyncState the peer told that is not simply applied."""

    link = models.ForeignKey(LinkRow, on_delete=models.PROTECT)
    seq = models.BigIntegerField()
    object = models.ForeignKey(ObjectRow, on_delete=models.PROTECT)
    chain = models.CharField(max_length=64)
    queued_at = models.DateTimeField()
    answer = models.CharField(max_length=12, blank=True)
    problems = models.JSONField(default=list)

    class Meta:
        db_table = "federation_place"
        constraints = [models.UniqueConstraint(fields=["link", "seq"], name="place_once")]
        indexes = [models.Index(fields=["link", "seq"], condition=~Q(answer=""), name="place_answered")]


class HeldRow(models.Model):
    """What came and was not taken in, byte for byte, until it is or a person gives it up."""

    link = models.ForeignKey(LinkRow, on_delete=models.PROTECT)
    seq = models.BigIntegerField()
    mark = models.CharField(max_length=64)  # SHA-256 of text and signature: the same thing again is known
    document = models.BinaryField()
    signature = models.BinaryField()
    state = models.CharField(max_length=12)
    kind = models.CharField(max_length=40, blank=True)
    origin = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=80, blank=True)
    version = models.BigIntegerField(default=0)
    problems = models.JSONField()
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    told = models.BooleanField(default=False)  # to the peer, where that takes a call of its own

    class Meta:
        db_table = "federation_held"
        constraints = [models.UniqueConstraint(fields=["link", "mark"], name="held_once")]
        indexes = [models.Index(fields=["state", "-at"], name="held_state")]


class CursorRow(models.Model):
    """How far something was read that becomes objects here."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.BigIntegerField(default=0)

    class Meta:
        db_table = "federation_cursor"
