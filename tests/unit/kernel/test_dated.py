"""Values in force on a day, and month arithmetic."""

from __future__ import annotations

from datetime import date

import pytest

from xinqiao.kernel.dated import Dated, NotInForce, add_months

THRESHOLD = Dated.of("threshold", [(date(2024, 1, 1), 2000), (date(2018, 1, 1), 1000)])


def test_the_value_of_the_day() -> None:
    assert [THRESHOLD.at(date(y, 6, 1)) for y in (2019, 2024)] == [1000, 2000]


def test_nothing_before_the_first() -> None:
    with pytest.raises(NotInForce):
        THRESHOLD.at(date(2017, 12, 31))


def test_a_day_begins_one_value() -> None:
    with pytest.raises(ValueError, match="same day"):
        Dated.of("x", [(date(2024, 1, 1), 1), (date(2024, 1, 1), 2)])


@pytest.mark.parametrize(
    ("day", "months", "result"),
    [("2024-01-31", 1, "2024-02-29"), ("2025-03-31", -1, "2025-02-28"), ("2025-12-15", 13, "2027-01-15")],
)
def test_months(day: str, months: int, result: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(result)
