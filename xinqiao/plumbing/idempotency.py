"""Idempotency keys: the same key and body give the first answer again, for seven days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from xinqiao.kernel.errors import Invalid, Problem, Refused
from xinqiao.plumbing.models import KeptAnswer

KEEP = timedelta(days=7)
ABANDONED = timedelta(seconds=60)


class KeyReused(Invalid):
    """The key was used with another body."""

    code = "idempotency.key_reused"
    title = "同一个 Idempotency-Key 用在了不同的请求上"
    next_step = "请为新的请求生成新的键"


class StillRunning(Refused):
    """The first request with this key is still being carried out."""

    code = "idempotency.still_running"
    title = "使用这个 Idempotency-Key 的请求正在处理"
    next_step = "请稍候用同一个键再次请求"
    status = 409


def once(
    act: Callable[[], tuple[int, str]], *, caller: str, key: str, fingerprint: str, now: datetime
) -> tuple[int, str, bool]:
    """Carry ``act`` out once for a key: (HTTP status, JSON body, whether it is a repeated answer).

    A request that fails is forgotten, so that it can be tried again. Raises KeyReused, StillRunning.
    """
    KeptAnswer.objects.filter(at__lt=now - KEEP).delete()
    KeptAnswer.objects.filter(caller=caller, key=key, status=0, at__lt=now - ABANDONED).delete()
    try:
        with transaction.atomic():
            kept = KeptAnswer.objects.create(caller=caller, key=key, fingerprint=fingerprint, at=now)
    except IntegrityError:
        return _repeat(KeptAnswer.objects.get(caller=caller, key=key), fingerprint)
    try:
        status, body = act()
    except BaseException:
        kept.delete()
        raise
    kept.status, kept.body = status, body
    kept.save(update_fields=["status", "body"])
    return status, body, False


def _repeat(kept: KeptAnswer, fingerprint: str) -> tuple[int, str, bool]:
    if kept.fingerprint != fingerprint:
        raise KeyReused([Problem(field="Idempotency-Key", code="reused", message=kept.key)])
    if not kept.status:
        raise StillRunning()
    return kept.status, kept.body, True
