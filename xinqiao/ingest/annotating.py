"""The delivered file back with its errors marked, read and written piece by piece."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import IO, cast

import numpy as np
import pyarrow as pa
import xlsxwriter

from xinqiao.ingest import inbox
from xinqiao.ingest.checks import PROBLEMS
from xinqiao.ingest.models import Delivery, RowMatch
from xinqiao.ingest.queries import get_delivery, groups_of
from xinqiao.ingest.reading import GB18030, UTF8, OtherEncoding, RawTable, open_table
from xinqiao.ingest.types import RULES, MatchState
from xinqiao.plumbing.settings import home

ERROR_COLUMN = "错误说明"
IN_MEMORY = 16 << 20  # bytes of the file that are not yet on disk


def annotated_file(delivery: str, *, provider: str | None = None, only_returned: bool = True) -> tuple[str, IO[bytes]]:
    """The delivered rows again with a column of errors: its name, and the file to read, xlsx for xlsx, else CSV.

    Only the returned rows by default, so that the repaired file can be delivered as it is. Raises UnknownDelivery,
    DeliveryErased.
    """
    entry = get_delivery(delivery, provider=provider)
    files = json.loads(entry.files)
    as_xlsx = all(f["name"].lower().endswith(".xlsx") for f in files)
    sources = [inbox.Original(f["name"], f["stored"]) for f in files]
    encodings = [UTF8] * len(sources)
    name = f"{entry.id}-需修改" if only_returned else f"{entry.id}-全部"
    while True:
        rows = _annotated_rows(_Marks(entry), sources, encodings, only_returned)
        try:
            return f"{name}.xlsx" if as_xlsx else f"{name}.csv", _written(rows, _write_xlsx if as_xlsx else _write_csv)
        except OtherEncoding as other:
            encodings = [GB18030 if s is other.upload else e for s, e in zip(sources, encodings, strict=True)]


def _written(rows: Iterator[list[str]], write: Callable[[Iterator[list[str]], IO[bytes]], None]) -> IO[bytes]:
    """The rows as a file that is gone once it is closed."""
    with ExitStack() as undone:
        out = cast(IO[bytes], undone.enter_context(tempfile.SpooledTemporaryFile(IN_MEMORY, dir=home())))
        write(rows, out)
        out.seek(0)
        undone.pop_all()
    return out


class _Marks:
    """Errors in words by row; of each problem a few bytes are in memory."""

    def __init__(self, entry: Delivery) -> None:
        self._decided, self._sent_back = _decided(entry)
        self._names = {group.field: group.field_name for group in groups_of([entry])[0]}
        problems = inbox.read_problems(entry.problems_path) if entry.problems_path else PROBLEMS.empty_table()
        rows = problems.column("row").to_numpy()
        order = np.argsort(rows, kind="stable")
        self._rows = rows[order]
        fields, codes = (problems.column(name).combine_chunks().dictionary_encode() for name in ("field", "code"))
        self._field, self._code = (e.indices.to_numpy()[order] for e in (fields, codes))
        self._fields, self._codes = fields.dictionary.to_pylist(), codes.dictionary.to_pylist()

    def among(self, first: int, last: int) -> tuple[dict[int, str], set[int]]:
        """Of the rows from ``first`` to ``last``: the errors in words, and which were returned."""
        words = {row: list(texts) for row, texts in self._decided.items() if first <= row <= last}
        returned = {row for row in self._sent_back if first <= row <= last}
        low, high = (int(np.searchsorted(self._rows, n, side)) for n, side in ((first, "left"), (last, "right")))
        for place in range(low, high):
            row, rule = int(self._rows[place]), RULES[self._codes[self._code[place]]]
            name = self._names.get(self._fields[self._field[place]], "")
            words.setdefault(row, []).append("：".join(filter(None, (name, f"{rule.title}（{rule.repair}）"))))
            if rule.returns:
                returned.add(row)
        return {row: "；".join(texts) for row, texts in words.items()}, returned


def _annotated_rows(
    marks: _Marks, sources: Sequence[inbox.Original], encodings: Sequence[str], only_returned: bool
) -> Iterator[list[str]]:
    header: list[str] | None = None
    before = 0
    for source, encoding in zip(sources, encodings, strict=True):
        table, rows = open_table(source, encoding), 0
        if header is None:
            header = [*table.headers, ERROR_COLUMN]
            yield header
        for raw in table.pieces:
            yield from _annotated(marks, raw, before, only_returned)
            rows += raw.delivered
        before += rows


def _annotated(marks: _Marks, raw: RawTable, before: int, only_returned: bool) -> Iterator[list[str]]:
    numbers = raw.row_numbers.to_numpy()
    known = [*numbers[[0, -1]].tolist()] if len(numbers) else []
    known += [m.row for m in raw.misfits]
    errors, returned = marks.among(min(known) + before, max(known) + before) if known else ({}, set())
    wanted = np.isin(numbers, [row - before for row in returned]) if only_returned else np.ones(len(numbers), bool)
    columns = [column.to_pylist() for column in raw.table.filter(pa.array(wanted)).columns]
    lines: dict[int, tuple[str, ...]] = dict(zip(numbers[wanted].tolist(), zip(*columns, strict=True), strict=True))
    lines |= {m.row: (m.text,) for m in raw.misfits}
    for number in sorted(lines):
        cells = [*lines[number], *[""] * (len(raw.headers) - len(lines[number]))]
        yield [*cells, errors.get(number + before, "")]


def _decided(entry: Delivery) -> tuple[dict[int, list[str]], set[int]]:
    """Rows that wait for their subject or were sent back on review, in words."""
    words: dict[int, list[str]] = {}
    returned: set[int] = set()
    states = (MatchState.WAITING, MatchState.SENT_BACK)
    for match in RowMatch.objects.filter(delivery=entry.id, state__in=states):
        sent_back = match.state == MatchState.SENT_BACK
        code = (
            "subject.waiting"
            if not sent_back
            else "subject.none_of_them"
            if match.none_of_them
            else "subject.sent_back"
        )
        text = f"{RULES[code].title}（{RULES[code].repair}）"
        words[match.row] = [f"{text}{match.note}" if sent_back else text]
        if sent_back:
            returned.add(match.row)
    return words, returned


def _write_csv(rows: Iterator[list[str]], out: IO[bytes]) -> None:
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    csv.writer(text).writerows(rows)
    text.detach()


def _write_xlsx(rows: Iterator[list[str]], out: IO[bytes]) -> None:
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("需修改")
    sheet.freeze_panes(1, 0)
    wrong = book.add_format({"font_color": "#A8322A"})
    for number, cells in enumerate(rows):
        sheet.write_row(number, 0, cells[:-1])
        sheet.write_string(number, len(cells) - 1, cells[-1], wrong)
    book.close()
