"""Seals and opens values, many at once: one look into the database for all the subjects they belong to.

A sealed value is the two bytes of its key's version, then what the suite makes of it. Keys in the open live no longer
than the call, so that a destroyed key opens nothing from the next call on, in every process.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO

from django.db import connection, transaction

from xinqiao.evidence.actions import record
from xinqiao.kernel.suites import SUITES, SealedFile, Suite
from xinqiao.plumbing import settings as node
from xinqiao.plumbing.key_store import Wrapping, key_store
from xinqiao.plumbing.locks import hold_name
from xinqiao.vault.models import DataKey, MasterKey
from xinqiao.vault.types import ERASED, KEYS_MADE, MASTER_KEY_CHANGED, DataKeyMissing, Sealing

ACTOR = "system:vault"
LOCK = "vault.master"
CHUNK = 5_000
VERSION_BYTES = 2
TRIES = 3
# Plain SQL, because a delivery is about tens of thousands of enterprises.
_READ = "SELECT subject, version, suite, master, wrapped FROM vault_data_key WHERE subject IN ({})"
_MAKE = """
INSERT INTO vault_data_key (subject, version, suite, master, wrapped, made_at) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (subject, version) DO NOTHING
"""


class MasterKeyGone(Exception):
    """The master key was destroyed after the row was read: a rotation has wrapped it anew, so read again."""


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A data key in the open, for the length of a call."""

    version: int
    suite: Suite
    secret: bytes

    def __repr__(self) -> str:
        return f"OpenKey(version={self.version})"

    def index(self, column: str, value: str) -> bytes:
        """16 bytes that are equal for equal values of this subject's column, and tell nothing without the key."""
        key = hmac.digest(self.secret, b"index:" + column.encode(), hashlib.sha256)
        return hmac.digest(key, value.encode(), hashlib.sha256)[:16]


@dataclass(frozen=True, slots=True)
class SubjectKeys:
    """A subject's keys by version; a destroyed one is None."""

    versions: dict[int, OpenKey | None]

    @property
    def newest(self) -> OpenKey | None:
        """The key that seals, unless it is destroyed."""
        return self.versions[max(self.versions)] if self.versions else None

    @property
    def indexing(self) -> OpenKey | None:
        """The key behind indexes: the oldest that stands, so that a change of keys leaves indexes as they are."""
        return next((key for _, key in sorted(self.versions.items()) if key), None)


def seal(entries: Sequence[Sealing], *, now: datetime) -> list[bytes]:
    """The sealed bytes of each entry's value; an empty value is stored empty. Makes keys for new subjects."""
    keys = sealing_keys({entry.subject for entry in entries if entry.value}, now=now)
    return [seal_with(_newest(keys[e.subject]), e.value, place=e.place) if e.value else b"" for e in entries]


def seal_with(key: OpenKey, value: str | bytes, *, place: str) -> bytes:
    """One value under a key at hand."""
    data = value if isinstance(value, bytes) else value.encode()
    bound = f"{place}:{key.version}".encode()
    return key.version.to_bytes(VERSION_BYTES, "big") + key.suite.seal(data, key=key.secret, place=bound)


def seal_for(subject: str, data: bytes, *, place: str, now: datetime) -> bytes:
    """Bytes under a subject's newest key, made where there was none."""
    return seal_with(_newest(sealing_keys([subject], now=now)[subject]), data, place=place)


def seal_into(key: OpenKey, out: IO[bytes], *, place: str) -> SealedFile:
    """A file that seals what is written to it under a key at hand, as :func:`seal_with` would all of it."""
    out.write(key.version.to_bytes(VERSION_BYTES, "big"))
    return key.suite.sealing(out, key=key.secret, place=f"{place}:{key.version}".encode())


def open_all(entries: Sequence[Sealing]) -> list[str]:
    """What was sealed, ``ERASED`` where its key was destroyed, empty where nothing was sealed.

    Raises DataKeyMissing, CannotOpen for altered or moved bytes, TokenMissing, TokenLocked.
    """
    keys = subject_keys({entry.subject for entry in entries if entry.sealed})
    return [_text(open_with(keys, entry)) if entry.sealed else "" for entry in entries]


def open_with(keys: dict[str, SubjectKeys], entry: Sealing) -> bytes | None:
    """One value by keys at hand; None where its key was destroyed. Raises DataKeyMissing, CannotOpen."""
    key = _key_of(keys, entry.subject, entry.sealed)
    if key is None:
        return None
    bound = f"{entry.place}:{key.version}".encode()
    return key.suite.open(bytes(entry.sealed[VERSION_BYTES:]), key=key.secret, place=bound)


def open_file_with(
    keys: dict[str, SubjectKeys], subject: str, sealed: IO[bytes], *, place: str
) -> Iterator[bytes] | None:
    """What was sealed into a file, in blocks, all of it verified first; None where its key was destroyed.

    Raises DataKeyMissing, CannotOpen.
    """
    key = _key_of(keys, subject, sealed.read(VERSION_BYTES))
    if key is None:
        return None
    return key.suite.open_file(sealed, key=key.secret, place=f"{place}:{key.version}".encode())


def _key_of(keys: dict[str, SubjectKeys], subject: str, sealed: bytes) -> OpenKey | None:
    """The key of the version that sealed bytes begin with; None where it was destroyed."""
    version = int.from_bytes(sealed[:VERSION_BYTES], "big")
    known = keys.get(subject)
    if known is None or version not in known.versions:
        raise DataKeyMissing(subject=subject)
    return known.versions[version]


def _text(found: bytes | None) -> str:
    return ERASED if found is None else found.decode()


def subject_keys(subjects: Iterable[str]) -> dict[str, SubjectKeys]:
    """Every version of the subjects' keys, opened; subjects without a key are absent."""
    found: dict[str, SubjectKeys] = {}
    for chunk in _chunks(sorted(set(subjects))):
        for last in range(TRIES):
            try:
                found |= _opened(chunk)
                break
            except MasterKeyGone:
                if last == TRIES - 1:
                    raise
    return found


def sealing_keys(subjects: Iterable[str], *, now: datetime) -> dict[str, SubjectKeys]:
    """The subjects' keys with one of the suite in use as the newest, made and recorded where there was none."""
    wanted = set(subjects)
    found = subject_keys(wanted)
    lacking = sorted(s for s in wanted if not _fit(found.get(s)))
    if lacking:
        for chunk in _chunks(lacking):  # a transaction each, so that other writers get their turn
            make_keys(chunk, now=now)
        found |= subject_keys(lacking)
    return found


def _fit(keys: SubjectKeys | None) -> bool:
    return keys is not None and keys.newest is not None and keys.newest.suite.name == node.suite()


def make_keys(subjects: Sequence[str], *, now: datetime) -> None:
    """A further version of each subject's key; who was faster keeps the place. One entry of evidence."""
    with transaction.atomic():
        hold_name(LOCK)
        master = current_master(now=now)
        last = {row["subject"]: row["version"] for chunk in _chunks(subjects) for row in _versions(chunk)}
        rows = _new_rows({subject: last.get(subject, 0) + 1 for subject in subjects}, master, now)
        with connection.cursor() as cursor:
            cursor.executemany(_MAKE, rows)
        body = {"count": len(rows), "master": master.generation, "suite": node.suite()}
        record(KEYS_MADE, actor=ACTOR, subject="", body=body, now=now)


def _versions(subjects: Sequence[str]) -> Iterator[dict[str, int]]:
    yield from DataKey.objects.filter(subject__in=subjects).order_by("version").values("subject", "version")


def _new_rows(versions: dict[str, int], master: MasterKey, now: datetime) -> list[tuple[object, ...]]:
    suite, key, made_at = SUITES[node.suite()], wrapping(master), connection.ops.adapt_datetimefield_value(now)
    rows: list[tuple[object, ...]] = []
    for subject, version in versions.items():
        wrapped = key.wrap(os.urandom(suite.key_bytes), place=place_of(subject, version))
        rows.append((subject, version, suite.name, master.generation, wrapped, made_at))
    return rows


def current_master(*, now: datetime) -> MasterKey:
    """The master key in force, made on first use; call while holding ``LOCK``."""
    found = MasterKey.objects.filter(retired_at=None).order_by("-generation").first()
    return found or next_master(1, now=now)


def next_master(generation: int, *, now: datetime) -> MasterKey:
    """A new generation of the master key; call while holding ``LOCK``."""
    row = MasterKey(generation=generation, made_at=now)
    key_store().create(row.name)
    row.save(force_insert=True)
    record(MASTER_KEY_CHANGED, actor=ACTOR, subject="", body={"generation": generation}, now=now)
    return row


def wrapping(master: MasterKey) -> Wrapping:
    """The key of a generation; raises MasterKeyGone, KeyLost, TokenMissing, TokenLocked."""
    key = key_store().find(master.name)
    if key is None:
        raise MasterKeyGone(master.name)
    return key  # type: ignore[no-any-return]


def place_of(subject: str, version: int) -> bytes:
    """What a wrapped data key is bound to."""
    return f"{subject}:{version}".encode()


def _opened(subjects: Sequence[str]) -> dict[str, SubjectKeys]:
    found: dict[str, SubjectKeys] = {}
    masters: dict[int, Wrapping] = {}
    with connection.cursor() as cursor:
        cursor.execute(_READ.format(", ".join(["%s"] * len(subjects))), subjects)
        rows = cursor.fetchall()
    for subject, version, suite, master, wrapped in rows:
        key = None
        if wrapped:
            if master not in masters:
                masters[master] = wrapping(MasterKey(generation=master))
            secret = masters[master].unwrap(bytes(wrapped), place=place_of(subject, version))
            key = OpenKey(version, SUITES[suite], secret)
        found.setdefault(subject, SubjectKeys({})).versions[version] = key
    return found


def _newest(keys: SubjectKeys) -> OpenKey:
    assert keys.newest is not None
    return keys.newest


def _chunks(subjects: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(subjects)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
