"""Money: every real spelling of registered capital, and amounts in fen."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared_data
from xinqiao.kernel.money import Capital, InvalidMoney, format_fen, format_wan, parse_capital, parse_yuan

AMBIGUOUS = {"#()", "#", "#(元/万元)"}  # no unit, or two: never guessed
NOT_STATED = {"N/A", "-", "万人民币"}


def test_every_real_spelling_is_read_or_refused_with_a_reason() -> None:
    text = shared_data("reference", "capital_spellings.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 71
    for row in rows:
        spelling = row["spelling"]
        text = spelling.replace("#E-#", "5E-1").replace("#", "1,450.5")
        if spelling in AMBIGUOUS:
            with pytest.raises(InvalidMoney):
                parse_capital(text)
            continue
        capital = parse_capital(text)
        if spelling in NOT_STATED:
            assert capital is None
            continue
        assert capital is not None
        amount = 0.5 if "E-" in spelling else 1450.5
        assert capital.amount_fen == int(amount * 100 * (10_000 if "万" in spelling else 1)), spelling


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,450(万美元)", Capital(1_450_000_000, "USD")),
        ("7万人民币", Capital(7_000_000, "CNY")),
        ("１００（万元）", Capital(100_000_000, "CNY")),
        ("30(万新加坡元)", Capital(30_000_000, "SGD")),
        ("0.5万", Capital(500_000, "CNY")),
    ],
)
def test_spellings(text: str, expected: Capital) -> None:
    assert parse_capital(text) == expected


@pytest.mark.parametrize("text", ["-3万", "10万元宝", "9" * 20 + "万", "十万"])
def test_nonsense_is_refused_or_not_stated(text: str) -> None:
    if text == "十万":
        assert parse_capital(text) is None
        return
    with pytest.raises(InvalidMoney):
        parse_capital(text)


@given(st.integers(-(10**15), 10**15))
def test_fen_are_written_and_read_back(fen: int) -> None:
    assert parse_yuan(format_fen(fen)) == fen


@pytest.mark.parametrize("text", ["1.005", "x", "", "NaN", "1e400000"])
def test_yuan_has_two_decimals_at_most(text: str) -> None:
    with pytest.raises(InvalidMoney):
        parse_yuan(text)


def test_wan() -> None:
    assert format_wan(123_456_789) == "123.46"
