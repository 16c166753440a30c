"""Working days (工作日): weekdays that are not off, and make-up days, by the yearly notices of the State Council.

The day of receipt is not counted; the next working day is day one (Civil Code art. 201). A year without a
notice falls back to weekends and the statutory holidays that have fixed dates, and says so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

from xinqiao.kernel.dated import BEIJING, beijing_day

# Fixed-date statutory holidays since 2025; the lunar ones are known only from the notice.
STATUTORY = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
LOOK_AHEAD = 4000


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day of a period; ``provisional`` when a year on the way had no notice yet."""

    on: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a period of working days has run: its last day, the share run in percent, whole working days left."""

    due_on: date
    percent: int
    workdays_left: int
    over: bool
    provisional: bool


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Off days and make-up working days of all known years, merged: a year's notice may name days of its neighbour."""

    off: frozenset[date]
    made_up: frozenset[date]
    years: frozenset[int]

    @classmethod
    def load(cls, folder: Path) -> WorkCalendar:
        """From ``<year>.toml`` files with ``off`` and ``worked`` lists of dates."""
        return _load(folder)

    @classmethod
    def of(cls, years: Iterable[tuple[int, Iterable[date], Iterable[date]]]) -> WorkCalendar:
        """From (year, off days, make-up days)."""
        rows = [(year, frozenset(off), frozenset(worked)) for year, off, worked in years]
        return cls(
            off=frozenset().union(*(off for _, off, _ in rows)),
            made_up=frozenset().union(*(worked for _, _, worked in rows)),
            years=frozenset(year for year, _, _ in rows),
        )

    def is_known(self, day: date) -> bool:
        """Whether the notice of that day's year is loaded."""
        return day.year in self.years

    def is_working_day(self, day: date) -> bool:
        """Whether work is done that day; by fallback when the year is not known."""
        if day in self.made_up:
            return True
        if day.weekday() >= 5 or day in self.off:
            return False
        return self.is_known(day) or (day.month, day.day) not in STATUTORY

    def add(self, day: date, workdays: int) -> Deadline:
        """The ``workdays``-th working day after ``day`` (which is not counted); ``workdays`` is at least 0."""
        if workdays < 0:
            raise ValueError("workdays must not be negative")
        current, provisional = day, not self.is_known(day)
        for _ in range(LOOK_AHEAD):
            if not workdays:
                return Deadline(current, provisional)
            current += timedelta(days=1)
            provisional |= not self.is_known(current)
            workdays -= self.is_working_day(current)
        raise ValueError("more working days than the calendar can look ahead")

    def progress(self, begun: date, workdays: int, *, now: datetime) -> Progress:
        """How a period that began on a day stands: that day is not counted, it ends with the last working day.

        The share that has run counts working days as whole days of 24 hours in Beijing; it is 100 only once over.
        """
        due, today = self.add(begun, workdays), beijing_day(now)
        over = today > due.on
        share = self._worked(begun, now) / timedelta(days=workdays) if workdays else 0.0
        left = 0 if over else self.between(today, due.on)
        return Progress(due.on, 100 if over else min(99, int(share * 100)), left, over, due.provisional)

    def _worked(self, begun: date, now: datetime) -> timedelta:
        """Working time since the end of a day: whole working days, and what has passed of today if it is one."""
        today = beijing_day(now)
        if today <= begun:
            return timedelta()
        rest = timedelta()
        if self.is_working_day(today):
            rest = now - datetime.combine(today, time(), BEIJING)
        return timedelta(days=self.between(begun, today - timedelta(days=1))) + rest

    def between(self, start: date, end: date) -> int:
        """Working days after ``start`` up to and including ``end``; negative when ``end`` lies before."""
        if end < start:
            return -self.between(end, start)
        days = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
        return sum(map(self.is_working_day, days))


@cache
def _load(folder: Path) -> WorkCalendar:
    rows = []
    for path in sorted(folder.glob("*.toml")):
        raw = tomllib.loads(path.read_text("utf-8"))
        rows.append((raw["year"], raw["off"], raw["worked"]))
    return WorkCalendar.of(rows)
