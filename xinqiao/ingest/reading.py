"""Turns a delivered file into tables of texts, piece by piece, whatever it was saved with.

CSV in UTF-8 (with or without mark) or GB18030, plain or gzip; xlsx. Nothing is interpreted here: a value
stays as it was written, and a line that does not fit the header is kept aside, never dropped. Of a CSV only the
piece that is read is in memory; a workbook is read whole, its format ends at a million rows.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from itertools import chain
from pathlib import Path
from typing import IO, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv
from python_calamine import CalamineError, CalamineWorkbook

from xinqiao.ingest.types import UnreadableFile
from xinqiao.kernel.errors import Phrase, Problem

DELIMITERS = ",\t;|"
LONGEST_LINE = 4 << 20  # bytes; the parser wants a line within one block
BLOCK = LONGEST_LINE - (1 << 16)
UTF8, GB18030 = "utf-8", "gb18030"
MARK = b"\xef\xbb\xbf"


class Source(Protocol):
    """A file that can be opened again and again."""

    @property
    def name(self) -> str:
        """Its name, for messages."""

    def open(self) -> io.BufferedReader:
        """Its bytes."""


class OtherEncoding(Exception):
    """A file that began as UTF-8 is not: it is to be read again from its start, as GB18030."""

    def __init__(self, upload: Source) -> None:
        super().__init__(upload.name)
        self.upload = upload


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as handed in: its name, and its bytes or where they lie."""

    name: str
    data: bytes | Path

    def open(self) -> io.BufferedReader:
        """The bytes as a stream."""
        return self.data.open("rb") if isinstance(self.data, Path) else io.BufferedReader(io.BytesIO(self.data))

    @property
    def size(self) -> int:
        """Bytes."""
        return self.data.stat().st_size if isinstance(self.data, Path) else len(self.data)

    def digest(self) -> str:
        """SHA-256 of the bytes, hex."""
        with self.open() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Misfit:
    """A line whose number of columns differs from the header; ``row`` counts data rows from 1."""

    row: int
    text: str


@dataclass(frozen=True, slots=True)
class RawTable:
    """Rows as delivered: headers as written and one text column each; ``misfits`` are further delivered rows."""

    name: str
    headers: tuple[str, ...]
    table: pa.Table
    row_numbers: pa.Array
    misfits: tuple[Misfit, ...] = field(default=())

    @property
    def delivered(self) -> int:
        """Rows delivered, misfits included."""
        return self.table.num_rows + len(self.misfits)

    def and_then(self, following: RawTable) -> RawTable:
        """These rows and the following ones of the same file."""
        return replace(
            self,
            table=pa.concat_tables([self.table, following.table]),
            row_numbers=pa.concat_arrays([self.row_numbers, following.row_numbers]),
            misfits=(*self.misfits, *following.misfits),
        )

    def cut(self, most: int) -> Iterator[RawTable]:
        """The same rows in tables of at most ``most`` rows; misfits go with the first of them."""
        for start in range(0, max(1, self.table.num_rows), most):
            misfits = self.misfits if start == 0 else ()
            rows, numbers = self.table.slice(start, most), self.row_numbers.slice(start, most)
            yield replace(self, table=rows, row_numbers=numbers, misfits=misfits)


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A file whose header was read; ``pieces`` reads its rows, once. Without ``headers`` the file is empty."""

    name: str
    headers: tuple[str, ...]
    pieces: Iterator[RawTable]


def gathered(pieces: Iterable[RawTable], most: int) -> Iterator[RawTable]:
    """The same rows in tables of about ``most`` rows, never more."""
    held: RawTable | None = None
    for piece in pieces:
        if held is not None and held.table.num_rows + piece.table.num_rows > most:
            yield from held.cut(most)
            held = None
        held = piece if held is None else held.and_then(piece)
    if held is not None:
        yield from held.cut(most)


def _refuse(name: str, why: Phrase) -> UnreadableFile:
    return UnreadableFile([Problem(field=name, code="file", message=Phrase("{file}：{why}", file=name, why=why))])


def read_table(name: str, data: bytes | Path) -> RawTable:
    """Read one file whole; raises UnreadableFile."""
    upload = Upload(name, data)
    try:
        return _whole(open_table(upload))
    except OtherEncoding:
        return _whole(open_table(upload, GB18030))


def _whole(found: OpenTable) -> RawTable:
    pieces = list(found.pieces)
    if not pieces:
        return RawTable(found.name, found.headers, _no_rows(found.headers), pa.array([], pa.int32()))
    rows = pa.concat_arrays([piece.row_numbers for piece in pieces])
    misfits = tuple(m for piece in pieces for m in piece.misfits)
    return RawTable(found.name, found.headers, pa.concat_tables(p.table for p in pieces), rows, misfits)


def _no_rows(headers: Sequence[str]) -> pa.Table:
    return pa.table({h: pa.array([], pa.string()) for h in headers})


def open_table(upload: Source, encoding: str = UTF8) -> OpenTable:
    """Open one file by its content, not its name; raises UnreadableFile.

    Reading on, ``pieces`` raises UnreadableFile, and OtherEncoding where a later part of the file is not ``encoding``.
    """
    name, blocks = upload.name, _blocks(upload)
    first = next(blocks, b"")
    if first[:4] == b"PK\x03\x04":
        return _read_xlsx(name, b"".join(chain([first], blocks)))
    if first[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise _refuse(name, Phrase("这是旧版 .xls，请另存为 .xlsx"))
    try:
        return _open_csv(upload, first, blocks, encoding)
    except OtherEncoding:
        if encoding != UTF8:
            raise _refuse(name, Phrase("既不是 UTF-8 也不是 GB18030 编码的文本")) from None
        return open_table(upload, GB18030)


def _blocks(upload: Source) -> Iterator[bytes]:
    """The bytes of a file, unpacked, in blocks that end with a line."""
    with upload.open() as stored:
        packed = stored.peek(2)[:2] == b"\x1f\x8b"
        stream: IO[bytes] = gzip.GzipFile(fileobj=stored) if packed else stored  # type: ignore[assignment]
        try:
            while block := stream.read(BLOCK):
                yield block if block.endswith(b"\n") else block + stream.readline()
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise _refuse(upload.name, Phrase("gzip 压缩包不完整，请重新压缩后上传")) from error


def _decoded(upload: Source, block: bytes, encoding: str) -> bytes:
    """A block in UTF-8; raises UnreadableFile, OtherEncoding."""
    if b"\x00" in block:
        raise _refuse(upload.name, Phrase("文件含有二进制内容，不是表格"))
    try:
        if encoding == GB18030:
            return block.decode(GB18030).encode()
        offsets = pa.array([0, len(block)], pa.int32()).buffers()[1]
        pa.StringArray.from_buffers(1, offsets, pa.py_buffer(block)).validate(full=True)
    except UnicodeDecodeError:
        raise _refuse(upload.name, Phrase("既不是 UTF-8 也不是 GB18030 编码的文本")) from None
    except pa.ArrowInvalid:
        raise OtherEncoding(upload) from None
    return block


def _headers(name: str, cells: Sequence[str]) -> tuple[str, ...]:
    headers = tuple(cell.strip() for cell in cells)
    repeated = sorted({h for h in headers if h and headers.count(h) > 1})
    if repeated:
        raise _refuse(name, Phrase("表头有重复的列：{columns}", columns=tuple(repeated)))
    return tuple(h or f"（第{n}列）" for n, h in enumerate(headers, 1))


def _open_csv(upload: Source, first: bytes, blocks: Iterator[bytes], encoding: str) -> OpenTable:
    name = upload.name
    first = _decoded(upload, first, encoding).removeprefix(MARK if encoding == UTF8 else b"")
    found = _from_text(first, (_decoded(upload, block, encoding) for block in blocks))
    if found is None:
        return OpenTable(name, (), iter(()))
    first, rest = found
    line, _, _ = first.partition(b"\n")
    delimiter = max(DELIMITERS, key=lambda d: line.count(d.encode()))
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(first), "utf-8", newline=""), delimiter=delimiter)
    headers = _headers(name, next(reader))
    lines = first.split(b"\n", reader.line_num)
    body = _from_text(lines[-1] if len(lines) > reader.line_num else b"", rest)
    if body is None:
        return OpenTable(name, headers, iter(()))
    return OpenTable(name, headers, _parsed(name, headers, delimiter, chain([body[0]], body[1])))


def _from_text(first: bytes, rest: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]] | None:
    """A first block that is not blank with what follows; None where there is nothing but blanks."""
    while not first.strip():
        following = next(rest, None)
        if following is None:
            return None
        first += following
    return first, rest


class _Stream:
    """Blocks as the file that the parser reads from."""

    closed = False

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._block, self._at = blocks, b"", 0

    def read(self, most: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        if self._at >= len(self._block):
            self._block, self._at = next(self._blocks, b""), 0
        part = self._block[self._at : self._at + most]
        self._at += len(part)
        return part

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Nothing to do: the blocks close their file."""


def _parsed(name: str, headers: tuple[str, ...], delimiter: str, blocks: Iterator[bytes]) -> Iterator[RawTable]:
    misfits: list[Misfit] = []

    def keep(row: pacsv.InvalidRow) -> str:
        misfits.append(Misfit(row=row.number, text=row.text))
        return "skip"

    numbers = _Numbers()
    try:
        for batch in _reader(headers, delimiter, blocks, keep):
            found = tuple(misfits)  # the parser is a block ahead, so more may come while this is looked at
            del misfits[: len(found)]
            rows = numbers.following(batch.num_rows, found)
            yield RawTable(name, headers, pa.Table.from_batches([batch]), pa.array(rows), found)
        if misfits:  # of a last block without any row that fits
            yield RawTable(name, headers, _no_rows(headers), pa.array([], pa.int32()), tuple(misfits))
    except pa.ArrowInvalid as error:
        raise _refuse(name, Phrase("CSV 结构有误：{reason}", reason=str(error))) from error


def _reader(
    headers: tuple[str, ...], delimiter: str, blocks: Iterator[bytes], keep: object
) -> pacsv.CSVStreamingReader:
    return pacsv.open_csv(
        pa.PythonFile(_Stream(blocks), mode="r"),
        # One thread: only then does the parser say which line a misfit stands on.
        read_options=pacsv.ReadOptions(column_names=list(headers), use_threads=False, block_size=LONGEST_LINE),
        parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=keep),
        convert_options=pacsv.ConvertOptions(
            column_types={h: pa.string() for h in headers}, strings_can_be_null=False, null_values=[], check_utf8=False
        ),
    )


class _Numbers:
    """Numbers rows as a person counts them (first data row = 1), leaving out the misfits' numbers."""

    def __init__(self) -> None:
        self._next = 1
        self._taken: npt.NDArray[np.int32] = np.zeros(0, np.int32)

    def following(self, count: int, misfits: Sequence[Misfit]) -> npt.NDArray[np.int32]:
        """Numbers of the next rows; all misfits before the last of them must be known by now."""
        taken = np.concatenate([self._taken, np.array([m.row for m in misfits], np.int32)])
        numbers = np.arange(self._next, self._next + count + len(taken), dtype=np.int32)
        numbers = np.setdiff1d(numbers, taken, assume_unique=True)[:count] if len(taken) else numbers
        self._next = int(numbers[-1]) + 1 if count else self._next
        self._taken = taken[taken >= self._next]
        return numbers


def _read_xlsx(name: str, data: bytes) -> OpenTable:
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=True)
    except (CalamineError, IndexError) as error:
        raise _refuse(name, Phrase("不是完好的 Excel 文件")) from error
    if not rows:
        return OpenTable(name, (), iter(()))
    headers = _headers(name, [_text(cell) for cell in rows[0]])
    body = [row for row in rows[1:] if any(cell not in ("", None) for cell in row)]
    columns = [pa.array([_text(row[i]) for row in body], pa.string()) for i in range(len(headers))]
    numbers = pa.array(np.arange(1, len(body) + 1, dtype=np.int32))
    return OpenTable(name, headers, iter([RawTable(name, headers, pa.table(columns, names=list(headers)), numbers)]))


def _text(cell: object) -> str:
    """An Excel cell as a person would write it: whole numbers without ``.0``, dates as ISO."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)
