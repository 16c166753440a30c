"""Watches, signals, what each institution was told and said, embargoes, and how far the lake was monitored."""

from __future__ import annotations

from django.db import models


class WatchRow(models.Model):
    """A borrower on an institution's list."""

    organisation = models.CharField(max_length=40)
    organisation_name = models.CharField(max_length=120)
    enterprise = models.CharField(max_length=18)
    enterprise_name = models.CharField(max_length=200)
    authorisation = models.CharField(max_length=40)
    exposure_fen = models.BigIntegerField(null=True)
    covered_sha256 = models.CharField(max_length=64, blank=True, default="")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end = models.CharField(max_length=16, blank=True, default="")

    class Meta:
        db_table = "monitoring_watch"
        indexes = [models.Index(fields=["enterprise"], name="watch_enterprise")]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "enterprise"], condition=models.Q(ended_at=None), name="watch_once"
            )
        ]


class SignalRow(models.Model):
    """A rule that holds of a watched enterprise, on one occasion."""

    id = models.CharField(max_length=40, primary_key=True)
    enterprise = models.CharField(max_length=18)
    rule = models.CharField(max_length=60)
    rule_sha256 = models.CharField(max_length=64)
    key = models.CharField(max_length=60)
    level = models.CharField(max_length=8)
    state = models.CharField(max_length=12)
    facts = models.JSONField()
    raised_at = models.DateTimeField()
    expires_on = models.DateField()
    withdrawn_at = models.DateTimeField(null=True)
    told_from = models.DateTimeField()
    entry = models.BigIntegerField()

    class Meta:
        db_table = "monitoring_signal"
        indexes = [models.Index(fields=["rule", "state"], name="signal_rule")]
        constraints = [models.UniqueConstraint(fields=["enterprise", "rule", "key"], name="signal_once")]


class PushRow(models.Model):
    """One institution's part in a signal."""

    signal = models.ForeignKey(SignalRow, on_delete=models.PROTECT)
    watch = models.ForeignKey(WatchRow, on_delete=models.PROTECT)
    state = models.CharField(max_length=12)
    authorisation = models.CharField(max_length=40, blank=True, default="")
    access = models.CharField(max_length=40, blank=True, default="")
    told_at = models.DateTimeField(null=True)
    reply = models.CharField(max_length=16, blank=True, default="")
    reason = models.CharField(max_length=40, blank=True, default="")
    note = models.CharField(max_length=500, blank=True, default="")
    replied_by = models.CharField(max_length=80, blank=True, default="")
    replied_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "monitoring_push"
        indexes = [models.Index(fields=["state"], name="push_state")]
        constraints = [models.UniqueConstraint(fields=["signal", "watch"], name="push_once")]


class EmbargoRow(models.Model):
    """An enterprise is told later."""

    enterprise = models.CharField(max_length=18)
    basis = models.CharField(max_length=300)
    until = models.DateTimeField()
    state = models.CharField(max_length=12)
    proposed_by = models.CharField(max_length=80)
    proposed_at = models.DateTimeField()
    approved_by = models.CharField(max_length=80, blank=True, default="")
    approved_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "monitoring_embargo"
        indexes = [models.Index(fields=["enterprise", "state"], name="embargo_enterprise")]


class SeenFile(models.Model):
    """A file of the lake whose rows, or whose withdrawal, a pass has taken in."""

    file = models.BigIntegerField(unique=True)
    withdrawn = models.BooleanField()

    class Meta:
        db_table = "monitoring_seen_file"


class BookmarkRow(models.Model):
    """One row: what the last pass rested on besides files, so that a change of it is a pass over everything."""

    lake = models.CharField(max_length=80)
    rules_sha256 = models.CharField(max_length=64)
    list_sha256 = models.CharField(max_length=64)
    runs = models.TextField(default="[]")
    passed_at = models.DateTimeField()

    class Meta:
        db_table = "monitoring_bookmark"
