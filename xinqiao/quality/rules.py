"""Deadlines kept and missed, what a week brought, what is usual, where a source stands. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from statistics import median_low

from xinqiao.catalogue.rules import last_day, next_due
from xinqiao.catalogue.types import Due
from xinqiao.kernel.errors import Problem
from xinqiao.kernel.transitions import Transitions
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.quality.types import (
    Came,
    Cell,
    CellState,
    Deadline,
    Expectations,
    FindingState,
    InvalidExpectations,
    NothingWritten,
    Source,
    SourceState,
)

PERIODS = ("daily", "weekly", "monthly", "yearly", "workdays")
WEEK = timedelta(days=7)
MOST_WORDS = 500

FINDING_TRANSITIONS: Transitions[FindingState] = Transitions(
    {
        FindingState.OPEN: {"explain": FindingState.EXPLAINED, "correct": FindingState.CORRECTED},
        FindingState.EXPLAINED: {"correct": FindingState.CORRECTED, "reopen": FindingState.OPEN},
        FindingState.CORRECTED: {"reopen": FindingState.OPEN},
    },
    names={
        "open": "待说明",
        "explained": "已说明",
        "corrected": "已更正",
        "explain": "说明",
        "correct": "更正",
        "reopen": "重新打开",
    },
)


@cache
def load_expectations(path: Path) -> Expectations:
    """``quality.toml``; raises InvalidExpectations with every fault."""
    raw = tomllib.loads(path.read_text("utf-8"))
    problems = [Problem(field=name, code="quality", message=f"{path.name}: {name}") for name in sorted(_faults(raw))]
    if problems:
        raise InvalidExpectations(problems)
    numbers = {name: raw[name] for name in ("weeks", "window_days", "history", "least_history", "findings_per_rule")}
    return Expectations(
        basis=raw["basis"], shrink_below=raw["shrink_below"], tolerance_days=dict(raw["tolerance_days"]), **numbers
    )


def _faults(raw: Mapping[str, object]) -> Iterator[str]:
    for name in ("weeks", "window_days", "history", "least_history", "findings_per_rule"):
        value = raw.get(name)
        if not isinstance(value, int) or value < 1:
            yield name
    share = raw.get("shrink_below")
    if not isinstance(share, float) or not 0 < share < 1:
        yield "shrink_below"
    days = raw.get("tolerance_days")
    if not isinstance(days, dict) or set(days) != set(PERIODS) or any(d < 0 for d in days.values()):
        yield "tolerance_days"
    if not raw.get("basis"):
        yield "basis"


def check_written(text: str, *, field: str = "reason") -> str:
    """The text without its margins; raises NothingWritten for none, or for too much."""
    said = text.strip()
    if not said or len(said) > MOST_WORDS:
        raise NothingWritten([Problem(field=field, code="words", message=NothingWritten.next_step)])
    return said


def source_of(
    item: str,
    due: Due,
    last_on: date | None,
    today: date,
    *,
    calendar: WorkCalendar,
    expected: Expectations,
    outage: str | None = None,
) -> Source:
    """Where a source stands on a day. An outage (``outage`` says why) is the reason whatever came before."""
    due_on = next_due(due, last_on, calendar) if last_on else None
    if outage is not None:
        return Source(item, SourceState.DOWN, last_on, due_on, outage)
    if due_on is None:
        return Source(item, SourceState.NEVER, None, None)
    days_late = (today - last_day(due_on, calendar)).days
    if days_late <= 0:
        return Source(item, SourceState.ON_TIME, last_on, due_on)
    beyond = days_late > expected.tolerance_days[due.period]
    return Source(item, SourceState.OVERDUE if beyond else SourceState.LATE, last_on, due_on)


def deadlines(due: Due, came: Iterable[date], today: date, *, calendar: WorkCalendar) -> list[Deadline]:
    """Every deadline from the first delivery on, kept or missed; one that is still open is not among them.

    A source that stays away misses one deadline after the other, each counted from the one before; what comes then
    ends the last of them.
    """
    found: list[Deadline] = []
    for day, following in _gaps(came, today):
        missed = list(_missed(due, day, following or today, calendar))
        if following and missed:
            missed[-1] = Deadline(missed[-1].due_on, following, met=False)
        elif following:
            missed = [Deadline(next_due(due, day, calendar), following, met=True)]
        found += missed
    return found


def _gaps(came: Iterable[date], today: date) -> Iterator[tuple[date, date | None]]:
    """Each day on which something came, with the next one."""
    days = sorted({day for day in came if day <= today})
    yield from zip(days, [*days[1:], None], strict=True) if days else ()


def _missed(due: Due, day: date, until: date, calendar: WorkCalendar) -> Iterator[Deadline]:
    on = next_due(due, day, calendar)
    while last_day(on, calendar) < until:
        yield Deadline(on, None, met=False)
        on = next_due(due, on, calendar)


def _waited(due: Due, came: Iterable[date], today: date, calendar: WorkCalendar) -> list[tuple[date, date]]:
    """Spans in which something was waited for: from the day after a deadline to the delivery, or to today."""
    found = []
    for day, following in _gaps(came, today):
        begin = last_day(next_due(due, day, calendar), calendar) + timedelta(days=1)
        end = following or today
        if begin <= end:
            found.append((begin, end))
    return found


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def last_weeks(today: date, weeks: int) -> list[date]:
    """The Mondays of the last so many weeks, this one last."""
    return [monday(today) - WEEK * n for n in reversed(range(weeks))]


def week_cells(
    due: Due,
    came: Sequence[Came],
    weeks: Sequence[date],
    today: date,
    *,
    calendar: WorkCalendar,
    down: Sequence[tuple[date, date]] = (),
) -> list[Cell]:
    """What each week brought: came, came late, nothing due, missing, or down (``down`` are spans of outages).

    Before the first delivery of all, every week is missing: the item is on the list.
    """
    days = [c.on for c in came]
    first = min(days, default=today + WEEK)
    late = {d.came_on for d in deadlines(due, days, today, calendar=calendar) if not d.met}
    waited = [(date.min, first - timedelta(days=1)), *_waited(due, days, today, calendar)]
    cells = []
    for week in weeks:
        own = [c for c in came if week <= c.on < week + WEEK]
        if own:
            state = CellState.CAME_LATE if late & {c.on for c in own} else CellState.CAME
        elif _touches(down, week):
            state = CellState.DOWN
        else:
            state = CellState.MISSING if _touches(waited, week) else CellState.NOTHING_DUE
        cells.append(Cell(week, state, len(own), sum(c.rows for c in own)))
    return cells


def _touches(spans: Iterable[tuple[date, date]], week: date) -> bool:
    return any(begin < week + WEEK and end >= week for begin, end in spans)


def usual_rows(earlier: Sequence[int], expected: Expectations) -> int:
    """The middle of the rows of earlier deliveries, newest first; 0 when there are too few to say."""
    counts = list(earlier[: expected.history])
    return int(median_low(counts)) if len(counts) >= expected.least_history else 0


def has_shrunk(rows: int, usual: int, expected: Expectations) -> bool:
    """Whether a delivery is well below what is usual."""
    return bool(usual) and rows < usual * expected.shrink_below
