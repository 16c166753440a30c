"""One delivery in work: its files read piece by piece, the pieces checked side by side, its rows settled span by span.

Whatever its size, at most XINQIAO_INGEST_ROWS of its rows are in memory, and some pieces on their way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.types import Item
from xinqiao.ingest.accepting import check_context
from xinqiao.ingest.checks import PROBLEMS, Part, read_part, settle
from xinqiao.ingest.columns import Context
from xinqiao.ingest.findings import Findings
from xinqiao.ingest.identify import Questions, identify
from xinqiao.ingest.mapping import Columns, identifying_columns, map_columns
from xinqiao.ingest.reading import GB18030, UTF8, OtherEncoding, RawTable, Upload, gathered, open_table
from xinqiao.ingest.spans import Parted
from xinqiao.ingest.spill import Spill
from xinqiao.ingest.types import Unidentified
from xinqiao.plumbing.settings import ingest_rows
from xinqiao.subjects.index import Register
from xinqiao.subjects.queries import find_register

READERS = 4  # threads; also files that are read side by side
PIECES = 8  # so many pieces make up the rows that may be in memory
SMALL = 4 << 20  # bytes: a file up to this size is read and checked by one thread as a whole
SHOWN = 200  # characters of a line that does not fit its header


@dataclass(frozen=True, slots=True)
class Read:
    """A delivered file whose header was read."""

    headers: tuple[str, ...]
    mapping: dict[str, str] = field(default_factory=dict)
    identifying: Columns = field(default_factory=dict)
    questions: Questions | None = None

    @property
    def ignored(self) -> list[str]:
        """Headers that no field takes and no subject is found by."""
        taken = {*self.mapping.values(), *(self.identifying.values() if self.questions else ())}
        return [h for h in self.headers if self.mapping and h not in taken]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a file, checked and numbered as in it; ``misfits`` of those delivered are not in ``part``."""

    part: Part
    found: tuple[Unidentified, ...]
    delivered: int
    misfits: int

    def numbered_from(self, before: int) -> Piece:
        """The same rows behind those of earlier files."""
        if not before:
            return self
        rows, problems = (_shifted(t, n, before) for t, n in ((self.part.rows, "_row"), (self.part.problems, "row")))
        found = tuple(replace(one, row=one.row + before) for one in self.found)
        return replace(self, part=Part(rows, problems), found=found)


def _shifted(table: pa.Table, name: str, before: int) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(
        place, table.schema.field(place), pc.add(table.column(place), pa.scalar(before, pa.int32()))
    )


@dataclass(slots=True)
class FileFacts:
    """What a delivered file turned out to be: its rows, and which columns were which."""

    rows: int = 0
    read: Read = field(default_factory=lambda: Read(()))


Task = Callable[[], tuple[Read, Iterable[Piece]]]


class Intake:
    """What was read of a delivery. The counts are complete once :meth:`accepted` was read to its end."""

    def __init__(self, item: Item, spill: Spill, now: datetime) -> None:
        self.item = item
        self.files: list[FileFacts] = []
        self.found: list[Unidentified] = []
        self.problems = Findings(ingest_rows(), spill)
        self.returned = self.waiting = self.flagged = 0
        self._standing: set[int] = set()
        self._rows = Parted(item.subject.code, ingest_rows(), spill)
        self._context: Context = check_context(now)
        self._register: Register | None = find_register()

    @property
    def delivered(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    def read(self, uploads: Sequence[Upload], chosen: Mapping[str, str], encodings: Sequence[str]) -> None:
        """Read and check every file. Raises UnreadableFile, ColumnsMissing, OtherEncoding."""
        self.files = [FileFacts() for _ in uploads]
        with ThreadPoolExecutor(READERS, thread_name_prefix="read") as pool:
            for number, (read, pieces) in _ahead(pool, self._tasks(uploads, chosen, encodings)):
                file, before = self.files[number], sum(f.rows for f in self.files[:number])
                file.read = read
                for piece in pieces:
                    self._add(piece.numbered_from(before))
                    file.rows += piece.delivered

    def _add(self, piece: Piece) -> None:
        self.problems.add(piece.part.problems)
        self.found += piece.found
        self.returned += piece.misfits
        if piece.part.rows.num_rows:
            self._rows.add(piece.part.rows)

    def _tasks(
        self, uploads: Sequence[Upload], chosen: Mapping[str, str], encodings: Sequence[str]
    ) -> Iterator[tuple[int, Task]]:
        """What threads can do side by side: a small file is one task, of a large one each piece."""
        for number, (upload, encoding) in enumerate(zip(uploads, encodings, strict=True)):
            if upload.size <= SMALL:
                yield number, partial(self._check_file, upload, chosen, encoding)
                continue
            read, pieces = self._open(upload, chosen, encoding)
            yield number, partial(self._check_pieces, read, ())
            for place, raw in enumerate(pieces):
                yield number, partial(self._check_pieces, read, [(place, raw)])

    def _open(self, upload: Upload, chosen: Mapping[str, str], encoding: str) -> tuple[Read, Iterator[RawTable]]:
        table = open_table(upload, encoding)
        first = next(table.pieces, None)
        if first is None:
            return Read(table.headers), iter(())
        mapping = map_columns(self.item, table.headers, chosen)
        questions = Questions(self._register) if self._register else None
        read = Read(table.headers, mapping, identifying_columns(table.headers, chosen), questions)
        return read, gathered(chain([first], table.pieces), max(1, ingest_rows() // PIECES))

    def _check_file(self, upload: Upload, chosen: Mapping[str, str], encoding: str) -> tuple[Read, list[Piece]]:
        read, pieces = self._open(upload, chosen, encoding)
        return self._check_pieces(read, enumerate(pieces))

    def _check_pieces(self, read: Read, pieces: Iterable[tuple[int, RawTable]]) -> tuple[Read, list[Piece]]:
        return read, [self._check(read, place, raw) for place, raw in pieces]

    def _check(self, read: Read, place: int, raw: RawTable) -> Piece:
        item, rows, questions = self.item, raw.row_numbers, read.questions
        known = None
        try:
            if questions is not None:
                known = identify(item, raw.table, read.mapping, read.identifying, rows, questions, place)
        finally:
            if questions is not None:
                questions.end(place)
        part = read_part(item, raw.table, read.mapping, rows, self._context, known)
        if raw.misfits:
            part = replace(part, problems=pa.concat_tables([part.problems, _misfit_lines(raw)]))
        return Piece(part, known.found if known else (), raw.delivered, len(raw.misfits))

    def accepted(self) -> Iterator[pa.Table]:
        """The rows that are accepted, by enterprise also across the tables."""
        found = np.array([one.row for one in self.found], np.int32)
        for rows in self._rows.spans():
            checked = settle(self.item, rows)
            self.problems.add(checked.problems)
            self.returned += checked.returned
            self.waiting += len(checked.waiting)
            self.flagged += pc.sum(pc.is_valid(checked.accepted.column("_flags"))).as_py() or 0
            if len(found):
                numbers = np.concatenate([checked.accepted.column("_row").to_numpy(), checked.waiting])
                self._standing.update(np.intersect1d(found, numbers).tolist())
            if checked.accepted.num_rows:
                yield checked.accepted

    def still_open(self) -> list[Unidentified]:
        """Rows found by name that were accepted, or wait; one with another fault comes back and is found again then."""
        return [one for one in self.found if one.row in self._standing]


def _misfit_lines(raw: RawTable) -> pa.Table:
    """Lines that do not fit their header are returned like any other faulty row."""
    lines = [(m.row, "", "row.columns", m.text[:SHOWN]) for m in raw.misfits]
    columns = [pa.array(column, kind) for column, kind in zip(zip(*lines, strict=True), PROBLEMS.types, strict=True)]
    return pa.table(columns, schema=PROBLEMS)


def _ahead(
    pool: ThreadPoolExecutor, tasks: Iterable[tuple[int, Task]]
) -> Iterator[tuple[int, tuple[Read, Iterable[Piece]]]]:
    """The results of tasks in their order, some of them begun while an earlier result is looked at."""
    begun: deque[tuple[int, Future[tuple[Read, Iterable[Piece]]]]] = deque()
    for number, task in tasks:
        begun.append((number, pool.submit(task)))
        if len(begun) > READERS:
            first, done = begun.popleft()
            yield first, done.result()
    for number, done in begun:
        yield number, done.result()


@contextmanager
def take_in(item: Item, uploads: Sequence[Upload], chosen: Mapping[str, str], now: datetime) -> Iterator[Intake]:
    """Read the files of a delivery; what is too much for memory is gone when this is left.

    Raises UnreadableFile, ColumnsMissing.
    """
    encodings = [UTF8] * len(uploads)
    while True:
        with Spill() as spill:
            intake = Intake(item, spill, now)
            try:
                intake.read(uploads, chosen, encodings)
            except OtherEncoding as other:
                encodings = [GB18030 if u is other.upload else e for u, e in zip(uploads, encodings, strict=True)]
                continue
            yield intake
            return
