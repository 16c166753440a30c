"""Columns read as their declared type, the whole batch at once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.catalogue.types import Field, FieldType, Role
from xinqiao.ingest.columns import Context, clean, read_column
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.kernel.identifiers import USCC_CHARS, make_uscc, uscc_check_character
from xinqiao.plumbing.settings import content_dir

CONTEXT = Context(today=date(2026, 11, 22), divisions=DivisionTable.load(content_dir() / "divisions.toml"))


def read(kind: FieldType, *texts: str, **spec: Any) -> tuple[list[object], dict[str, list[int]]]:
    """(stored values of the first column, rule → rows that break it, counted from 0)."""
    fld = Field(code="x", type=kind, name="列", name_en="column", **spec)
    parsed = read_column(fld, clean(pa.array(texts, pa.string())), CONTEXT)
    broken = {code: [int(i) for i in mask.nonzero()[0]] for code, mask in parsed.broken.items()}
    return parsed.columns[0].to_pylist(), broken


@pytest.mark.parametrize(
    "text", ["2025-03-01", "2025/3/1", "20250301", "2025年3月1日", "２０２５-03-01", "2025.03.01 08:30:00"]
)
def test_a_date_is_written_in_many_ways(text: str) -> None:
    assert read(FieldType.DATE, text) == ([date(2025, 3, 1)], {})


def test_dates_that_are_not() -> None:
    values, broken = read(FieldType.DATE, "2025-02-30", "1899/12/30", "明天", "", "2025-13-01")
    assert values == [None] * 5
    assert broken == {"date.form": [0, 2, 4], "date.too_old": [1]}


def test_only_what_has_happened_may_not_lie_ahead() -> None:
    assert read(FieldType.DATE, "2030-01-01") == ([date(2030, 1, 1)], {})
    assert read(FieldType.DATE, "2026-11-23", role=Role.OCCURRED_ON)[1] == {"date.future": [0]}


@pytest.mark.parametrize("text", ["2025-03", "202503", "2025年3月", "2025/3", "2025-03-01"])
def test_a_month_is_stored_as_its_first_day(text: str) -> None:
    assert read(FieldType.MONTH, text) == ([date(2025, 3, 1)], {})


def test_money_is_stored_in_fen_and_never_rounded() -> None:
    values, broken = read(FieldType.MONEY, "1,234.50", "¥0.01", "-3", "12元", "1.005", "一百", "7.500")
    assert values == [123450, 1, -300, 1200, None, None, 750]
    assert broken == {"money.form": [4, 5]}


def test_money_in_ten_thousand_yuan() -> None:
    assert read(FieldType.MONEY, "1.5", unit="wan_yuan")[0] == [1_500_000]


def test_bounds_are_checked() -> None:
    values, broken = read(FieldType.INTEGER, "-1", "5", "11", "3.0", "3.5", minimum=0, maximum=10)
    assert (values[1], values[3]) == (5, 3)
    assert broken["number.below"] == [0]
    assert broken["number.above"] == [2]


@pytest.mark.parametrize("word", ["N/A", "-", "", "  ", "NULL", "无", "——"])
def test_words_for_nothing_are_nothing(word: str) -> None:
    assert read(FieldType.INTEGER, word) == ([None], {})
    assert read(FieldType.TEXT, word, required=True)[1] == {"required": [0]}


def test_a_code_of_the_wrong_form_breaks_a_wrong_digit_does_not_lose_the_value() -> None:
    good = make_uscc("91", "610102", "MA6TX0A16")
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    values, broken = read(FieldType.USCC, f" {good.lower()} ", wrong, "9161", "")
    assert values == [good, wrong, None, None]
    assert broken == {"uscc.form": [2], "uscc.check_digit": [1]}


@given(st.lists(st.text(alphabet=USCC_CHARS, min_size=18, max_size=18), min_size=1, max_size=30))
def test_the_columnar_check_agrees_with_the_single_one(codes: list[str]) -> None:
    _, broken = read(FieldType.USCC, *codes)
    assert broken.get("uscc.check_digit", []) == [
        i for i, c in enumerate(codes) if uscc_check_character(c[:17]) != c[17]
    ]


def test_unknown_divisions_are_kept_and_flagged() -> None:
    values, broken = read(FieldType.DIVISION, "610102", "999999", "61")
    assert values == ["610102", "999999", None]
    assert broken == {"division.form": [2], "division.unknown": [1]}


def test_choices_and_booleans() -> None:
    assert read(FieldType.CHOICE, "A", "E", choices=("A", "B"))[1] == {"choice.unknown": [1]}
    assert read(FieldType.BOOLEAN, "是", "否", "1", "也许") == ([True, False, True, None], {"choice.unknown": [3]})


def test_a_column_of_nothing_breaks_nothing() -> None:
    for kind in FieldType:
        choices = ("A",) if kind is FieldType.CHOICE else ()
        assert read(kind, "", "", choices=choices) == ([None, None], {})
