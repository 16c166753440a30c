"""When an item is due, and how late it is. Pure: the day and the calendar are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from xinqiao.catalogue.types import Due
from xinqiao.kernel.dated import add_months
from xinqiao.kernel.working_days import WorkCalendar

SOON = timedelta(days=5)


class Timeliness(StrEnum):
    """Where an item stands against its deadline."""

    NEVER = "never"  # nothing was ever delivered
    LATE = "late"
    SOON = "soon"  # due within five days
    ON_TIME = "on_time"


@dataclass(frozen=True, slots=True)
class Duty:
    """The next deadline of an item and where it stands."""

    due_on: date
    timeliness: Timeliness


def next_due(due: Due, last_on: date, calendar: WorkCalendar) -> date:
    """The day by which the next delivery after one on ``last_on`` must come.

    ``daily`` and ``weekly`` count from the last delivery; ``monthly+15d`` is the 15th day after the end of the
    month in which it came; ``yearly+120d`` likewise after the year; ``7wd`` seven working days after it.
    """
    if due.period == "workdays":
        return calendar.add(last_on, due.days).on
    if due.period == "daily":
        return last_on + timedelta(days=1 + due.days)
    if due.period == "weekly":
        return last_on + timedelta(days=7 + due.days)
    start = add_months(last_on.replace(day=1), 1) if due.period == "monthly" else date(last_on.year + 1, 1, 1)
    return start + timedelta(days=due.days)


def last_day(due_on: date, calendar: WorkCalendar) -> date:
    """The last day on which a delivery is still in time: a deadline that is no working day ends with the next one.

    So says article 203 of the Civil Code of every period whose last day is a holiday.
    """
    return due_on if calendar.is_working_day(due_on) else calendar.add(due_on, 1).on


def duty(due: Due, last_on: date | None, today: date, calendar: WorkCalendar) -> Duty:
    """Where an item stands today; one never delivered is due today."""
    if last_on is None:
        return Duty(today, Timeliness.NEVER)
    on = next_due(due, last_on, calendar)
    if last_day(on, calendar) < today:
        return Duty(on, Timeliness.LATE)
    return Duty(on, Timeliness.SOON if on <= today + SOON else Timeliness.ON_TIME)
