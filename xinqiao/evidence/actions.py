"""Verbs that write the log: record an act, sequence what was recorded, repair the files."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from xinqiao.evidence.chain_keys import chain_key
from xinqiao.evidence.chains import GENESIS, Link
from xinqiao.evidence.heads import placed_size
from xinqiao.evidence.keys import log_keys, log_signers
from xinqiao.evidence.leaves import Salts, disclosure_of, leaf_bytes
from xinqiao.evidence.merkle import leaf_hash
from xinqiao.evidence.models import Chain, Checkpoint, Content, Entry, Erasure
from xinqiao.evidence.notes import InvalidNote, TreeHead, open_by_any
from xinqiao.evidence.published import all_files, current_files
from xinqiao.evidence.tiles import DamagedLog, TileFolder
from xinqiao.evidence.types import ERASED, EntryRef, Event, KeyChanged, NotInTransaction
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.plumbing import settings as node
from xinqiao.plumbing.blind_index import blind_index
from xinqiao.plumbing.locks import hold_name

BATCH = 16_384

_COUNT_UP = """
INSERT INTO evidence_chain (subject_key, count, head) VALUES (%s, 1, %s)
ON CONFLICT (subject_key) DO UPDATE SET count = evidence_chain.count + 1 RETURNING count, head
"""

# Indexes follow the ids within a batch. On PostgreSQL a smaller id may commit after a larger one, so no
# high-water mark of ids is kept: whatever is committed and not placed is taken now, the rest next time. Nothing
# is skipped, and an entry made after another was committed is always placed after it.
_PLACE = """
UPDATE evidence_entry SET leaf_index = placed.position
FROM (SELECT id AS entry, %s + row_number() OVER (ORDER BY id) - 1 AS position
      FROM evidence_entry WHERE leaf_index IS NULL ORDER BY id LIMIT %s) AS placed
WHERE evidence_entry.id = placed.entry
"""


ENTRY_COLUMNS = ("at", "event", "leaf")
CONTENT_COLUMNS = ("actor", "subject", "subject_key", "body", "salts", "chain_number")

# Both rows of an entry in one statement, for every act waits for it.
INSERT = f"""
WITH entry AS (
    INSERT INTO evidence_entry ({", ".join(ENTRY_COLUMNS)}) VALUES (%s, %s, %s) RETURNING id
)
INSERT INTO evidence_content (entry_id, {", ".join(CONTENT_COLUMNS)})
SELECT id, %s, %s, %s, %s, %s, %s FROM entry RETURNING entry_id
"""


def record(event: Event, *, actor: str, subject: str, body: Mapping[str, Any], now: datetime) -> EntryRef:
    """Write the evidence of an act in the transaction of that act, before anything of it can be seen.

    ``actor`` is who did it (``person:12``, ``api:<organisation>``, ``system``), ``subject`` whom or what it is
    about (a USCC or another identifier). Raises NotInTransaction outside ``transaction.atomic()``, NotCanonical
    when ``body`` is not plain JSON.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction(event=event.code)
    salts, content = Salts.generate(), canonical_bytes(dict(body))
    key = blind_index("evidence.subject", subject)
    link = _next_link(subject, key) if event.access else None
    leaf = leaf_bytes(at=now, event=event.code, actor=actor, subject=subject, body=content, salts=salts, link=link)
    entry = Entry(at=now, event=event.code, leaf=leaf)
    shown = Content(actor=actor, subject=subject, subject_key=key, body=content, salts=salts.to_bytes())
    shown.chain_number = link.number if link else None
    entry_id = _insert(entry, shown)
    if link:
        Chain.objects.filter(subject_key=key).update(head=leaf_hash(leaf))
    disclosure = disclosure_of(actor=actor, subject=subject, body=content, salts=salts)
    return EntryRef(entry_id, leaf, disclosure)


def _insert(entry: Entry, shown: Content) -> int:
    """Write both rows, on PostgreSQL in one round trip; returns the entry's number."""
    if connection.vendor != "postgresql":
        entry.save(force_insert=True)
        shown.entry = entry
        shown.save(force_insert=True)
        return int(entry.id)
    values = [getattr(entry, name) for name in ENTRY_COLUMNS] + [getattr(shown, name) for name in CONTENT_COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        return int(cursor.fetchone()[0])


def _next_link(subject: str, key: bytes) -> Link:
    """The subject's next place; its row stays locked, so that one access after another gets its number."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_UP, [key, GENESIS])
        number, head = cursor.fetchone()
    signature = chain_key().sign(origin=node.log_origin(), subject=subject, number=number)
    return Link(number, signature, bytes(head))


def erase_subject(subject: str, *, actor: str, reason: str, now: datetime) -> int:
    """Delete what the entries about ``subject`` say, for good; returns how many. The log stays verifiable.

    Leaves, receipts already handed out and the place of each access in the chain remain: salted digests that nobody can
    open any more. What the node knows of the subject elsewhere is for its own contexts to erase.
    """
    key = blind_index("evidence.subject", subject)
    contents = Content.objects.filter(subject_key=key)
    entry = record(ERASED, actor=actor, subject="", body={"entries": contents.count(), "reason": reason}, now=now)
    Erasure.objects.create(entry_id=entry.id, subject_key=key, at=now)
    erased: int = contents.delete()[0]
    return erased


def sequence(*, now: datetime) -> int:
    """Place what was recorded, write its tiles, sign a checkpoint; returns how many entries it newly covers.

    Three durable steps in this order. Whatever step a crash interrupts, the next call finishes it from the
    database. Raises DamagedLog, and signs nothing, when the stored entries contradict the last checkpoint,
    KeyChanged when the log's key or name is not the one that signed it.
    """
    with _only_sequencer() as folder:
        size = _place_waiting()
        last = Checkpoint.objects.order_by("-size").first()
        signed = last.size if last else 0
        if last:
            _check_key(last)
        if size > signed:
            _write_tiles(folder, last, size)
            last = _sign(TreeHead(node.log_origin(), size, folder.root(size)), now=now)
        if last:
            _publish(folder, last)
            folder.drop_partials(signed, size)
        return size - signed


def sequence_all(*, now: datetime) -> int:
    """Sequence until nothing waits, also where no background process does; returns how many entries it newly covers."""
    covered = 0
    while placed := sequence(now=now):
        covered += placed
    return covered


@contextmanager
def _only_sequencer() -> Iterator[TileFolder]:
    """The log's folder, held by one process at a time."""
    folder = node.evidence_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield TileFolder(folder)


def _place_waiting() -> int:
    """Give the waiting entries their places, at most BATCH; returns the size of the log."""
    if not Entry.objects.filter(leaf_index=None).exists():
        return placed_size()  # looking takes no write lock from those who work
    with transaction.atomic(), connection.cursor() as cursor:
        hold_name("evidence.sequencer")  # also against a sequencer on another machine
        cursor.execute(_PLACE, [placed_size(), BATCH])
        return placed_size()


def _check_key(last: Checkpoint) -> None:
    """A lost key is made anew on first use; it must never go on with a log that others know under another.

    A key that was changed by announcement is known to others, and the checkpoint is signed by it or its successor.
    """
    try:
        head, _ = open_by_any(last.note, keys=log_keys())
        if head.origin != node.log_origin():
            raise InvalidNote(what=head.origin)
    except InvalidNote as error:
        raise KeyChanged(origin=node.log_origin()) from error


def _write_tiles(folder: TileFolder, last: Checkpoint | None, size: int) -> None:
    """Extend the files to ``size``; when they contradict the last checkpoint, write all again from the database."""
    try:
        folder.extend(last.size if last else 0, size, _leaves)
        _check_growth(folder, last, size)
    except DamagedLog:
        folder.rebuild(size, _leaves)
        _check_growth(folder, last, size)


def _check_growth(folder: TileFolder, last: Checkpoint | None, size: int) -> None:
    """Never sign a tree that the last signed one is not the beginning of."""
    if last and folder.subtree_hash(0, last.size, size=size) != bytes(last.root):
        raise DamagedLog(what=f"前 {last.size} 条存证与已签发的检查点不一致")


def _leaves(start: int, stop: int) -> list[bytes]:
    placed = Entry.objects.filter(leaf_index__gte=start, leaf_index__lt=stop).order_by("leaf_index")
    leaves = [bytes(leaf) for leaf in placed.values_list("leaf", flat=True)]
    if len(leaves) != stop - start:
        raise DamagedLog(what=f"数据库中第 {start} 至 {stop - 1} 条存证不全")
    return leaves


def _sign(head: TreeHead, *, now: datetime) -> Checkpoint:
    """One line of each suite's key in force, and of the keys before while they overlap."""
    note = f"{head.text}\n" + "".join(signer.line(head.text) for signer in log_signers())
    return Checkpoint.objects.create(size=head.size, root=head.root, note=note, signed_at=now)


def _publish(folder: TileFolder, checkpoint: Checkpoint) -> list[str]:
    return [name for name, data in current_files(checkpoint).items() if folder.write(name, data)]


def publish() -> list[str]:
    """Write what has come to the last checkpoint since it was signed: cosignatures, time stamps."""
    with _only_sequencer() as folder:
        last = Checkpoint.objects.order_by("-size").first()
        return _publish(folder, last) if last else []


def repair_files() -> list[str]:
    """Write again every file of the log that is missing or altered; returns their paths.

    The database is the source. Raises DamagedLog when it contradicts the last signed checkpoint, KeyChanged when
    that was signed under another key or name.
    """
    with _only_sequencer() as folder:
        last = Checkpoint.objects.order_by("-size").first()
        if last is None:
            return []
        _check_key(last)
        written = folder.rebuild(last.size, _leaves)
        _check_growth(folder, last, last.size)
        return written + [name for name, data in all_files(last).items() if folder.write(name, data)]
