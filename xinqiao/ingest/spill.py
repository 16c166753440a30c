"""Tables that a delivery in work puts aside, so that its size does not count against memory.

They lie in a nameless file of the node's home, sealed under a key that only this process holds: whatever ends the
process, the file is gone and nothing delivered lies open.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from types import TracebackType
from typing import IO

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from xinqiao.plumbing.settings import home

OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table lies in the file."""

    start: int
    size: int
    rows: int


class Spill:
    """The file, made when the first table is put aside and gone when this is closed."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._cipher, self._end = AESGCM(os.urandom(32)), 0

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def put(self, table: pa.Table) -> Place:
        """Put a table aside."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=home(), buffering=0)  # noqa: SIM115 - closed with this
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=OPTIONS) as writer:
            writer.write_table(table)
        place = self._end
        sealed = memoryview(self._cipher.encrypt(_nonce(place), memoryview(sink.getvalue()).cast("B"), None))
        while self._end < place + len(sealed):
            self._end += os.pwrite(self._file.fileno(), sealed[self._end - place :], self._end)
        return Place(place, len(sealed), table.num_rows)

    def get(self, place: Place) -> pa.Table:
        """A table that was put aside."""
        assert self._file is not None, "nothing was put aside"
        sealed = os.pread(self._file.fileno(), place.size, place.start)
        return pa.ipc.open_stream(self._cipher.decrypt(_nonce(place.start), sealed, None)).read_all()


def _nonce(place: int) -> bytes:
    return place.to_bytes(12, "big")  # each place is written once
