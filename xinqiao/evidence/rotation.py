"""Verbs that change the log's keys: announce the next key, end the overlap with the one before."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.evidence.keys import Use, end_overlap, next_key, put_in_force, signer
from xinqiao.evidence.notes import LogKey
from xinqiao.evidence.types import KEY_CHANGED, KEY_RETIRED
from xinqiao.plumbing import settings as node


def change_key(use: Use, *, actor: str, now: datetime) -> LogKey:
    """Put a new key in force, announced by the one before; both sign until :func:`retire_key`. Returns its public key.

    The entry is durable before the announcement: a crash between the two leaves the old key in force, and the next
    call finishes with the same new key.
    """
    new, old = next_key(use), signer(use)
    with transaction.atomic():
        body = {"old": old.public.vkey, "new": new.public.vkey}
        record(KEY_CHANGED, actor=actor, subject=node.log_origin(), body=body, now=now)
    put_in_force(use, new)
    return new.public


def retire_key(use: Use, *, actor: str, now: datetime) -> bool:
    """Destroy the private key before the one in force; False when there is none. Its public key stays published."""
    with transaction.atomic():
        body = {"use": use.stem, "kept": signer(use).public.vkey}
        record(KEY_RETIRED, actor=actor, subject=node.log_origin(), body=body, now=now)
    return end_overlap(use)
