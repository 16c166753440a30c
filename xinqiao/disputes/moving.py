"""Steps of a dispute: its state, when it began, and a line of its history. Inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from xinqiao.disputes.models import DisputeRow, FileRow, StepRow
from xinqiao.disputes.queries import sealing_of
from xinqiao.disputes.rules import TRANSITIONS, kind_of
from xinqiao.disputes.types import DisputeState
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.durable import durable_file
from xinqiao.plumbing.settings import home
from xinqiao.vault.sealing import seal, seal_with, sealing_keys
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
    if not files:
        return []
    subject = enterprise_subject(row.enterprise)
    key = sealing_keys([subject], now=now)[subject].newest
    assert key is not None
    folder = home() / "disputes" / row.id
    folder.mkdir(parents=True, exist_ok=True)
    digests = []
    for name, data in files:
        digest = sha256_hex(data)
        path = folder / f"{digest}.sealed"
        with durable_file(path) as out:
            out.write(seal_with(key, data, place=f"disputes:{row.id}:file:{digest}"))
        FileRow.objects.create(
            dispute=row,
            name=name[:200],
            kind=kind_of(data) or "",
            size_bytes=len(data),
            sha256=digest,
            path=str(path.relative_to(home())),
            added_by=actor,
            added_at=now,
        )
        digests.append(digest)
    return digests
