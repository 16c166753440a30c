"""Verbs that change keys: rotate the master key while everybody goes on working, renew or destroy a subject's key."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from xinqiao.evidence.actions import record
from xinqiao.kernel.crypto import save_private
from xinqiao.plumbing import settings as node
from xinqiao.plumbing.key_store import Wrapping, key_store
from xinqiao.plumbing.locks import hold_name
from xinqiao.vault.models import DataKey, MasterKey
from xinqiao.vault.sealing import LOCK, current_master, make_keys, next_master, place_of, wrapping
from xinqiao.vault.types import (
    DATA_KEY_CHANGED,
    KEYS_REWRAPPED,
    MASTER_KEY_RETIRED,
    SESSION_KEY_CHANGED,
    SUBJECT_ERASED,
    NothingSealed,
    check_subject,
)

BATCH = 5_000
_REWRAP = "UPDATE vault_data_key SET master = %s, wrapped = %s WHERE id = %s AND master = %s AND destroyed_at IS NULL"


def rotate_master_key(*, actor: str, now: datetime, progress: Callable[[int], None] | None = None) -> tuple[int, int]:
    """Put a new master key in force, wrap every data key by it, destroy the one before: (generation, keys wrapped).

    Reading and writing go on meanwhile: a data key opens by the master key that its row names, and that one is
    destroyed only when no row names it any more. A rotation that was interrupted is finished, not begun anew.
    ``progress`` is told after each batch how many are done.
    """
    master = _begin(now)
    done = 0
    while count := _rewrap_batch(master, actor=actor, now=now):
        done += count
        if progress:
            progress(done)
    _retire_former(master, actor=actor, now=now)
    return master.generation, done


def _begin(now: datetime) -> MasterKey:
    """The generation to move to: a new one, unless an earlier rotation has not ended."""
    with transaction.atomic():
        hold_name(LOCK)
        current = current_master(now=now)
        unfinished = MasterKey.objects.filter(retired_at=None, generation__lt=current.generation).exists()
        return current if unfinished else next_master(current.generation + 1, now=now)


def _rewrap_batch(master: MasterKey, *, actor: str, now: datetime) -> int:
    """Wrap some data keys anew; the two columns of a row change together, so every reader finds a pair that fits."""
    rows = DataKey.objects.filter(destroyed_at=None, master__lt=master.generation).order_by("master", "id")
    waiting = list(rows.values_list("id", "subject", "version", "master", "wrapped")[:BATCH])
    if not waiting:
        return 0
    new, former = wrapping(master), _former({row[3] for row in waiting})
    changed = []
    for number, subject, version, generation, wrapped in waiting:
        place = place_of(subject, version)
        secret = former[generation].unwrap(bytes(wrapped), place=place)
        changed.append((master.generation, new.wrap(secret, place=place), number, generation))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(_REWRAP, changed)
        body = {"count": len(changed), "generation": master.generation}
        record(KEYS_REWRAPPED, actor=actor, subject="", body=body, now=now)
    return len(changed)


def _former(generations: set[int]) -> dict[int, Wrapping]:
    return {generation: wrapping(MasterKey(generation=generation)) for generation in generations}


def _retire_former(master: MasterKey, *, actor: str, now: datetime) -> None:
    """Destroy the master keys that no row names, the files or objects after the entry about it is durable."""
    with transaction.atomic():
        hold_name(LOCK)  # nobody makes a data key under the one before while this looks
        named = set(DataKey.objects.filter(destroyed_at=None).values_list("master", flat=True).distinct())
        standing = MasterKey.objects.filter(generation__lt=master.generation, retired_at=None)
        former = [row for row in standing.order_by("generation") if row.generation not in named]
        for row in former:
            row.retired_at = now
            row.save(update_fields=["retired_at"])
            record(MASTER_KEY_RETIRED, actor=actor, subject="", body={"generation": row.generation}, now=now)
    for row in MasterKey.objects.filter(retired_at__isnull=False):  # also one that a crash left undestroyed
        key_store().destroy(row.name)


def renew_data_key(subject: str, *, actor: str, now: datetime) -> int:
    """Seal what the subject's data will be from now on under a new key; returns its version.

    What is stored stays as it is and opens by the version it names: files of the lake are never written again. Raises
    InvalidSubject, NothingSealed.
    """
    rows = DataKey.objects.filter(subject=check_subject(subject))
    with transaction.atomic():
        if not rows.exists():
            raise NothingSealed(subject=subject)
        make_keys([subject], now=now)
        version = int(rows.aggregate(last=Max("version"))["last"])
        record(DATA_KEY_CHANGED, actor=actor, subject=subject, body={"version": version}, now=now)
    return version


def erase_subject(subject: str, *, actor: str, reason: str, now: datetime) -> int:
    """Destroy every key of a subject: what was sealed under them cannot be read again. Returns how many keys.

    The log, receipts and everything that is not personal stay as they are. Copies of wrapped keys in back-ups open
    until the master key is rotated. Raises InvalidSubject, NothingSealed.
    """
    with transaction.atomic():
        rows = DataKey.objects.filter(subject=check_subject(subject), destroyed_at=None)
        count = rows.update(wrapped=b"", destroyed_at=now)
        if not count:
            raise NothingSealed(subject=subject)
        record(SUBJECT_ERASED, actor=actor, subject="", body={"keys": count, "reason": reason}, now=now)
    return int(count)


def change_session_key(*, actor: str, now: datetime) -> None:
    """A new key behind sessions; the one before is still taken until the next change. Counts after a restart."""
    with transaction.atomic():
        record(SESSION_KEY_CHANGED, actor=actor, subject="", body={}, now=now)
    folder = node.keys_dir()
    path = folder / "session-secret"
    with suppress(FileNotFoundError):
        path.replace(folder / "session-secret.former")
    with suppress(FileExistsError):
        save_private(path, secrets.token_urlsafe(48).encode())
