"""Endpoints and the messages waiting for them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Endpoint(models.Model):
    """Where an organisation takes notices, and what signs them. ``former`` signs too until ``former_until``."""

    organisation = models.CharField(max_length=40)
    url = models.CharField(max_length=300)
    secret = models.CharField(max_length=80)
    former = models.CharField(max_length=80, blank=True)
    former_until = models.DateTimeField(null=True)
    added_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "webhooks_endpoint"
        indexes = [models.Index(fields=["organisation"], name="endpoint_organisation")]


class Message(models.Model):
    """One notice to one endpoint."""

    id = models.CharField(max_length=40, primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT)
    type = models.CharField(max_length=60)
    about = models.CharField(max_length=40)
    body = models.BinaryField()
    state = models.CharField(max_length=12)
    made_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    last_answer = models.CharField(max_length=120, blank=True)

    class Meta:
        db_table = "webhooks_message"
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state="waiting"), name="message_due"),
            models.Index(fields=["endpoint", "about"], name="message_about"),
        ]
