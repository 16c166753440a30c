"""Idempotency keys: the same key and body give the first answer again, for seven days."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from xinqiao.kernel.errors import Invalid, Problem, Refused, XinqiaoError
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
    act: Callable[[], tuple[int, str]],
    *,
    caller: str,
    key: str,
    fingerprint: str,
    now: datetime,
    together: bool = False,
) -> tuple[int, str, bool]:
    """Carry ``act`` out once for a key: (HTTP status, JSON body, whether it is a repeated answer).

    ``together``: what ``act`` writes and the kept answer are committed at once, so that no crash can part them.
    A request that fails is forgotten, so that it can be tried again. Raises KeyReused, StillRunning.
    """
    KeptAnswer.objects.filter(at__lt=now - KEEP).delete()
    KeptAnswer.objects.filter(caller=caller, key=key, status=0, at__lt=now - ABANDONED).delete()
    try:
        with transaction.atomic():
            kept = KeptAnswer.objects.create(caller=caller, key=key, fingerprint=fingerprint, at=now)
    except IntegrityError:
        return _repeat(KeptAnswer.objects.get(caller=caller, key=key), fingerprint)
    refused: XinqiaoError | None = None
    try:
        with transaction.atomic() if together else nullcontext():
            try:
                kept.status, kept.body = act()
                kept.save(update_fields=["status", "body"])
            except XinqiaoError as error:  # what was written about the refusal is kept
                refused = error
    except BaseException:
        kept.delete()
        raise
    if refused is not None:
        kept.delete()
        raise refused
    return kept.status, kept.body, False


def _repeat(kept: KeptAnswer, fingerprint: str) -> tuple[int, str, bool]:
    if kept.fingerprint != fingerprint:
        raise KeyReused([Problem(field="Idempotency-Key", code="reused", message=kept.key)])
    if not kept.status:
        raise StillRunning()
    return kept.status, kept.body, True
