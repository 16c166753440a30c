"""Working days with make-up days: the vectors of the two-working-day rule."""

from __future__ import annotations

from datetime import date

import pytest

from xinqiao.kernel.working_days import Deadline, WorkCalendar
from xinqiao.plumbing.settings import content_dir

CALENDAR = WorkCalendar.load(content_dir() / "calendar")


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-02-13", "2026-02-24"),  # Saturday 02-14 is worked, then Spring Festival
        ("2025-09-30", "2025-10-10"),
        ("2025-09-26", "2025-09-29"),  # Sunday 09-28 is worked
        ("2026-09-18", "2026-09-21"),
        ("2026-04-30", "2026-05-07"),
        ("2022-12-30", "2023-01-04"),
        ("2024-02-08", "2024-02-18"),  # 02-09 was a working day, 02-18 a worked Sunday
        ("2026-01-01", "2026-01-05"),  # received on a day off
    ],
)
def test_two_working_days_later(received: str, due: str) -> None:
    assert CALENDAR.add(date.fromisoformat(received), 2) == Deadline(date.fromisoformat(due), provisional=False)


@pytest.mark.parametrize(
    ("year", "days"), [(2021, 250), (2022, 249), (2023, 249), (2024, 251), (2025, 248), (2026, 248)]
)
def test_working_days_of_a_year(year: int, days: int) -> None:
    assert CALENDAR.between(date(year - 1, 12, 31), date(year, 12, 31)) == days


def test_a_year_file_may_name_days_of_its_neighbour() -> None:
    assert CALENDAR.is_working_day(date(2018, 12, 29))
    assert not CALENDAR.is_working_day(date(2022, 12, 31))


def test_an_unknown_year_is_provisional() -> None:
    deadline = CALENDAR.add(date(2026, 12, 31), 2)
    assert deadline == Deadline(date(2027, 1, 5), provisional=True)  # 1 January is statutory, then a weekend


def test_between_counts_backwards_too() -> None:
    assert CALENDAR.between(date(2026, 2, 24), date(2026, 2, 13)) == -2


def test_no_negative_term() -> None:
    with pytest.raises(ValueError, match="negative"):
        CALENDAR.add(date(2026, 1, 5), -1)
