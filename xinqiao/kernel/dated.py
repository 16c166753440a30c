"""Values with a first day in force, and month arithmetic."""

from __future__ import annotations

import secrets
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from xinqiao.kernel.errors import NotFound

T = TypeVar("T")

# The network's days are days in Beijing, whatever the machine's own time zone.
BEIJING = ZoneInfo("Asia/Shanghai")


def beijing_day(instant: datetime) -> date:
    """The day it is in Beijing at an aware instant."""
    return instant.astimezone(BEIJING).date()


def new_number(prefix: str, now: datetime, *, size: int = 4) -> str:
    """A number that tells the day in Beijing and nothing else; ``size`` random bytes make it one of its own."""
    return f"{prefix}{now.astimezone(BEIJING):%Y%m%d}-{secrets.token_hex(size)}"


class NotInForce(NotFound):
    """Nothing was in force on that day."""

    code = "kernel.not_in_force"
    title = "{on} 没有生效的“{name}”"


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """A value that changes on known days; the old ones are kept."""

    name: str
    rows: tuple[tuple[date, T], ...]

    @classmethod
    def of(cls, name: str, rows: Iterable[tuple[date, T]]) -> Dated[T]:
        """From (first day in force, value) pairs in any order; a day may stand once."""
        ordered = tuple(sorted(rows, key=lambda row: row[0]))
        days = [day for day, _ in ordered]
        if len(set(days)) != len(days):
            raise ValueError(f"{name}: two values begin on the same day")
        return cls(name, ordered)

    def at(self, on: date) -> T:
        """The value in force on a day; raises NotInForce before the first."""
        index = bisect_right([day for day, _ in self.rows], on)
        if not index:
            raise NotInForce(on=on, name=self.name)
        return self.rows[index - 1][1]


def add_months(day: date, months: int) -> date:
    """The same day ``months`` later (or earlier), or the last day of that month where it does not exist."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
