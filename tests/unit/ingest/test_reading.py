"""Files as departments save them."""

from __future__ import annotations

import gzip
import io
from datetime import date

import pytest
import xlsxwriter

from xinqiao.ingest.reading import Misfit, read_table
from xinqiao.ingest.types import UnreadableFile

TEXT = "名称,金额\n甲公司,1\n乙公司,2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings(encoding: str) -> None:
    raw = read_table("x.csv", TEXT.encode(encoding))
    assert raw.headers == ("名称", "金额")
    assert raw.table.to_pydict() == {"名称": ["甲公司", "乙公司"], "金额": ["1", "2"]}


def test_gzip_is_told_by_its_bytes() -> None:
    assert read_table("x", gzip.compress(TEXT.encode())).delivered == 2


def test_a_line_with_other_columns_is_kept_aside_and_counted() -> None:
    raw = read_table("x.csv", b"a,b\n1,2\n3\n4,5\n6,7,8\n")
    assert raw.delivered == 4
    assert raw.misfits == (Misfit(2, "3"), Misfit(4, "6,7,8"))
    assert raw.row_numbers.to_pylist() == [1, 3]


def test_quotes_commas_and_newlines_inside_a_value() -> None:
    raw = read_table("x.csv", 'a,b\n"1,一\n二",2\n'.encode())
    assert raw.table.to_pydict() == {"a": ["1,一\n二"], "b": ["2"]}


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_other_delimiters(delimiter: str) -> None:
    assert read_table("x", f"a{delimiter}b\n1{delimiter}2\n".encode()).headers == ("a", "b")


@pytest.mark.parametrize("data", [b"", b"\n", "名称,金额\n".encode(), "名称,金额".encode()])
def test_nothing_or_a_header_alone_is_no_rows(data: bytes) -> None:
    assert read_table("x.csv", data).delivered == 0


def test_windows_line_ends() -> None:
    assert read_table("x.csv", b"a,b\r\n1,2\r\n").table.to_pydict() == {"a": ["1"], "b": ["2"]}


def workbook(rows: list[list[object]]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write_datetime(number, column, cell) if isinstance(cell, date) else sheet.write(number, column, cell)
    book.close()
    return out.getvalue()


def test_excel_cells_become_what_a_person_would_write() -> None:
    raw = read_table("x.xlsx", workbook([["代码", "日期", "数"], ["0610", date(2025, 3, 1), 12.0], ["x", "", 1.5]]))
    assert raw.table.to_pydict() == {"代码": ["0610", "x"], "日期": ["2025-03-01", ""], "数": ["12", "1.5"]}


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04broken",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old",
        b"\x1f\x8bbroken",
        b"a,b\n\x00\x01,2\n",
        b"\xff\xfe\x80\x81\xff",
    ],
)
def test_what_is_no_table_is_refused_with_a_next_step(data: bytes) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read_table("x", data)
    assert caught.value.problems


def test_a_header_twice_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="1 处"):
        read_table("x.csv", b"a,a\n1,2\n")
