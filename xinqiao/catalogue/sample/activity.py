"""The monthly life of firms: sales, persons and electricity, and how they pay what is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

import numpy as np

from xinqiao.catalogue.sample.firms import Firms, between
from xinqiao.catalogue.sample.types import NEVER, Bools, Days, FirmModel, Floats, Ints

CURVES = ("sales", "persons", "kwh")
# Payment morale falls over these months from the usual to the distressed level.
DECAY_MONTHS = 6.0


@dataclass(frozen=True, slots=True)
class Activity:
    """Curves as matrices, one row a firm and one column a month; ``months`` are first days, oldest first."""

    months: Days
    curves: dict[str, Floats]


def window(until: date, months: int) -> Days:
    """First days of the last complete months on ``until``."""
    after = np.datetime64(until + timedelta(days=1), "M")
    return np.arange(after - months, after).astype("datetime64[D]")


def live(model: FirmModel, rng: np.random.Generator, firms: Firms, until: date) -> Activity:
    """Draw every firm's monthly curves; zero before it was registered."""
    months = window(until, model.months)
    sales = _sales_index(model, rng, firms, months)
    alive = months[None, :].astype("datetime64[M]") >= firms.registered[:, None].astype("datetime64[M]")
    industry = firms.kinds.industry
    per_person = np.array([i.sales for i in model.industries])[industry]
    power = np.array([i.kwh for i in model.industries])[industry]
    level = firms.persons * np.exp(rng.normal(0, 0.35, len(firms)))
    staff = np.maximum(np.rint(firms.persons[:, None] * _smooth(sales) ** 0.6), 1.0)
    use = (0.35 + 0.65 * sales) * rng.normal(1.0, 0.05, sales.shape).clip(0.7, 1.3)
    return Activity(
        months=months,
        curves={
            "sales": (per_person * level)[:, None] * sales * alive,
            "persons": staff * alive,
            "kwh": (power * firms.persons)[:, None] * use * alive,
        },
    )


def _sales_index(model: FirmModel, rng: np.random.Generator, firms: Firms, months: Days) -> Floats:
    """Sales relative to the firm's level: growth, season, the Spring Festival dip, noise and the fall in distress."""
    kinds, archetype = model.archetypes, firms.kinds.archetype
    growth = between(rng, [a.growth for a in kinds], archetype)
    season = between(rng, [a.season for a in kinds], archetype)
    noise = np.array([a.noise for a in kinds])[archetype]
    fall = between(rng, [a.fall for a in kinds], archetype)
    peak = np.array([i.peak for i in model.industries])[firms.kinds.industry]
    years = (np.arange(len(months)) - (len(months) - 1)) / 12.0
    month_of_year = months.astype("datetime64[M]").astype(np.int64) % 12 + 1
    index = np.power(1.0 + growth[:, None], years[None, :])
    index *= 1.0 + season[:, None] * np.cos(2 * np.pi * (month_of_year[None, :] - peak[:, None]) / 12.0)
    index *= np.where(month_of_year == 2, 0.82, 1.0)[None, :]
    index *= np.exp(rng.normal(0.0, 1.0, index.shape) * noise[:, None])
    return cast(Floats, index * np.power(1.0 - fall[:, None], months_in_distress(firms, months[None, :])))


def months_in_distress(firms: Firms, days: Days, firm: Ints | None = None) -> Floats:
    """Months since distress began at each day, zero before; ``firm`` picks the firm of each day."""
    start = firms.distress[:, None] if firm is None else firms.distress[firm]
    elapsed = (days - start).astype(np.int64) / 30.4375
    return cast(Floats, np.maximum(elapsed, 0.0))


def _smooth(index: Floats) -> Floats:
    """Mean of the last six months relative to its own latest value's scale: staff follows sales slowly."""
    total = np.cumsum(np.pad(index, ((0, 0), (6, 0)), mode="edge"), axis=1)
    return cast(Floats, np.maximum((total[:, 6:] - total[:, :-6]) / 6.0, 0.02))


def paid_part(model: FirmModel, rng: np.random.Generator, firms: Firms, firm: Ints, day: Days) -> Floats:
    """How much of what was due that day was paid, from 0 to 1; mostly all of it, or nothing."""
    usual = np.array([a.pays for a in model.archetypes])[firms.kinds.archetype[firm]]
    worst = np.array([a.pays_distressed for a in model.archetypes])[firms.kinds.archetype[firm]]
    depth = np.minimum(months_in_distress(firms, day, firm) / DECAY_MONTHS, 1.0)
    in_full = rng.random(len(firm)) < usual + (worst - usual) * depth
    some = np.where(rng.random(len(firm)) < 0.55, 0.0, rng.random(len(firm)))
    return cast(Floats, np.where(in_full, 1.0, some))


def distressed(firms: Firms, firm: Ints, day: Days) -> Bools:
    """Whether the firm was in distress on the day of its row."""
    return (firms.distress[firm] < NEVER) & (day >= firms.distress[firm])
