"""Digests of files: of one as it is written, without reading it again, and of all in some folders."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives import hashes


class Digesting(io.RawIOBase):
    """A file that is written once from front to back; ``sm3`` asks for the SM3 digest too, which takes its time."""

    def __init__(self, out: IO[bytes], *, sm3: bool = False) -> None:
        self._out, self.size = out, 0
        self._sha256 = hashlib.sha256()
        self._sm3 = hashes.Hash(hashes.SM3()) if sm3 else None

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Write bytes through."""
        self._out.write(data)
        self._sha256.update(data)
        if self._sm3 is not None:
            self._sm3.update(bytes(data))
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        """How much was written."""
        return self.size

    @property
    def sha256(self) -> str:
        """SHA-256 of what was written so far, hex."""
        return self._sha256.hexdigest()

    @property
    def sm3(self) -> str:
        """SM3 of what was written so far, hex; raises ValueError where it was not asked for."""
        if self._sm3 is None:
            raise ValueError("the SM3 digest was not asked for")
        return self._sm3.copy().finalize().hex()


def tree_digest(folders: Iterable[tuple[Path, Collection[str]]]) -> str:
    """SHA-256 over the files in some folders, each with the suffixes that count there: their paths and their bytes."""
    digest = hashlib.sha256()
    for folder, suffixes in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in suffixes:
                name = path.relative_to(folder).as_posix()
                digest.update(f"{name}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
