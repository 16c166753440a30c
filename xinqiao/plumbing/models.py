"""Answers kept so that a repeated request is answered, not carried out again."""

from __future__ import annotations

from django.db import models


class KeptAnswer(models.Model):
    """The answer given to a caller's idempotency key; ``status`` is 0 while the request is being carried out."""

    caller = models.CharField(max_length=60)
    key = models.CharField(max_length=120)
    fingerprint = models.CharField(max_length=64)
    status = models.SmallIntegerField(default=0)
    body = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "plumbing_kept_answer"
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="answer_once_per_key")]
