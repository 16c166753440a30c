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

from xinqiao.indicators.derive import FEWEST, GROUP
from xinqiao.indicators.types import Standing
from xinqiao.records.lake import lake

Ints = npt.NDArray[np.int64]
Part = tuple[str, tuple[tuple[str, int], ...]]  # a dimension: columns of points, each with the most it can give
SCALE = 10_000  # decimal indicators have four places: they are compared as integers of these


class PeerTable:
    """The values of a run by column and group, exact: integers, decimals as ten-thousandths.

    A group is sorted when it is first asked for, so that the first question of a province's run does not wait for all.
    """

    def __init__(self, table: pa.Table | None, columns: Sequence[str]) -> None:
        present = [] if table is None or GROUP not in table.column_names else columns
        self._values: dict[str, pa.Array] = {}
        self._groups: dict[str, slice] = {}
        self._sorted: dict[tuple[str, str], Ints] = {}
        if table is not None and present:
            self._values = {c: table.column(c).combine_chunks() for c in present}
            self._order, self._groups = _grouped(table.column(GROUP))

    def standing(self, column: str, group: str | None, value: object) -> Standing | None:
        """Where a value stands; None when the run knows no such group or nobody's value in it."""
        values = self._of(column, group or "")
        if values is None or not len(values):
            return None
        own = int(cast(Any, value) * SCALE) if self._is_decimal(column) else int(cast(Any, value))
        first, last = (int(np.searchsorted(values, own, side=side)) for side in ("left", "right"))
        count = len(values)
        return Standing(
            below=first,
            equal=last - first,
            count=count,
            low=self._stored(column, values[(count - 1) // 2]),
            high=self._stored(column, values[count // 2]),
        )

    def _of(self, column: str, group: str) -> Ints | None:
        """The known values of a group, sorted; None without the group."""
        key = column, group
        if key not in self._sorted:
            if column not in self._values or group not in self._groups:
                return None
            members = self._values[column].take(pa.array(self._order[self._groups[group]]))
            self._sorted[key] = np.sort(integers(members.drop_null()))
        return self._sorted[key]

    def _is_decimal(self, column: str) -> bool:
        return bool(pa.types.is_decimal(self._values[column].type))

    def _stored(self, column: str, value: np.int64) -> int | Decimal:
        return Decimal(int(value)) / SCALE if self._is_decimal(column) else int(value)


NO_PEERS = PeerTable(None, ())


def _grouped(groups: pa.ChunkedArray) -> tuple[Ints, dict[str, slice]]:
    """The rows in the order of their groups, and where in that order each group stands."""
    coded = groups.combine_chunks().dictionary_encode()
    names = coded.dictionary.to_pylist()
    codes = coded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    narrow = codes.astype(np.int16) if len(names) < np.iinfo(np.int16).max else codes  # sorted in one sweep
    ends = np.cumsum(np.bincount(codes, minlength=len(names) + 1)).tolist()
    places = {name: slice(first, last) for name, first, last in zip(names, [0, *ends], ends, strict=False)}
    return np.argsort(narrow, kind="stable"), places


def integers(values: pa.Array) -> Ints:
    """Whole numbers, or decimals as ten-thousandths, exact; none of the values may be null."""
    if pa.types.is_decimal(values.type):
        values = pc.multiply(values.cast(pa.decimal128(24, 4)), pa.scalar(Decimal(SCALE), pa.decimal128(6, 0)))
    return values.cast(pa.int64()).to_numpy().astype(np.int64)


@lru_cache(maxsize=64)
def dimension_medians(path: str, group: str, dimensions: tuple[Part, ...]) -> tuple[int, dict[str, int]]:
    """Of a group of a published run: how many firms, and by dimension the median of points in per cent of the known.

    A dimension is known of a firm where one of its indicators is; fewer than five firms give no median.
    """
    where = lake()
    present = set(where.column_names(path))
    if GROUP not in present:
        return 0, {}
    wanted = [column for _, parts in dimensions for column, _ in parts if column in present]
    table = where.columns_where(path, [*wanted, GROUP], GROUP, group)
    found = {}
    for code, parts in dimensions:
        points, known = np.zeros(table.num_rows, np.int64), np.zeros(table.num_rows, np.int64)
        for column, maximum in parts:
            if column in present:
                held = table.column(column)
                points += pc.fill_null(held, 0).cast(pa.int64()).to_numpy()
                known += np.where(pc.is_valid(held).to_numpy(), maximum, 0)
        shares = np.sort(points[known > 0] * 100 // known[known > 0])
        if len(shares) >= FEWEST:
            found[code] = int(shares[(len(shares) - 1) // 2])
    return (table.num_rows, found) if found else (0, {})


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
