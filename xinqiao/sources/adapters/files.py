"""The file mode: a folder of a front-end machine. A file counts when its digest lies beside it, whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xinqiao.kernel.durable import durable_file
from xinqiao.sources.types import Connection, Link, Unreachable

SUMS = ".sha256"
RECEIPTS = "receipts"


@dataclass(frozen=True, slots=True)
class Offered:
    """A file that lies there whole: ``<item>__<anything>.csv|.csv.gz|.xlsx``."""

    name: str
    item: str
    path: Path
    sha256: str


class FileInbox:
    """``address`` is the folder; receipts go into ``receipts`` in it, one for each file."""

    def __init__(self, connection: Connection, link: Link) -> None:
        self._connection, self._folder = connection, Path(link.address)

    def check(self) -> None:
        """Whether the folder can be read; raises Unreachable."""
        try:
            next(self._folder.iterdir(), None)
        except OSError as error:
            raise Unreachable(source=self._connection.name, why=error.strerror or "folder") from error

    def offered(self, *, taken: frozenset[str]) -> Iterator[Offered]:
        """Files not taken before, by name; one whose digest is not written yet is still being written."""
        self.check()
        for sums in sorted(self._folder.glob(f"*__*{SUMS}")):
            name = sums.name.removesuffix(SUMS)
            path, item = self._folder / name, name.partition("__")[0]
            if name not in taken and _is_plain(path) and _is_plain(sums):
                yield Offered(name, item, path, sums.read_text("ascii", "replace").split(" ")[0].strip().lower())

    def acknowledge(self, name: str, receipt: dict[str, Any]) -> None:
        """Put what became of a file where its sender looks."""
        folder = self._folder / RECEIPTS
        folder.mkdir(exist_ok=True)
        if folder.is_symlink():  # whoever writes into the inbox does not say where we write
            raise NotADirectoryError(RECEIPTS)
        text = json.dumps(receipt, ensure_ascii=False, indent=1) + "\n"
        with durable_file(folder / f"{name}.json") as file:
            file.write(text.encode())


def _is_plain(path: Path) -> bool:
    """A file that lies there itself: what a link leads to is not the sender's to give."""
    return path.is_file() and not path.is_symlink()


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
