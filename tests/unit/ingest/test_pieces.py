"""A delivery in pieces is the same delivery: rows, numbers and words do not depend on how much is in memory."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import NOW, item, uscc
from xinqiao.ingest import intake, reading
from xinqiao.ingest.intake import take_in
from xinqiao.ingest.reading import Upload, read_table
from xinqiao.ingest.spans import Parted, pack
from xinqiao.ingest.spill import Spill

BILLS = "utility.electricity"
HEADER = "uscc,account_no,month,used_kwh,due_fen,paid_on"
CODES = [*map(uscc, (1, 2, 3)), uscc(1).lower(), "9161", "", uscc(4)[:-1] + "0"]
CELLS = (
    CODES,
    ["6100000001", "6100000002", "户12"],
    ["202501", "2025年2月", "202513", ""],
    ["7", "1,200", "若干", "-5", "无", "5."],
    ["1.50", "￥3", "见附件", "2"],
    ["2025-02-03", "1899-12-30", "", "“昨天”"],
)
Rows = Sequence[Sequence[str]]
rows_of_any_kind = st.lists(st.tuples(*map(st.sampled_from, CELLS)) | st.just(("少一列",)), max_size=24)


@pytest.fixture(scope="module", autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No register of subjects, and a folder for what is put aside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "find_register", lambda: None)
        patch.setattr("xinqiao.ingest.spill.home", lambda: tmp_path_factory.getbasetemp())
        yield


def as_file(rows: Rows, encoding: str, quoted: bool) -> bytes:
    quote = '"' if quoted else ""
    lines = [",".join(f"{quote}{cell}{quote}" for cell in row) for row in rows]
    return "\n".join([HEADER, *lines, ""]).encode(encoding)


def taken_in(files: Sequence[bytes], rows: int, block: int = reading.BLOCK) -> dict[str, Any]:
    """All that becomes of a delivery when so many of its rows are in memory, read in blocks of so many bytes."""
    found = item(BILLS)
    uploads = [Upload(f"{n}.csv", data) for n, data in enumerate(files)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "ingest_rows", lambda: rows)
        patch.setattr(reading, "BLOCK", block)
        patch.setattr(intake, "SMALL", 100)
        with take_in(found, uploads, {}, NOW) as taken:
            accepted = [row for table in taken.accepted() for row in table.to_pylist()]
            problems = [line for table in taken.problems.tables() for line in table.to_pylist()]
            return {
                "accepted": accepted,
                "problems": sorted(problems, key=lambda line: line["row"]),  # of one row in the order they were found
                "groups": taken.problems.groups(found),
                "counts": (taken.delivered, taken.returned, taken.waiting, taken.flagged),
            }


@settings(max_examples=12, deadline=None)
@given(rows_of_any_kind, rows_of_any_kind, st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]), st.booleans())
def test_pieces_are_the_whole(first: Rows, second: Rows, encoding: str, quoted: bool) -> None:
    files = [as_file(first, encoding, quoted), gzip.compress(as_file(second, "utf-8", not quoted))]
    whole = taken_in(files, 1_000_000)
    assert whole["counts"][0] == len(first) + len(second) == len(whole["accepted"]) + whole["counts"][1]
    keys = [(row["uscc"], row["month"], row["account_no"]) for row in whole["accepted"]]
    assert len(keys) == len(set(keys))
    for rows, block in ((1, 64), (7, 4096), (56, 200)):
        assert taken_in(files, rows, block) == whole


def test_a_copy_is_found_however_far_from_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    line = (uscc(1), "6100000001", "202501", "7", "1.50", "")
    others = [(uscc(n), "6100000001", "202501", "7", "1.50", "") for n in range(2, 60)]
    changed = (*line[:3], "8", *line[4:])
    for rows in (1, 10, 1_000_000):
        found = taken_in([as_file([line, changed, *others, line], "utf-8", False)], rows)
        assert [(p["row"], p["code"]) for p in found["problems"]] == [(1, "row.duplicate"), (2, "row.key_repeated")]
        assert found["counts"] == (61, 2, 0, 0)


def test_a_file_that_is_gb18030_only_further_on_is_read_again_as_that() -> None:
    rows = [(uscc(n), "6100000001", "202501", "7", "1.50", "") for n in range(9)]
    data = as_file([*rows, (*rows[0][:2], "2025年2月", *rows[0][3:])], "gb18030", False)
    assert taken_in([data], 3, 100) == taken_in([data], 1_000_000)
    assert taken_in([data], 3, 100)["counts"] == (10, 0, 0, 0)


def test_a_value_with_a_line_end_is_not_torn_where_a_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b'a,b\n1,"x\ny"\n' * 1 + b'2,"p\n\nq"\n3,z\n' * 20
    whole = read_table("x.csv", data)
    monkeypatch.setattr(reading, "BLOCK", 7)
    assert read_table("x.csv", data) == whole
    assert whole.delivered == 41


def test_spans_follow_each_other_and_hold_no_more_than_they_may(tmp_path: Path) -> None:
    """Sorted input fills the last span of the first parting: it is parted again."""
    codes = [uscc(n) for n in sorted(range(2_000), key=uscc)]
    with Spill() as spill:
        parted = Parted("code", 150, spill)
        for start in range(0, 2_000, 50):
            part = codes[start : start + 50]
            parted.add(pa.table({"code": pa.array([*part, None, *part]), "n": range(101)}))
        spans = list(parted.spans())
    assert sum(span.num_rows for span in spans) == 4_040 and max(span.num_rows for span in spans) <= 150
    named = [[code for code in span.column("code").to_pylist() if code] for span in spans]
    assert [sorted(set(part)) for part in named if part] == [
        sorted(set(part)) for part in sorted((p for p in named if p), key=min)
    ]
    assert [code for part in named for code in sorted(part)] == sorted([*codes, *codes])


def test_packed_codes_compare_as_they_are_written() -> None:
    codes = [uscc(n) for n in (5, 900, 31, 7, 29_000)]
    order = pack(pa.array([*codes, None])).order().tolist()
    assert order == [5, *sorted(range(5), key=codes.__getitem__)]
