"""Keeps the files that applicants file as evidence, sealed under a key of each dossier."""

from __future__ import annotations

from datetime import datetime

from xinqiao.vault.keeping import keep_sealed, read_sealed
from xinqiao.vault.types import dossier_subject


def keep_file(member: int, evidence: str, data: bytes, *, now: datetime) -> str:
    """Store a file, sealed and synced to the disk; returns its path relative to the node's home."""
    folder, place = f"dossiers/{member}", _place(evidence)
    return keep_sealed(dossier_subject(member), data, folder=folder, name=evidence, place=place, now=now)


def read_file(member: int, evidence: str, path: str) -> bytes | None:
    """A file as it was filed; None once its key was destroyed. Raises CannotOpen for altered bytes."""
    return read_sealed(dossier_subject(member), path, place=_place(evidence))


def _place(evidence: str) -> str:
    return f"dossier:{evidence}"
