"""A file that is read from parts as they come."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any


class Parts(io.RawIOBase):
    """Bytes read front to back from an iterator of parts; wrap it in a BufferedReader for whole lines."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._rest = parts, memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the part at hand goes; 0 at the end."""
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = memoryview(part)
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count
