"""Writes the files that departments hand in: CSV in UTF-8 or GB18030, compressed or not, and workbooks.

The same rows give the same bytes: no clock and no file name enters a file.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import IO, Protocol, cast

import numpy as np
import pyarrow as pa
import xlsxwriter
from pyarrow import csv

from xinqiao.catalogue.sample.plan import ItemPlan
from xinqiao.catalogue.sample.types import File, Ints
from xinqiao.kernel.digesting import Digesting

SHEET_ROWS = 1_000_000  # a worksheet holds 1,048,576
SPEED = 1  # gzip level: deliveries are read once


class Sink(Protocol):
    """An open file that takes tables of texts; ``close`` answers the SHA-256 of its bytes."""

    rows: int

    def write(self, table: pa.Table) -> None: ...

    def close(self) -> str: ...


class CsvSink:
    """A CSV file, optionally gzip; null is an empty cell."""

    def __init__(self, path: Path, headings: list[str], *, encoding: str = "utf-8", compressed: bool = False) -> None:
        self.rows = 0
        self.encoding = encoding
        self._file = path.open("wb")
        self._digesting = Digesting(self._file)
        raw = cast(IO[bytes], self._digesting)
        self._gzip = gzip.GzipFile("", "wb", SPEED, raw, mtime=0) if compressed else None
        self._out = raw if self._gzip is None else cast(IO[bytes], self._gzip)
        self._out.write((",".join(headings) + "\n").encode(encoding))

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        buffer = pa.BufferOutputStream()
        csv.write_csv(table, buffer, csv.WriteOptions(include_header=False, quoting_style="needed"))
        data = buffer.getvalue()
        self._out.write(data if self.encoding == "utf-8" else data.to_pybytes().decode("utf-8").encode(self.encoding))
        self.rows += table.num_rows

    def close(self) -> str:
        """Finish the file; its SHA-256."""
        if self._gzip is not None:
            self._gzip.close()
        self._file.close()
        return self._digesting.sha256


class XlsxSink:
    """A workbook of one sheet, every cell a text as departments deliver them."""

    def __init__(self, path: Path, headings: list[str], *, on: date) -> None:
        self.rows = 0
        self.path = path
        self._book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_numbers": False})
        self._book.set_properties({"created": datetime.combine(on, time(), UTC)})
        self._sheet = self._book.add_worksheet()
        self._sheet.write_row(0, 0, headings)

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        for values in zip(*(column.to_pylist() for column in table.columns), strict=True):
            self.rows += 1
            for column, value in enumerate(values):
                if value is not None:
                    self._sheet.write_string(self.rows, column, value)

    def close(self) -> str:
        """Finish the file; its SHA-256."""
        self._book.close()
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def by_file(plan: ItemPlan, table: pa.Table, years: Ints) -> Iterator[tuple[str, pa.Table]]:
    """Rows of an item by the file they go into; ``years`` says into which yearly one each row goes."""
    if plan.delivery.split == "none":
        yield plan.item.code, table
        return
    for year in np.unique(years).tolist():
        yield str(year), table.filter(pa.array(years == year))


class Deliveries:
    """All files of a sample while it is written: one folder an item, one file a year where the item says so."""

    def __init__(self, folder: Path, until: date) -> None:
        self.folder = folder
        self.until = until
        self._open: dict[tuple[str, str], tuple[Path, Sink]] = {}
        self._done: list[File] = []

    def append(self, plan: ItemPlan, stem: str, table: pa.Table) -> None:
        """Append rows of an item to a file."""
        key = (plan.item.code, stem)
        if key in self._open and plan.delivery.format == "xlsx":
            _, sink = self._open[key]
            if sink.rows + table.num_rows > SHEET_ROWS:
                self._close(key)
        if key not in self._open:
            self._open[key] = self._start(plan, stem, table.column_names)
        self._open[key][1].write(table)

    def _start(self, plan: ItemPlan, stem: str, headings: list[str]) -> tuple[Path, Sink]:
        part = sum(f.path.startswith(f"{plan.item.code}/{stem}") for f in self._done) + 1
        name = f"{stem}{f'-{part}' if part > 1 else ''}.{plan.delivery.format}"
        path = self.folder / plan.item.code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if plan.delivery.format == "xlsx":
            return path, XlsxSink(path, headings, on=self.until)
        gz = plan.delivery.format == "csv.gz"
        return path, CsvSink(path, headings, encoding=plan.delivery.encoding, compressed=gz)

    def _close(self, key: tuple[str, str]) -> None:
        path, sink = self._open.pop(key)
        digest = sink.close()
        relative = path.relative_to(self.folder).as_posix()
        self._done.append(File(path=relative, item=key[0], rows=sink.rows, sha256=digest))

    def close(self) -> tuple[File, ...]:
        """Finish every file; all of them by path."""
        for key in list(self._open):
            self._close(key)
        return tuple(sorted(self._done, key=lambda f: f.path))
