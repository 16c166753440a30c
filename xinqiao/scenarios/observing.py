"""Which loans or borrowers are observed on which day, and how each ended: from what institutions fed back."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow.compute as pc

from xinqiao.kernel.dated import add_months
from xinqiao.records.queries import standing_rows, without_planted
from xinqiao.scenarios.types import Observed, Scenario
from xinqiao.sharing.queries import current_list

QUARTER_MONTHS = (3, 6, 9, 12)


@dataclass(frozen=True, slots=True, order=True)
class Observation:
    """An enterprise seen on a day, before ``starts_on``, from which its outcome counts."""

    seen_on: date
    enterprise: str
    starts_on: date
    failed: bool


@dataclass(frozen=True, slots=True)
class History:
    """A borrower's reports: days of all of them, and of those that say the outcome."""

    reported: tuple[date, ...]
    failed: tuple[date, ...]


def observe(scenario: Scenario, *, now: datetime) -> list[Observation]:
    """Every observation whose outcome can be told, by day; once an enterprise and day."""
    histories = _histories(scenario, now)
    last = max((h.reported[-1] for h in histories.values()), default=date.min)
    starts = _starts(scenario, histories, now)
    return settled(starts, histories, months=scenario.months, last=last)


def settled(
    starts: Iterable[tuple[str, date]], histories: Mapping[str, History], *, months: int, last: date
) -> list[Observation]:
    """Starts whose whole performance window lies before ``last``, of borrowers reported in it and sound until then."""
    found = set()
    for enterprise, start in starts:
        history, end = histories.get(enterprise), add_months(start, months)
        if history is None or end > last or bisect_right(history.failed, start):
            continue
        if bisect_right(history.reported, end) == bisect_right(history.reported, start):
            continue  # nobody reported: how it ended is not known
        failed = bisect_right(history.failed, end) > bisect_right(history.failed, start)
        found.add(Observation(month_before(start), enterprise, start, failed))
    once = {(o.enterprise, o.seen_on): o for o in sorted(found, reverse=True)}
    return sorted(once.values())


def month_before(day: date) -> date:
    """The last day of the month before a day: nothing of the day itself is looked at."""
    return day.replace(day=1) - timedelta(days=1)


def _histories(scenario: Scenario, now: datetime) -> Mapping[str, History]:
    item = current_list().item(scenario.outcome_item)
    columns = ["_enterprise", "_occurred_on", scenario.outcome_field]
    table = without_planted(standing_rows(item, columns, known=now)).sort_by([("_occurred_on", "ascending")])
    reported: dict[str, list[date]] = {}
    failed: dict[str, list[date]] = {}
    words = set(scenario.outcome_values)
    for enterprise, day, word in zip(*(table.column(name).to_pylist() for name in columns), strict=True):
        if day is not None:
            reported.setdefault(enterprise, []).append(day)
            if word in words:
                failed.setdefault(enterprise, []).append(day)
    return {e: History(tuple(days), tuple(failed.get(e, ()))) for e, days in reported.items()}


def _starts(scenario: Scenario, histories: Mapping[str, History], now: datetime) -> Iterable[tuple[str, date]]:
    if scenario.observed is Observed.BORROWER:
        return [
            (e, first_after(day)) for e, h in histories.items() for day in h.reported if day.month in QUARTER_MONTHS
        ]
    item = current_list().item(scenario.observed_item)
    table = without_planted(standing_rows(item, ["_enterprise", "_occurred_on"], known=now))
    table = table.filter(pc.is_valid(table.column("_occurred_on")))
    return zip(table.column("_enterprise").to_pylist(), table.column("_occurred_on").to_pylist(), strict=True)


def first_after(day: date) -> date:
    """The first day of the month after a day."""
    return add_months(day.replace(day=1), 1)


def split_by_time(observations: Sequence[Observation], later_percent: int) -> tuple[list[int], list[int], list[int]]:
    """Rows to fit on, to calibrate on and to measure on; the later two share the newest days, by turns.

    A day is never on both sides of the cut.
    """
    days = [o.seen_on for o in observations]
    if not days:
        return [], [], []
    cut = bisect_left(days, days[min(len(days) - 1, len(days) * (100 - later_percent) // 100)])
    later = range(cut, len(days))
    return list(range(cut)), list(later[::2]), list(later[1::2])
