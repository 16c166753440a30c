"""Which firm has rows of an item, and on which days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import cast

import numpy as np

from xinqiao.catalogue.sample.activity import Activity
from xinqiao.catalogue.sample.firms import MONTH_DAYS, Firms
from xinqiao.catalogue.sample.plan import ItemPlan
from xinqiao.catalogue.sample.types import NEVER, Bools, Days, FirmModel, Floats, Ints

Generator = np.random.Generator


@dataclass(frozen=True, slots=True)
class Rows:
    """One element a row: its firm, day, month of the window (nearest to its day), place among the firm's rows."""

    firm: Ints
    day: Days
    month: Ints
    ordinal: Ints
    of: Ints

    def __len__(self) -> int:
        return len(self.firm)


def draw_rows(model: FirmModel, rng: Generator, plan: ItemPlan, firms: Firms, activity: Activity, until: date) -> Rows:
    """The rows of a chunk of firms, ordered by firm and day."""
    has = _has(model, rng, plan, firms)
    if plan.rows == "monthly":
        return _monthly(rng, plan, firms, activity, has)
    if plan.rows == "yearly":
        return _placed(_yearly(plan, firms, has, until), activity)
    if plan.rows == "events":
        return _placed(_events(rng, plan, firms, has, until), activity)
    low, high = plan.count
    return _repeat(firms, np.where(has, rng.integers(low, high + 1, len(firms)), 0))


def _placed(rows: Rows, activity: Activity) -> Rows:
    """The rows with the month of the curves that each day falls in."""
    first = activity.months[0].astype("datetime64[M]").astype(np.int64)
    month = rows.day.astype("datetime64[M]").astype(np.int64) - first
    return replace(rows, month=np.clip(month, 0, len(activity.months) - 1))


def _has(model: FirmModel, rng: Generator, plan: ItemPlan, firms: Firms) -> Bools:
    """Firms that have the item; a demonstration firm has what most of its archetype have."""
    share = np.array(plan.has)[firms.kinds.archetype]
    drawn = np.where(firms.demo, share >= 0.5, rng.random(len(firms)) < share)
    allowed = np.array([code in plan.classes for code in model.classes])[firms.kinds.class_]
    return cast(Bools, drawn & allowed)


def _repeat(firms: Firms, times: Ints) -> Rows:
    """``times`` rows a firm, dated at its registration."""
    firm = np.repeat(np.arange(len(firms)), times)
    first = np.repeat(np.cumsum(times) - times, times)
    zero = np.zeros(len(firm), np.int64)
    return Rows(firm, firms.registered[firm], zero, np.arange(len(firm)) - first, times[firm])


def _monthly(rng: Generator, plan: ItemPlan, firms: Firms, activity: Activity, has: Bools) -> Rows:
    months = activity.months
    grid = (months[None, :] >= firms.registered[:, None]) & has[:, None]
    grid &= rng.random(grid.shape) >= plan.gap
    grid[:, : max(len(months) - plan.window_months, 0)] = False
    firm, month = np.nonzero(grid)
    zero = np.zeros(len(firm), np.int64)
    return Rows(firm.astype(np.int64), months[month], month.astype(np.int64), zero, zero + 1)


def _yearly(plan: ItemPlan, firms: Firms, has: Bools, until: date) -> Rows:
    days = [np.datetime64(f"{year}-{plan.on}", "D") for year in range(until.year - plan.years, until.year + 1)]
    past = np.array([day for day in days if day <= np.datetime64(until, "D")][-plan.years :], "datetime64[D]")
    firm, index = np.nonzero((past[None, :] >= firms.registered[:, None]) & has[:, None])
    zero = np.zeros(len(firm), np.int64)
    return Rows(firm.astype(np.int64), past[index], zero, zero, zero + 1)


def _events(rng: Generator, plan: ItemPlan, firms: Firms, has: Bools, until: date) -> Rows:
    """A Poisson number of days, evenly spread over the time in which the event can happen."""
    end = np.datetime64(until, "D")
    fails = firms.distress < NEVER
    first = np.maximum(firms.registered, end - int(plan.window_months * MONTH_DAYS))
    if plan.after:
        low, high = plan.delay_months
        delay = (rng.uniform(low, high, len(firms)) * MONTH_DAYS).astype(np.int64)
        start = firms.default if plan.after == "default" else firms.distress
        first = np.where(fails, np.maximum(np.where(fails, start, end) + delay, first), first)
    last = np.where(fails & (plan.until == "distress"), firms.distress, end)
    span = np.maximum((last - first).astype(np.int64), 0).astype(np.float64)
    expected = np.array(plan.per_year)[firms.kinds.archetype] * span / 365.25
    times = _times(rng, expected, firms.demo, plan.at_most) * has
    rows = _repeat(firms, times)
    offset = np.floor(rng.random(len(rows)) * (span[rows.firm] + 1)).astype(np.int64)
    day: Days = first.astype("datetime64[D]")[rows.firm] + offset.astype("timedelta64[D]")
    ordered: Days = day[np.lexsort((day, rows.firm))]
    return Rows(rows.firm, ordered, rows.month, rows.ordinal, rows.of)


def _times(rng: Generator, expected: Floats, demo: Bools, at_most: int) -> Ints:
    """How often; a demonstration firm has what is expected of its archetype, so that it always tells its story."""
    drawn = np.where(demo, np.rint(expected), rng.poisson(expected))
    return cast(Ints, np.minimum(drawn, at_most).astype(np.int64))
