"""Steps of a dispute: its state, when it began, and a line of its history. Inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from xinqiao.disputes.models import DisputeRow, FileRow, StepRow
from xinqiao.disputes.queries import sealing_of
from xinqiao.disputes.rules import TRANSITIONS
from xinqiao.disputes.types import DisputeState
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.papers import kind_of
from xinqiao.vault.keeping import keep_sealed
from xinqiao.vault.sealing import seal
from xinqiao.vault.types import enterprise_subject


def move(row: DisputeRow, event: str, actor: str, now: datetime, *, note: str = "") -> None:
    """Take a step; the row is to be saved by the caller. Raises TransitionRefused."""
    row.state = TRANSITIONS.check(DisputeState(row.state), event)
    row.since = now
    note_step(row, actor, now, note=note)


def note_step(row: DisputeRow, actor: str, now: datetime, *, note: str = "") -> None:
    """A line of the history: the state as it is now, with words of whoever brought it about."""
    [sealed] = seal([sealing_of(row.enterprise, f"{row.id}:note", value=note)], now=now)
    StepRow.objects.create(dispute=row, state=row.state, at=now, actor=actor, note_sealed=sealed)


def keep_files(row: DisputeRow, files: Sequence[tuple[str, bytes]], actor: str, now: datetime) -> list[str]:
    """Store files, sealed and synced to the disk; returns their digests."""
    digests = []
    for name, data in files:
        digest = sha256_hex(data)
        path = keep_sealed(
            enterprise_subject(row.enterprise), data, folder=f"disputes/{row.id}", name=digest,
            place=f"disputes:{row.id}:file:{digest}", now=now,
        )  # fmt: skip
        FileRow.objects.create(
            dispute=row,
            name=name[:200],
            kind=kind_of(data) or "",
            size_bytes=len(data),
            sha256=digest,
            path=path,
            added_by=actor,
            added_at=now,
        )
        digests.append(digest)
    return digests
