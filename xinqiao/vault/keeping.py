"""Files that people hand in, sealed under the key of whom they are about and synced to the disk."""

from __future__ import annotations

from datetime import datetime

from xinqiao.kernel.durable import durable_file
from xinqiao.plumbing.settings import home
from xinqiao.vault.sealing import open_with, seal_for, subject_keys
from xinqiao.vault.types import Sealing


def keep_sealed(subject: str, data: bytes, *, folder: str, name: str, place: str, now: datetime) -> str:
    """Store a file; returns its path relative to the node's home. ``place`` is bound to the sealed bytes."""
    sealed = seal_for(subject, data, place=place, now=now)
    within = home() / folder
    within.mkdir(parents=True, exist_ok=True)
    path = within / f"{name}.sealed"
    with durable_file(path) as out:
        out.write(sealed)
    return str(path.relative_to(home()))


def read_sealed(subject: str, path: str, *, place: str) -> bytes | None:
    """A file as it was handed in; None once its key was destroyed. Raises CannotOpen for altered bytes."""
    sealed = (home() / path).read_bytes()
    return open_with(subject_keys([subject]), Sealing(subject, place, sealed=sealed))
