"""Finding: by name, code or initials; lists by evaluated facts. Reads the index only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.directory.build import EDITIONS, LETTER_SIZE, NAME_SIZE
from xinqiao.directory.models import DirectoryIndex
from xinqiao.directory.types import (
    DirectoryOutdated,
    Entry,
    Facts,
    Found,
    IndexFacts,
    Line,
    NoDirectory,
    Page,
    TooShort,
)
from xinqiao.evaluation.queries import is_under_list
from xinqiao.kernel.errors import Problem
from xinqiao.kernel.grams import Grams, Hits, search

MOST = 50
PAGE = 50
CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{4,18}")
HAS_DIGIT = re.compile(r"\d")
LETTERS = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """An index in memory: rows mapped from their file, the orders in which they are read."""

    table: pa.Table
    names: Grams
    letters: Grams
    by_code: npt.NDArray[np.int32]
    by_score: npt.NDArray[np.int32]

    def column(self, name: str) -> pa.Array:
        """One column as one array."""
        return self.table.column(name).chunk(0)


def index_facts() -> IndexFacts | None:
    """The index in use, or None."""
    row = DirectoryIndex.objects.order_by("-id").first()
    return IndexFacts(row.enterprises, row.run, row.built_at) if row else None


def find_enterprises(text: str, *, most: int = MOST) -> Found:
    """Enterprises by a beginning of their code, by initials, or by pieces of their name; raises TooShort, NoDirectory.

    Several pieces parted by blanks must all be there.
    """
    index, written = _index(), unicodedata.normalize("NFKC", text).strip()
    upper = re.sub(r"\s", "", written).upper()
    if CODE.fullmatch(upper) and HAS_DIGIT.search(upper):
        return _by_code(index, upper, most)
    words = [word.upper() for word in written.replace("·", "").split()]
    if not words:
        raise _too_short()
    if not index.table.num_rows:
        return Found((), 0)
    if all(LETTERS.fullmatch(word) for word in words):
        found = search(index.letters, index.column("letters"), [w.lower() for w in words], most=most)
        by_name = search(index.names, index.column("folded"), words, most=most)
        found = _both(found, by_name, most)
    else:
        found = search(index.names, index.column("folded"), words, most=most)
    if found is None:
        raise _too_short()
    return Found(tuple(_entries(index, found.rows)), found.total)


def _too_short() -> TooShort:
    return TooShort([Problem(field="q", code="directory.short", message="≥ 2")])


def _both(first: Hits | None, second: Hits | None, most: int) -> Hits | None:
    """Letters may be initials or stand in the name itself (ABC 科技)."""
    if first is None or second is None:
        return first or second
    if first.total is None or second.total is None:
        return first if first.total is None else second
    rows = np.union1d(first.rows, second.rows).astype(np.int32)
    return Hits(rows[:most], max(len(rows), first.total, second.total))


def _by_code(index: Index, beginning: str, most: int) -> Found:
    codes = index.column("code")
    low, high = (_place(index, codes, beginning + last) for last in ("", "\x7f"))
    rows = index.by_code[low : min(high, low + most)]
    return Found(tuple(_entries(index, rows)), high - low)


def _place(index: Index, codes: pa.Array, beginning: str) -> int:
    """Where a code would stand in the order of codes: a search by halves, a look at a row each."""
    low, high = 0, len(index.by_code)
    while low < high:
        middle = (low + high) // 2
        if codes[int(index.by_code[middle])].as_py() < beginning:
            low = middle + 1
        else:
            high = middle
    return low


def list_by_facts(facts: Facts, *, after: str = "", most: int = PAGE) -> Page:
    """Enterprises with these facts, the best score first, ``most`` a page; raises NoDirectory, DirectoryOutdated.

    ``after`` is the code of the last enterprise of the page before.
    """
    index = _evaluated()
    holds = _holding(index, facts)
    order = index.by_score[holds[index.by_score]]
    start = _after(index, order, after) if after else 0
    rows = order[start : start + most]
    lines = tuple(_lines(index, rows))
    return Page(lines, len(order), lines[-1].entry.code if start + most < len(order) and lines else "")


def count_by_grade(facts: Facts) -> dict[str, int]:
    """How many enterprises with these facts have which grade, before anybody is shown.

    Raises NoDirectory, DirectoryOutdated.
    """
    index = _evaluated()
    grades = index.column("grade").filter(pa.array(_holding(index, facts)))
    return {row["values"] or "": row["counts"] for row in pc.value_counts(grades).to_pylist()}


def _after(index: Index, order: npt.NDArray[np.int32], code: str) -> int:
    at = pc.index(index.column("code"), code).as_py()
    where = np.flatnonzero(order == at)
    return int(where[0]) + 1 if len(where) else 0


def _holding(index: Index, facts: Facts) -> npt.NDArray[np.bool_]:
    holds = pc.is_valid(index.column("grade"))
    for name, chosen in (("grade", facts.grades), ("size_class", facts.sizes)):
        if chosen:
            holds = pc.and_(holds, pc.is_in(index.column(name), value_set=pa.array(chosen)))
    for name, beginning in (("division", facts.division), ("industry", facts.industry)):
        if beginning:
            begins = pc.starts_with(index.column(name), pattern=beginning)
            holds = pc.and_(holds, pc.fill_null(begins, False))
    bounds = (
        ("score", pc.greater_equal, facts.score_from),
        ("score", pc.less_equal, facts.score_to),
        ("coverage", pc.greater_equal, facts.coverage_from),
    )
    for name, compare, bound in bounds:
        if bound is not None:
            holds = pc.and_(holds, pc.fill_null(compare(index.column(name), pa.scalar(bound, pa.int16())), False))
    return np.asarray(holds.to_numpy(zero_copy_only=False), np.bool_)


def _entries(index: Index, rows: Iterable[int] | npt.NDArray[np.int32]) -> list[Entry]:
    return [_entry(row) for row in index.table.take(pa.array(rows, pa.int32())).to_pylist()]


def _lines(index: Index, rows: npt.NDArray[np.int32]) -> list[Line]:
    return [
        Line(_entry(row), row["grade"], row["score"], row["coverage"], row["size_class"] or "")
        for row in index.table.take(pa.array(rows, pa.int32())).to_pylist()
    ]


def _entry(row: dict[str, object]) -> Entry:
    return Entry(
        code=str(row["code"]),
        name=str(row["name"]),
        division=str(row["division"] or ""),
        industry=str(row["industry"] or ""),
        status=str(row["status"] or ""),
        registered_on=row["registered_on"],  # type: ignore[arg-type]
    )


def _evaluated() -> Index:
    """The index, whose evaluations must not rest on an item that has left the sharing list."""
    index, facts = _index(), index_facts()
    if facts and not is_under_list(facts.run):
        raise DirectoryOutdated()
    return index


def _index() -> Index:
    place = EDITIONS.in_use()
    if place is None:
        raise NoDirectory()
    return _open(place)


@lru_cache(maxsize=2)
def _open(place: Path) -> Index:
    """Mapped into memory: processes of one machine share its pages."""
    table = pa.ipc.open_file(pa.memory_map(str(place / "rows.arrow"))).read_all()
    orders = [np.load(place / f"{name}.npy", mmap_mode="r") for name in ("by_code", "by_score")]
    grams = [Grams.load(place, n, size=s) for n, s in (("names", NAME_SIZE), ("letters", LETTER_SIZE))]
    return Index(table, *grams, *orders)
