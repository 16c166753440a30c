"""Keeps the files that applicants file as evidence, sealed under a key of each dossier."""

from __future__ import annotations

from datetime import datetime

from xinqiao.kernel.durable import durable_file
from xinqiao.plumbing.settings import home
from xinqiao.vault.sealing import open_with, seal_with, sealing_keys, subject_keys
from xinqiao.vault.types import Sealing, dossier_subject


def keep_file(member: int, evidence: str, data: bytes, *, now: datetime) -> str:
    """Store a file, sealed and synced to the disk; returns its path relative to the node's home."""
    subject = dossier_subject(member)
    key = sealing_keys([subject], now=now)[subject].newest
    assert key is not None
    folder = home() / "dossiers" / str(member)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{evidence}.sealed"
    with durable_file(path) as out:
        out.write(seal_with(key, data, place=_place(evidence)))
    return str(path.relative_to(home()))


def read_file(member: int, evidence: str, path: str) -> bytes | None:
    """A file as it was filed; None once its key was destroyed. Raises CannotOpen for altered bytes."""
    subject = dossier_subject(member)
    sealed = (home() / path).read_bytes()
    return open_with(subject_keys([subject]), Sealing(subject, _place(evidence), sealed=sealed))


def _place(evidence: str) -> str:
    return f"dossier:{evidence}"
