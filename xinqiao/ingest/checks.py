"""Checks rows against an item's declaration, column by column, then the rows of a delivery against each other.

Columns are read piece by piece; rows of one enterprise are settled together, and every key is of one enterprise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.schema import arrow_schema
from xinqiao.catalogue.types import Item
from xinqiao.ingest.columns import Context, Mask, clean, read_column, read_written
from xinqiao.ingest.identify import Identified
from xinqiao.ingest.spans import pack
from xinqiao.ingest.types import RULES

PROBLEMS = pa.schema([("row", pa.int32()), ("field", pa.string()), ("code", pa.string()), ("value", pa.string())])
READ = [("_row", pa.int32()), ("_flags", pa.string()), ("_state", pa.uint8())]
RETURNED, WAITING, BY_NAME = 1, 2, 4  # bits of ``_state``
Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Checked:
    """Accepted rows in the item's schema (with ``_row`` and ``_flags``), by enterprise, and every problem found.

    ``problems`` has one line per broken rule: row, field, rule code and what was written. ``returned`` counts.
    """

    accepted: pa.Table
    problems: pa.Table
    returned: int
    waiting: Numbers


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows read as their types, with ``_row``, ``_flags`` and ``_state``, and what is wrong with them."""

    rows: pa.Table
    problems: pa.Table


def check(item: Item, table: pa.Table, mapping: Mapping[str, str], rows: pa.Array, context: Context) -> Checked:
    """Check one table on its own; ``rows`` numbers its rows for the person who repairs."""
    part = read_part(item, table, mapping, rows, context)
    settled = settle(item, part.rows)
    problems = pa.concat_tables([part.problems, settled.problems])
    return Checked(settled.accepted, problems, settled.returned, settled.waiting)


def read_part(
    item: Item,
    table: pa.Table,
    mapping: Mapping[str, str],
    rows: pa.Array,
    context: Context,
    identified: Identified | None = None,
) -> Part:
    """Read the mapped columns of a table as the item's types, column by column; subjects as ``identified``."""
    none: Mask = np.zeros(len(rows), dtype=bool)
    waiting, by_name = (identified.waiting, identified.by_name) if identified else (none, none)
    columns: list[pa.Array] = []
    found = _Findings(rows)
    for fld in item.fields:
        header = mapping.get(fld.code)
        if fld is item.subject and identified is not None:
            parsed = read_column(fld, identified.codes, context)
            said = np.logical_or.reduce([waiting, *(m for r, m in identified.flags.items() if RULES[r].returns)])
            broken = {code: mask & ~said for code, mask in parsed.broken.items()}
            columns += parsed.columns
            for code, mask in {**broken, **identified.flags}.items():
                found.add(fld.code, code, mask, identified.written)
            continue
        if header is None:
            if fld is item.subject:
                found.add_chosen(fld.code, "required", ~none, pa.nulls(len(rows), pa.string()))
            columns += [pa.nulls(len(rows), f.type) for f in arrow_schema(item) if f.name in fld.columns]
            continue
        written = table.column(header).combine_chunks() if table.num_rows else pa.array([], pa.string())
        parsed = read_written(fld, written, context)
        columns += parsed.columns
        for code, mask in parsed.broken.items():
            found.add_chosen(fld.code, code, mask, clean(written.filter(pa.array(mask))))
    state = found.returned * RETURNED + waiting * WAITING + by_name * BY_NAME
    read = [rows, found.flags(), pa.array(state.astype(np.uint8))]
    return Part(pa.table([*columns, *read], schema=pa.schema([*arrow_schema(item), *READ])), found.table())


class _Findings:
    """Collects broken rules per row, and which rows are returned because of them."""

    def __init__(self, rows: pa.Array, returned: Mask | None = None) -> None:
        self.rows = rows
        self.returned: Mask = np.zeros(len(rows), dtype=bool) if returned is None else returned
        self._tables: list[pa.Table] = []
        self._flags: list[tuple[str, Mask]] = []

    def add(self, field: str, code: str, mask: Mask, written: pa.Array) -> None:
        """A rule broken by the rows of the mask, and what is written in every row."""
        self.add_chosen(field, code, mask, written.filter(pa.array(mask)))

    def add_chosen(self, field: str, code: str, mask: Mask, values: pa.Array) -> None:
        """A rule broken by the rows of the mask, and what is written in those."""
        rows = self.rows.filter(pa.array(mask))
        fixed = [pa.repeat(pa.scalar(text), len(rows)) for text in (field, code)]
        self._tables.append(pa.table([rows, *fixed, values], schema=PROBLEMS))
        if RULES[code].returns:
            self.returned = self.returned | mask
        else:
            self._flags.append((code, mask))

    def flags(self) -> pa.Array:
        """Per row the codes of the rules it breaks without being returned, joined by ``;``, else null."""
        flagged = np.logical_or.reduce([mask for _, mask in self._flags]) if self._flags else None
        if flagged is None or not flagged.any():
            return pa.nulls(len(self.rows), pa.string())
        texts = [";".join(code for code, mask in self._flags if mask[index]) for index in np.flatnonzero(flagged)]
        return pc.replace_with_mask(pa.nulls(len(flagged), pa.string()), pa.array(flagged), pa.array(texts))

    def table(self) -> pa.Table:
        return pa.concat_tables(self._tables) if self._tables else PROBLEMS.empty_table()


def settle(item: Item, rows: pa.Table) -> Checked:
    """Check rows against each other, all those of the enterprises that they are about, and part the accepted.

    Every row is accepted, returned or waiting; no key stands twice in ``accepted``. Of a key that comes twice the last
    one stands, but never one attached by name before one that has a code. A row that waits for its subject and has
    another fault is returned.
    """
    codes = pack(rows.column(item.subject.code).combine_chunks())
    order = codes.order()
    codes, places = codes.take(order), pa.array(order)
    state = rows.column("_state").to_numpy()[order]
    returned, waiting = (state & RETURNED) > 0, (state & WAITING) > 0
    waiting &= ~returned
    numbers = rows.column("_row").to_numpy()[order]
    found = _Findings(pa.array(numbers), returned)
    enterprise = np.cumsum(codes.starts())
    twice = _of_keys_that_come_twice(item, rows, order, enterprise, ~returned & ~waiting)
    if len(twice):
        _check_keys(item, rows.take(pa.array(order[twice])), twice, found, (state & BY_NAME) > 0, waiting)
    good = ~found.returned & ~waiting
    accepted = rows.drop_columns(["_state"]).take(places if good.all() else places.filter(pa.array(good)))
    return Checked(accepted, found.table(), int(found.returned.sum()), numbers[waiting])


def _of_keys_that_come_twice(
    item: Item, rows: pa.Table, order: npt.NDArray[np.int64], enterprise: npt.NDArray[np.int64], standing: Mask
) -> npt.NDArray[np.int64]:
    """Places, in ``order``, of the rows whose key comes twice among the standing ones."""
    key, many = enterprise, int(enterprise[-1]) + 1 if len(enterprise) else 1
    for name in (column for code in item.key for column in item.field(code).columns):
        if name != item.subject.code:
            number, count = _numbered(rows.column(name).combine_chunks())
            if many * count >= 1 << 62:
                different, key = np.unique(key, return_inverse=True)
                many = len(different)
            key, many = key * count + number[order], many * count
    ordered = np.sort(key[standing])
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.flatnonzero(np.isin(key, repeated)) if len(repeated) else np.zeros(0, np.int64)


def _numbered(column: pa.Array) -> tuple[npt.NDArray[np.int64], int]:
    """Values as numbers from 1, 0 for none; and how many numbers there are."""
    encoded = column.dictionary_encode()
    numbers = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
    return numbers, len(encoded.dictionary) + 1


def _check_keys(
    item: Item, typed: pa.Table, where: npt.NDArray[np.int64], found: _Findings, by_name: Mask, waiting: Mask
) -> None:
    """Exact copies, and keys that come twice, among some rows that stand ``where`` in the delivery."""
    key = [column for code in item.key for column in item.field(code).columns]
    count = typed.num_rows
    stands = ~found.returned[where] & ~waiting[where]
    position = pa.array(np.arange(count) - np.where(by_name[where], count, 0))
    standing = typed.select(key).append_column("_position", position).filter(pa.array(stands))
    last = standing.group_by(key, use_threads=False).aggregate([("_position", "max")]).column("_position_max")
    stands[last.to_numpy() % count] = False
    copies = stands & _exact_copies(typed.drop_columns(["_row", "_flags", "_state"]))
    for code, mask in (("row.duplicate", copies), ("row.key_repeated", stands & ~copies)):
        if mask.any():
            whole = np.zeros(len(found.returned), dtype=bool)
            whole[where[mask]] = True
            written = typed.column(key[0]).combine_chunks().cast(pa.string()).filter(pa.array(mask))
            found.add_chosen(item.key[0], code, whole, written)


def _exact_copies(typed: pa.Table) -> Mask:
    """Which rows are equal in every column to a later one."""
    same = np.zeros(typed.num_rows, np.int64)
    for column in typed.columns:
        number, count = _numbered(column.combine_chunks())
        _, same = np.unique(same * count + number, return_inverse=True)
    _, from_behind = np.unique(same[::-1], return_index=True)
    copies = np.ones(typed.num_rows, dtype=bool)
    copies[typed.num_rows - 1 - from_behind] = False
    return copies
