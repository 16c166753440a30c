"""Personal fields of the lake: sealed before a file is written, opened for a reader whom the gate allows.

A sealed value is text, ``sealed:`` and base64, bound to item, field, batch and row. Views and compactions carry it as
it is. Where the key of an item holds a personal field, its index stands beside it: equal for equal values of the same
enterprise, so that a later row supersedes an earlier one and nobody needs the value to know that.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from xinqiao.catalogue.schema import index_column, indexed_fields
from xinqiao.catalogue.types import Field, Item
from xinqiao.vault.sealing import SubjectKeys, open_all, seal_with, sealing_keys
from xinqiao.vault.types import Sealing, enterprise_subject

MARK = "sealed:"
Texts = list[str | None]


def seal_table(item: Item, table: pa.Table, *, now: datetime) -> pa.Table:
    """The table with every personal value sealed and indexed; what is sealed already stays as it is."""
    fields = [f for f in item.fields if f.personal]
    plain = {f.code: table.column(f.code).to_pylist() for f in fields}
    owners = table.column("_enterprise").to_pylist() if fields else []
    waiting = {o for values in plain.values() for o, v in zip(owners, values, strict=True) if _is_plain(v)}
    if not waiting:
        return table
    by_subject = sealing_keys({enterprise_subject(owner) for owner in waiting}, now=now)
    keys = {owner: by_subject[enterprise_subject(owner)] for owner in waiting}
    batches, rows = (table.column(name).to_pylist() for name in ("_batch", "_row"))
    where = [f"{batch}/{row}" for batch, row in zip(batches, rows, strict=True)]
    for fld in fields:
        values = plain[fld.code]
        if fld in indexed_fields(item):
            known = table.column(index_column(fld)).to_pylist()
            table = _with(table, index_column(fld), _indexes(item, fld, owners, values, known, keys))
        table = _with(table, fld.code, _sealed(item, fld, owners, values, where, keys))
    return table


def _is_plain(value: str | None) -> bool:
    return value is not None and not value.startswith(MARK)


def _sealed(
    item: Item, fld: Field, owners: list[str], values: Texts, where: list[str], keys: Mapping[str, SubjectKeys]
) -> Texts:
    found: Texts = []
    for owner, value, row in zip(owners, values, where, strict=True):
        if value is not None and _is_plain(value):
            key = keys[owner].newest
            assert key is not None
            value = MARK + b64encode(seal_with(key, value, place=f"{item.code}:{fld.code}:{row}")).decode()
        found.append(value)
    return found


def _indexes(
    item: Item, fld: Field, owners: list[str], values: Texts, known: Texts, keys: Mapping[str, SubjectKeys]
) -> Texts:
    found: Texts = []
    for owner, value, index in zip(owners, values, known, strict=True):
        if value is not None and _is_plain(value):
            key = keys[owner].indexing
            assert key is not None
            index = b64encode(key.index(f"{item.code}:{fld.code}", value)).decode()
        found.append(index)
    return found


def _with(table: pa.Table, name: str, values: Texts) -> pa.Table:
    position = table.schema.get_field_index(name)
    return table.set_column(position, table.schema.field(position), pa.array(values, pa.string()))


def open_rows(item: Item, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with their personal values readable, ``ERASED`` where the key was destroyed; one look for all of them.

    For a reader whom the gate lets see them. Raises DataKeyMissing, CannotOpen, TokenMissing, TokenLocked.
    """
    opened = [dict(row) for row in rows]
    codes = [f.code for f in item.fields if f.personal]
    places = [(row, code) for row in opened for code in codes if str(row.get(code) or "").startswith(MARK)]
    texts = open_all([_sealing(item, row, code) for row, code in places])
    for (row, code), text in zip(places, texts, strict=True):
        row[code] = text
    return opened


def _sealing(item: Item, row: Mapping[str, Any], code: str) -> Sealing:
    place = f"{item.code}:{code}:{row['_batch']}/{row['_row']}"
    return Sealing(enterprise_subject(row["_enterprise"]), place, sealed=b64decode(row[code][len(MARK) :]))
