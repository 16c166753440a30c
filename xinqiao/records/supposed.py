"""Records as they would have been: for asking what an answer would have said had a record been right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.schema import key_columns, row_ref
from xinqiao.catalogue.types import Item
from xinqiao.records.types import RECORDING


@dataclass(frozen=True)
class Supposed:
    """What an enterprise's records of an item would have been: from ``since`` on ``rows`` instead of those of ``refs``.

    ``rows`` have the columns of ``records.queries.stored_schema`` and count as recorded at ``since``; none where the
    records should not have been there.
    """

    enterprise: str
    item: str
    refs: frozenset[str]
    since: datetime
    rows: pa.Table


_supposed: ContextVar[Supposed | None] = ContextVar("supposed", default=None)


@contextmanager
def supposing(what: Supposed | None) -> Iterator[None]:
    """Inside of it every read of the enterprise by ``records.queries.read_enterprise`` gives what would have been."""
    token = _supposed.set(what)
    try:
        yield
    finally:
        _supposed.reset(token)


def is_supposed(enterprise: str) -> bool:
    """Whether an enterprise is read as it would have been, so that nothing computed before says anything of it."""
    held = _supposed.get()
    return held is not None and held.enterprise == enterprise


def as_supposed(item: Item, enterprise: str, table: pa.Table) -> pa.Table:
    """The rows of an item of an enterprise as they would have been; as they are where nothing is supposed."""
    held = _supposed.get()
    if held is None or (held.enterprise, held.item) != (enterprise, item.code):
        return table
    wrong = [
        row["_recorded_at"] >= held.since and row_ref(item, row) in held.refs
        for row in table.select(standing_columns(item)).to_pylist()
    ]
    return pa.concat_tables(
        [table.filter(pc.invert(pa.array(wrong, pa.bool_()))), held.rows.select(table.schema.names)]
    )


def standing_columns(item: Item) -> list[str]:
    """The columns that decide which rows stand."""
    keys = (column for pair in key_columns(item) for column in pair)
    return list(dict.fromkeys(["_enterprise", "_occurred_on", "_op", *RECORDING, *keys]))
