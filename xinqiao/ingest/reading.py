"""Turns a delivered file into a table of texts, whatever it was saved with.

CSV in UTF-8 (with or without mark) or GB18030, plain or gzip; xlsx. Nothing is interpreted here: a value
stays as it was written, and a line that does not fit the header is kept aside, never dropped.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

import pyarrow as pa
import pyarrow.csv as pacsv
from python_calamine import CalamineError, CalamineWorkbook

from xinqiao.ingest.types import UnreadableFile
from xinqiao.kernel.errors import Phrase, Problem

DELIMITERS = ",\t;|"


@dataclass(frozen=True, slots=True)
class Misfit:
    """A line whose number of columns differs from the header; ``row`` counts data rows from 1."""

    row: int
    text: str


@dataclass(frozen=True, slots=True)
class RawTable:
    """A file as delivered: headers as written and one text column each; ``misfits`` are further delivered rows."""

    name: str
    headers: tuple[str, ...]
    table: pa.Table
    row_numbers: pa.Array
    misfits: tuple[Misfit, ...] = field(default=())

    @property
    def delivered(self) -> int:
        """Rows delivered, misfits included."""
        return self.table.num_rows + len(self.misfits)


def _refuse(name: str, why: Phrase) -> UnreadableFile:
    return UnreadableFile([Problem(field=name, code="file", message=Phrase("{file}：{why}", file=name, why=why))])


def read_table(name: str, data: bytes) -> RawTable:
    """Read one file by its content, not its name; raises UnreadableFile."""
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise _refuse(name, Phrase("gzip 压缩包不完整，请重新压缩后上传")) from error
    if data[:4] == b"PK\x03\x04":
        return _read_xlsx(name, data)
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise _refuse(name, Phrase("这是旧版 .xls，请另存为 .xlsx"))
    return _read_csv(name, _decode(name, data))


def _decode(name: str, data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _refuse(name, Phrase("既不是 UTF-8 也不是 GB18030 编码的文本"))


def _headers(name: str, cells: Sequence[str]) -> tuple[str, ...]:
    headers = tuple(cell.strip() for cell in cells)
    repeated = sorted({h for h in headers if h and headers.count(h) > 1})
    if repeated:
        raise _refuse(name, Phrase("表头有重复的列：{columns}", columns=tuple(repeated)))
    return tuple(h or f"（第{n}列）" for n, h in enumerate(headers, 1))


def _read_csv(name: str, text: str) -> RawTable:
    if not text.strip():
        return RawTable(name, (), pa.table({}), pa.array([], pa.int32()))
    if "\x00" in text:
        raise _refuse(name, Phrase("文件含有二进制内容，不是表格"))
    first = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    headers = _headers(name, next(reader))
    body = text.split("\n", reader.line_num)[-1] if text.count("\n") >= reader.line_num else ""
    if not body.strip():
        return _assemble(name, headers, pa.table({h: pa.array([], pa.string()) for h in headers}), [])
    misfits: list[Misfit] = []

    def keep(row: pacsv.InvalidRow) -> str:
        misfits.append(Misfit(row=row.number, text=row.text))
        return "skip"

    table = _parse(name, body, headers, delimiter, keep)
    return _assemble(name, headers, table, misfits)


def _parse(name: str, body: str, headers: tuple[str, ...], delimiter: str, keep: object) -> pa.Table:
    try:
        return pacsv.read_csv(
            pa.BufferReader(body.encode("utf-8")),
            # One thread: only then does the parser say which line a misfit stands on.
            read_options=pacsv.ReadOptions(column_names=list(headers), use_threads=False, block_size=1 << 24),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter, newlines_in_values='"' in body, invalid_row_handler=keep
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={h: pa.string() for h in headers}, strings_can_be_null=False, null_values=[]
            ),
        )
    except pa.ArrowInvalid as error:
        raise _refuse(name, Phrase("CSV 结构有误：{reason}", reason=str(error))) from error


def _assemble(name: str, headers: tuple[str, ...], table: pa.Table, misfits: list[Misfit]) -> RawTable:
    """Number the rows as a person counts them (first data row = 1), leaving out the misfits' numbers."""
    total = table.num_rows + len(misfits)
    taken = {m.row for m in misfits}
    numbers = [n for n in range(1, total + 1) if n not in taken] if misfits else range(1, total + 1)
    return RawTable(name, headers, table, pa.array(numbers, pa.int32()), tuple(misfits))


def _read_xlsx(name: str, data: bytes) -> RawTable:
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=True)
    except (CalamineError, IndexError) as error:
        raise _refuse(name, Phrase("不是完好的 Excel 文件")) from error
    if not rows:
        return RawTable(name, (), pa.table({}), pa.array([], pa.int32()))
    headers = _headers(name, [_text(cell) for cell in rows[0]])
    body = [row for row in rows[1:] if any(cell not in ("", None) for cell in row)]
    columns = [pa.array([_text(row[i]) for row in body], pa.string()) for i in range(len(headers))]
    return _assemble(name, headers, pa.table(columns, names=list(headers)), [])


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
