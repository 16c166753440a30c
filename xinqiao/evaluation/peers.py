"""What a published run knows of peers: the values of each group, sorted, so that a place is a look-up."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xinqiao.indicators.derive import GROUP
from xinqiao.indicators.types import Standing
from xinqiao.records.lake import lake

Ints = npt.NDArray[np.int64]
SCALE = 10_000  # decimal indicators have four places: they are compared as integers of these


class PeerTable:
    """The values of a run by column and group, exact: integers, decimals as ten-thousandths."""

    def __init__(self, table: pa.Table | None, columns: Sequence[str]) -> None:
        present = [] if table is None or GROUP not in table.column_names else columns
        self._decimal = {c for c in present if table is not None and pa.types.is_decimal(table.schema.field(c).type)}
        self._values = {c: _by_group(table, c) for c in present}

    def standing(self, column: str, group: str | None, value: object) -> Standing | None:
        """Where a value stands; None when the run knows no such group."""
        values = self._values.get(column, {}).get(group or "")
        if values is None:
            return None
        own = int(cast(Any, value) * SCALE) if column in self._decimal else int(cast(Any, value))
        first, last = (int(np.searchsorted(values, own, side=side)) for side in ("left", "right"))
        count = len(values)
        return Standing(
            below=first,
            equal=last - first,
            count=count,
            low=self._stored(column, values[(count - 1) // 2]),
            high=self._stored(column, values[count // 2]),
        )

    def _stored(self, column: str, value: np.int64) -> int | Decimal:
        return Decimal(int(value)) / SCALE if column in self._decimal else int(value)


NO_PEERS = PeerTable(None, ())


def _by_group(table: pa.Table, column: str) -> dict[str, Ints]:
    known = table.select([GROUP, column]).filter(
        pc.and_(pc.is_valid(table.column(GROUP)), pc.is_valid(table.column(column)))
    )
    if not known.num_rows:
        return {}
    values = known.column(column)
    if pa.types.is_decimal(values.type):
        values = pc.multiply(values.cast(pa.decimal128(24, 4)), pa.scalar(Decimal(SCALE), pa.decimal128(6, 0)))
    numbers = values.cast(pa.int64()).to_numpy().astype(np.int64)
    groups = known.column(GROUP).to_numpy(zero_copy_only=False).astype(str)
    order = np.lexsort((numbers, groups))
    names, starts = np.unique(groups[order], return_index=True)
    return dict(zip(names.tolist(), np.split(numbers[order], starts[1:]), strict=True))


@lru_cache(maxsize=4)
def load_peers(path: str, columns: tuple[str, ...]) -> PeerTable:
    """The peers of a published run; a run from before there were any knows none. Kept: a run never changes."""
    where = lake()
    present = pq.read_schema(where.full(path), filesystem=where.filesystem).names
    wanted = [c for c in (GROUP, *columns) if c in present]
    if len(wanted) <= len(columns):
        return NO_PEERS
    table = pq.read_table(where.full(path), columns=wanted, filesystem=where.filesystem, partitioning=None)
    return PeerTable(table, columns)
