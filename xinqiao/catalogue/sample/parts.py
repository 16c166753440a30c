"""What a sample being written has so far, chunk by chunk, so that one that is stopped goes on where it was.

A chunk's rows are drawn from the seed and its number alone and lie in a folder of their own, which gets its name when
it is whole. The delivery files are written of all chunks in order at the end: they are the same bytes however often the
work was stopped.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc

FOLDER = ".parts"
OUTCOMES = "outcomes"  # no item has this code: theirs have two words


class Parts:
    """The chunks of one sample. ``asked`` is what was asked for: chunks of another sample are not gone on with."""

    def __init__(self, folder: Path, asked: Mapping[str, Any]) -> None:
        self._folder = folder / FOLDER
        self._asked = self._folder / "asked.json"
        self._text = json.dumps(asked, sort_keys=True, ensure_ascii=False)
        self._open = self._folder / "open"

    @property
    def fits(self) -> bool:
        """Whether what lies there belongs to this sample."""
        return self._asked.exists() and self._asked.read_text(encoding="utf-8") == self._text

    def begin(self) -> None:
        """Make the folder, or take it up again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._asked.write_text(self._text, encoding="utf-8")

    def serials_after(self, number: int) -> dict[str, int] | None:
        """The next serial number of each item after a chunk that is whole; None when it has to be drawn."""
        noted = self._chunk(number) / "chunk.json"
        if not noted.exists():
            return None
        found = json.loads(noted.read_text(encoding="utf-8"))
        sizes = {path.name: path.stat().st_size for path in self._chunk(number).glob("*.arrow")}
        return dict(found["serials"]) if sizes == found["sizes"] else None

    def open(self) -> None:
        """Begin a chunk; what a stopped one left is removed."""
        shutil.rmtree(self._open, ignore_errors=True)
        self._open.mkdir()

    def add(self, item: str, stem: str, table: pa.Table) -> None:
        """Rows of an item for the file of that name."""
        with ipc.new_file(str(self._open / f"{item}={stem}.arrow"), table.schema) as out:
            out.write_table(table)

    def close(self, number: int, serials: Mapping[str, int]) -> None:
        """The chunk is whole."""
        sizes = {path.name: path.stat().st_size for path in self._open.glob("*.arrow")}
        noted = {"serials": dict(serials), "sizes": sizes}
        (self._open / "chunk.json").write_text(json.dumps(noted), encoding="utf-8")
        shutil.rmtree(self._chunk(number), ignore_errors=True)
        self._open.rename(self._chunk(number))

    def read(self, number: int) -> Iterator[tuple[str, str, pa.Table]]:
        """Item, file name and rows of a chunk; a chunk has each item and file once."""
        for path in sorted(self._chunk(number).glob("*.arrow")):
            item, _, stem = path.stem.partition("=")
            with pa.memory_map(str(path)) as source:
                yield item, stem, ipc.open_file(source).read_all()

    def remove(self) -> None:
        """Nothing more is needed of them."""
        shutil.rmtree(self._folder)

    def _chunk(self, number: int) -> Path:
        return self._folder / f"{number:06d}"
