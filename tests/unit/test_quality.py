"""Deadlines, weeks and what is usual: counted on known calendars, so that a wrong count shows."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from xinqiao.catalogue.load import parse_due
from xinqiao.catalogue.rules import Timeliness, duty
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.settings import content_dir
from xinqiao.quality.rules import (
    FINDING_TRANSITIONS,
    check_written,
    deadlines,
    has_shrunk,
    last_weeks,
    load_expectations,
    source_of,
    usual_rows,
    week_cells,
)
from xinqiao.quality.types import (
    Came,
    CellState,
    Figure,
    FindingState,
    InvalidExpectations,
    NothingWritten,
    SourceState,
)

CALENDAR = WorkCalendar.load(content_dir() / "calendar")
EXPECTED = load_expectations(content_dir() / "quality.toml")


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def state(due: str, last: str | None, today: str, outage: str | None = None) -> SourceState:
    on = day(last) if last else None
    return source_of("x", parse_due(due), on, day(today), calendar=CALENDAR, expected=EXPECTED, outage=outage).state


@pytest.mark.parametrize(
    ("due", "last", "today", "expected"),
    [
        ("daily", "11-18", "11-19", SourceState.ON_TIME),
        ("daily", "11-18", "11-20", SourceState.LATE),
        ("daily", "11-20", "11-23", SourceState.ON_TIME),  # Friday's comes again on Monday: Saturday is no working day
        ("daily", "11-20", "11-24", SourceState.LATE),
        ("daily", "11-20", "11-26", SourceState.LATE),  # three days late: still within the tolerance
        ("daily", "11-20", "11-27", SourceState.OVERDUE),
        ("monthly+20d", "09-10", "10-21", SourceState.ON_TIME),
        ("monthly+20d", "09-10", "10-22", SourceState.LATE),
        ("monthly+20d", "09-10", "11-06", SourceState.OVERDUE),
        ("7wd", "09-18", "09-29", SourceState.ON_TIME),
        ("7wd", "09-18", "09-30", SourceState.LATE),
        ("daily", None, "11-20", SourceState.NEVER),
    ],
)
def test_where_a_source_stands(due: str, last: str | None, today: str, expected: SourceState) -> None:
    assert state(due, last, today) is expected


def test_an_outage_is_the_reason_whatever_came_before() -> None:
    assert state("daily", "11-19", "11-20", outage="机房搬迁") is SourceState.DOWN
    assert state("daily", None, "11-20", outage="机房搬迁") is SourceState.DOWN


def test_a_missing_record_is_settled_only_while_the_source_keeps_its_duty() -> None:
    """Within the tolerance none is still none; never, down and long overdue each say their own reason."""
    found = {
        s: source_of("x", parse_due("daily"), on, day("11-27"), calendar=CALENDAR, expected=EXPECTED, outage=outage)
        for s, on, outage in (
            ("fresh", day("11-26"), None),
            ("late", day("11-24"), None),
            ("overdue", day("11-10"), None),
            ("never", None, None),
            ("down", day("11-26"), "机房搬迁"),
        )
    }
    assert {s: (f.settled, f.why) for s, f in found.items()} == {
        "fresh": (True, ""),
        "late": (True, ""),
        "overdue": (False, "source_late"),
        "never": (False, "never_shared"),
        "down": (False, "source_down"),
    }


def test_a_deadline_on_a_holiday_ends_with_the_next_working_day() -> None:
    """Saturday's deadline may be kept on Monday; on Tuesday it is missed."""
    stands = [
        duty(parse_due("daily"), day("11-20"), day(today), CALENDAR).timeliness for today in ("11-21", "11-23", "11-24")
    ]
    assert stands == [Timeliness.SOON, Timeliness.SOON, Timeliness.LATE]


def test_every_deadline_is_kept_or_missed_once() -> None:
    """Monthly by the 21st: August's kept, September's missed and made up for, then one after another."""
    came = [day("07-10"), day("08-19"), day("10-05")]
    found = deadlines(parse_due("monthly+20d"), came, day("12-24"), calendar=CALENDAR)
    assert [(d.due_on, d.came_on, d.met) for d in found] == [
        (day("08-21"), day("08-19"), True),
        (day("09-21"), day("10-05"), False),
        (day("11-21"), None, False),
        (day("12-21"), None, False),
    ]


def test_what_came_twice_on_a_day_is_one_delivery_day_and_the_future_is_no_matter() -> None:
    came = [day("11-16"), day("11-16"), day("11-17"), day("12-30")]
    found = deadlines(parse_due("daily"), came, day("11-18"), calendar=CALENDAR)
    assert [(d.due_on, d.met) for d in found] == [(day("11-17"), True)]


def weeks_of(due: str, came: list[str], today: str, down: list[tuple[str, str]] | None = None) -> list[CellState]:
    rows = [Came(f"D{n}", "x", day(on), 10) for n, on in enumerate(came)]
    spans = [(day(a), day(b)) for a, b in down or []]
    cells = week_cells(parse_due(due), rows, last_weeks(day(today), 5), day(today), calendar=CALENDAR, down=spans)
    return [cell.state for cell in cells]


CAME, LATE, NOTHING, MISSING, DOWN = (
    CellState.CAME,
    CellState.CAME_LATE,
    CellState.NOTHING_DUE,
    CellState.MISSING,
    CellState.DOWN,
)


def test_a_monthly_source_has_weeks_in_which_nothing_is_due() -> None:
    """Came on 28 October, due 21 November, a Saturday; Monday is the last day, so nothing is missing yet."""
    assert weeks_of("monthly+20d", ["09-15", "10-19"], "11-25") == [NOTHING, NOTHING, NOTHING, NOTHING, MISSING]
    assert weeks_of("monthly+20d", ["10-28"], "11-25") == [CAME, NOTHING, NOTHING, NOTHING, MISSING]
    assert weeks_of("monthly+20d", ["10-28"], "11-23") == [CAME, NOTHING, NOTHING, NOTHING, NOTHING]


def test_a_week_is_missing_late_or_down_and_says_which() -> None:
    """Weekly: one week left out, made up for in the next, then an outage."""
    came = ["10-26", "11-02", "11-18"]
    assert weeks_of("weekly", came, "11-25") == [CAME, CAME, MISSING, LATE, NOTHING]
    assert weeks_of("weekly", ["10-26", "11-02"], "11-25") == [CAME, CAME, MISSING, MISSING, MISSING]
    assert weeks_of("weekly", ["10-26", "11-02"], "11-25", [("11-10", "11-30")]) == [CAME, CAME, DOWN, DOWN, DOWN]


def test_a_daily_source_on_working_days_is_never_late() -> None:
    days = [day("10-26") + timedelta(days=n) for n in range(31)]
    came = [f"{d:%m-%d}" for d in days if d.weekday() < 5 and d <= day("11-25")]
    assert weeks_of("daily", came, "11-25") == [CAME] * 5


def test_before_the_first_delivery_every_week_is_missing() -> None:
    assert weeks_of("monthly+20d", [], "11-25") == [MISSING] * 5
    assert weeks_of("monthly+20d", ["11-11"], "11-25") == [MISSING, MISSING, CAME, NOTHING, NOTHING]


def test_what_is_usual_is_the_middle_of_the_earlier_ones() -> None:
    """Three at least; one that is odd does not move it; a delivery of under seven tenths has shrunk."""
    assert usual_rows([100, 110], EXPECTED) == 0
    assert usual_rows([100, 5, 110], EXPECTED) == 100
    assert usual_rows([100] * EXPECTED.history + [9_999] * 50, EXPECTED) == 100
    assert [has_shrunk(rows, 100, EXPECTED) for rows in (69, 70, 100)] == [True, False, False]
    assert not has_shrunk(0, 0, EXPECTED)


def test_a_hundred_per_cent_is_only_what_is_whole() -> None:
    assert [Figure(*f).hundredths for f in ((99_999, 100_000), (3, 3), (0, 4), (0, 0))] == [9_999, 10_000, 0, None]


def test_a_finding_that_comes_back_is_open_again() -> None:
    assert FINDING_TRANSITIONS.check(FindingState.CORRECTED, "reopen") is FindingState.OPEN
    assert not FINDING_TRANSITIONS.can(FindingState.CORRECTED, "explain")
    assert not FINDING_TRANSITIONS.can(FindingState.EXPLAINED, "explain")


@pytest.mark.parametrize("text", ["", "  ", "长" * 501])
def test_an_explanation_has_words(text: str) -> None:
    with pytest.raises(NothingWritten):
        check_written(text)
    assert check_written(" 两处办公 ") == "两处办公"


def test_settings_that_leave_something_out_are_refused_with_every_fault(tmp_path: Path) -> None:
    text = (content_dir() / "quality.toml").read_text("utf-8")
    for old, new in (("weeks = 13", "weeks = 0"), ("shrink_below = 0.7", "shrink_below = 7.0"), ("weekly = 7\n", "")):
        text = text.replace(old, new)
    (tmp_path / "quality.toml").write_text(text, "utf-8")
    with pytest.raises(InvalidExpectations) as caught:
        load_expectations(tmp_path / "quality.toml")
    assert [p.field for p in caught.value.problems] == ["shrink_below", "tolerance_days", "weeks"]
