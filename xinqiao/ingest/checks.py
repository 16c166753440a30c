"""Checks a whole batch against an item's declaration, column by column, then across rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.schema import arrow_schema
from xinqiao.catalogue.types import Item
from xinqiao.ingest.columns import Context, Mask, clean, read_column
from xinqiao.ingest.identify import Identified
from xinqiao.ingest.types import RULES, RepairGroup

PROBLEMS = pa.schema([("row", pa.int32()), ("field", pa.string()), ("code", pa.string()), ("value", pa.string())])
SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """Accepted rows in the item's schema (with ``_row`` and ``_flags``) and every problem found.

    ``problems`` has one line per broken rule: row, field, rule code and what was written.
    """

    accepted: pa.Table
    problems: pa.Table
    returned_rows: frozenset[int]
    waiting_rows: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Part:
    """One file's rows read as their types: which are returned, what is wrong, what is only flagged."""

    typed: pa.Table
    rows: pa.Array
    returned: Mask
    problems: pa.Table
    flags: pa.Array
    waiting: Mask
    by_name: Mask


def check(item: Item, table: pa.Table, mapping: Mapping[str, str], rows: pa.Array, context: Context) -> Checked:
    """Check one table on its own; ``rows`` numbers its rows for the person who repairs."""
    return settle(item, [read_part(item, table, mapping, rows, context)])


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
                found.add(fld.code, "required", ~none)
            columns += [pa.nulls(len(rows), f.type) for f in arrow_schema(item) if f.name in fld.columns]
            continue
        written = clean(table.column(header).combine_chunks() if table.num_rows else pa.array([], pa.string()))
        parsed = read_column(fld, written, context)
        columns += parsed.columns
        for code, mask in parsed.broken.items():
            found.add(fld.code, code, mask, written)
    typed = pa.table(columns, schema=arrow_schema(item))
    return Part(typed, rows, found.returned, found.table(), found.flags(), waiting, by_name)


def settle(item: Item, parts: Sequence[Part]) -> Checked:
    """Check the rows of a whole delivery against each other and part the accepted from the returned.

    Every row is in one of ``accepted``, ``returned_rows`` and ``waiting_rows``; no key stands twice in ``accepted``. A
    row that waits for its subject and has another fault is returned.
    """
    typed = pa.concat_tables(part.typed for part in parts).combine_chunks()
    rows = pa.concat_arrays([pa.array(part.rows, pa.int32()) for part in parts])
    returned = np.concatenate([part.returned for part in parts])
    waiting, by_name = (np.concatenate([getattr(part, n) for part in parts]) for n in ("waiting", "by_name"))
    found = _Findings(rows, returned)
    _check_rows(item, typed, found, waiting, by_name)
    waiting = waiting & ~found.returned
    good = pa.array(~found.returned & ~waiting)
    accepted = typed.filter(good).append_column("_row", rows.filter(good))
    flags = pa.concat_arrays([part.flags for part in parts])
    accepted = accepted.append_column("_flags", flags.filter(good))
    problems = pa.concat_tables([*(part.problems for part in parts), found.table()])
    returned_rows, waiting_rows = (frozenset(rows.filter(pa.array(m)).to_pylist()) for m in (found.returned, waiting))
    return Checked(accepted, problems, returned_rows, waiting_rows)


class _Findings:
    """Collects broken rules per row, and which rows are returned because of them."""

    def __init__(self, rows: pa.Array, returned: Mask | None = None) -> None:
        self.rows = rows
        self.returned: Mask = np.zeros(len(rows), dtype=bool) if returned is None else returned
        self._tables: list[pa.Table] = []
        self._flags: list[tuple[str, Mask]] = []

    def add(self, field: str, code: str, mask: Mask, written: pa.Array | None = None) -> None:
        where = pa.array(mask)
        rows = self.rows.filter(where)
        values = written.filter(where) if written is not None else pa.nulls(len(rows), pa.string())
        fixed = [pa.array([text] * len(rows), pa.string()) for text in (field, code)]
        self._tables.append(pa.table([rows, *fixed, values], schema=PROBLEMS))
        if RULES[code].returns:
            self.returned = self.returned | mask
        else:
            self._flags.append((code, mask))

    def flags(self) -> pa.Array:
        """Per row the codes of the rules it breaks without being returned, joined by ``;``, else null."""
        flags = np.full(len(self.rows), None, dtype=object)
        for code, mask in self._flags:
            for index in np.flatnonzero(mask):
                flags[index] = f"{flags[index]};{code}" if flags[index] else code
        return pa.array(flags, pa.string())

    def table(self) -> pa.Table:
        return pa.concat_tables(self._tables) if self._tables else PROBLEMS.empty_table()


def _check_rows(item: Item, typed: pa.Table, found: _Findings, waiting: Mask, by_name: Mask) -> None:
    """Rows of a delivery against each other: exact copies, and keys that come twice.

    The last one stands, but never one attached by name before one that has a code.
    """
    if typed.num_rows < 2:
        return
    key = [column for code in item.key for column in item.field(code).columns]
    count = typed.num_rows
    position = pa.array(np.arange(count) - np.where(by_name, count, 0))
    standing = typed.select(key).append_column("_position", position).filter(pa.array(~found.returned & ~waiting))
    last = standing.group_by(key, use_threads=False).aggregate([("_position", "max")]).column("_position_max")
    if len(last) == standing.num_rows:
        return
    repeated = ~found.returned & ~waiting
    repeated[last.to_numpy() % count] = False
    copies = repeated & _exact_copies(typed, repeated, key)
    for code, mask in (("row.duplicate", copies), ("row.key_repeated", repeated & ~copies)):
        if mask.any():
            found.add(item.key[0], code, mask, typed.column(key[0]).combine_chunks().cast(pa.string()))


def _exact_copies(typed: pa.Table, repeated: Mask, key: list[str]) -> Mask:
    """Among the repeated rows, those equal in every column to a later one; only affected keys are compared."""
    seen: set[tuple[object, ...]] = set()
    copies = np.zeros(typed.num_rows, dtype=bool)
    suspects = typed.select(key[:1]).column(0)
    affected = pc.is_in(suspects, value_set=suspects.filter(pa.array(repeated)).combine_chunks().unique())
    where = np.flatnonzero(affected.to_numpy(zero_copy_only=False))
    rows = typed.take(pa.array(where)).to_pylist()
    for index, row in zip(where[::-1], rows[::-1], strict=True):
        values = tuple(row.values())
        copies[index] = values in seen
        seen.add(values)
    return copies


def repair_groups(item: Item, problems: pa.Table) -> tuple[RepairGroup, ...]:
    """Problems grouped by how to repair them, the most frequent first."""
    if not problems.num_rows:
        return ()
    counts = problems.group_by(["field", "code"]).aggregate([("row", "count")]).to_pylist()
    names = {fld.code: fld.name for fld in item.fields}
    groups = []
    for line in counts:
        same = pc.and_(pc.equal(problems["field"], line["field"]), pc.equal(problems["code"], line["code"]))
        sample = problems.filter(same).slice(0, SAMPLES).to_pylist()
        rule = RULES[line["code"]]
        groups.append(
            RepairGroup(
                field=line["field"],
                field_name=names.get(line["field"], line["field"]),
                code=rule.code,
                title=rule.title,
                repair=rule.repair,
                rows=line["row_count"],
                returns=rule.returns,
                samples=tuple((s["row"], s["value"] or "") for s in sample),
            )
        )
    return tuple(sorted(groups, key=lambda g: (not g.returns, -g.rows, g.field, g.code)))
