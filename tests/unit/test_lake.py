"""Files of the lake: how many rows lie together, and the rows of one enterprise read out of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xinqiao.records.lake import Lake

AT = datetime(2026, 11, 1, tzinfo=UTC)


def table(rows: int, first: int = 0) -> pa.Table:
    """Three rows an enterprise, sorted."""
    numbers = range(first, first + rows)
    return pa.table(
        {
            "_enterprise": [f"E{n // 3:08d}" for n in numbers],
            "_recorded_at": pa.array([AT] * rows, pa.timestamp("us", tz="UTC")),
            "n": pa.array(numbers, pa.int64()),
            "text": [None if n % 7 == 0 else f"t{n}" for n in numbers],
        }
    )


def group_sizes(lake: Lake, path: str) -> set[int]:
    found = pq.read_metadata(lake.full(path))
    return {found.row_group(n).num_rows for n in range(found.num_row_groups - 1)}


@pytest.mark.parametrize(("rows", "size"), [(5_000, 1_024), (600_000, 2_343)])
def test_a_short_file_has_small_row_groups(tmp_path: Path, rows: int, size: int) -> None:
    lake = Lake(str(tmp_path))
    lake.write(table(rows), "a.parquet")
    assert group_sizes(lake, "a.parquet") == {size}


def test_parts_of_a_long_file_have_the_row_groups_of_the_whole(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write_parts((table(30_000, first) for first in (0, 30_000)), "a.parquet", rows=10_000_000)
    assert group_sizes(lake, "a.parquet") == {8_192, 30_000 - 3 * 8_192}
    lake.write_parts((table(30_000, first) for first in (0, 30_000)), "b.parquet")
    assert 8_192 in group_sizes(lake, "b.parquet")


def test_rows_of_one_enterprise_across_groups_and_of_none(tmp_path: Path) -> None:
    """The 1,024th row parts an enterprise's three rows into two groups; asked twice, the answer is the same."""
    lake, whole = Lake(str(tmp_path)), table(6_000)
    lake.write(whole, "a.parquet")
    for number in (0, 341, 342, 1_000, 1_999):
        code = f"E{number:08d}"
        expected = whole.slice(number * 3, 3)
        for _ in range(2):
            assert lake.read("a.parquet", enterprise=code).equals(expected)
            some = lake.read("a.parquet", enterprise=code, columns=["text", "not there"])
            assert some.equals(expected.select(["_enterprise", "text"]))
    for code in ("E00000341x", "A", "Z"):
        none = lake.read("a.parquet", enterprise=code)
        assert none.num_rows == 0 and none.schema.equals(whole.schema)
        assert lake.read("a.parquet", enterprise=code, columns=["n"]).column_names == ["_enterprise", "n"]
