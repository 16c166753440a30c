"""Counting wrong answers: a few in a row and the name rests, whether or not anybody has it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.accounts.models import SignInGuard
from xinqiao.accounts.rules import failures_now, is_locked_after
from xinqiao.accounts.types import LOCKED, REST, SIGN_IN_FAILED, SignInLocked
from xinqiao.evidence.actions import record
from xinqiao.plumbing.locks import hold_name


def check_open(index: str, *, now: datetime) -> None:
    """Raises SignInLocked while a name rests."""
    row = SignInGuard.objects.filter(username_index=index, locked_until__gt=now).first()
    if row is not None and row.locked_until is not None:
        raise SignInLocked(minutes=1 + int((row.locked_until - now).total_seconds()) // 60)


@transaction.atomic
def count_failure(index: str, *, person: int | None, step: str, now: datetime) -> None:
    """Note a wrong answer. ``step``: ``password`` or ``code``. Committed on its own, or guessing would cost nothing."""
    hold_name(f"accounts.guard {index}")
    row, _ = SignInGuard.objects.get_or_create(username_index=index)
    before = failures_now(row.failures, row.first_at, now=now)
    row.failures, row.first_at = before + 1, row.first_at if before else now
    subject = f"person:{person}" if person else "unknown"
    body = {"step": step, "failures": row.failures}
    if is_locked_after(row.failures):
        row.locked_until, row.failures = now + REST, 0
        record(LOCKED, actor="anonymous", subject=subject, body=body, now=now)
    else:
        record(SIGN_IN_FAILED, actor="anonymous", subject=subject, body=body, now=now)
    row.save()


def clear(index: str) -> None:
    """Forget wrong answers once right ones came."""
    SignInGuard.objects.filter(username_index=index).delete()
