"""Draws firms in bulk: what kind they are, when they were founded, whether and when they fail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import cast

import numpy as np
import pyarrow as pa

from xinqiao.catalogue.sample.spell import choose
from xinqiao.catalogue.sample.types import NEVER, Bools, Days, FirmModel, Floats, Ints, Range

OLDEST = np.datetime64("1985-01-01", "D")
MONTH_DAYS = 30.4375


@dataclass(slots=True)
class Kinds:
    """Indices into the model, one element a firm."""

    archetype: Ints
    class_: Ints
    industry: Ints
    form: Ints
    place: Ints

    def __len__(self) -> int:
        return len(self.archetype)


@dataclass(slots=True)
class Firms:
    """A chunk of firms. ``distress`` and ``default`` are NEVER for firms that do not fail."""

    kinds: Kinds
    registered: Days
    distress: Days
    default: Days
    persons: Floats
    capital_fen: Ints
    paid_in: Floats
    demo: Bools

    def __len__(self) -> int:
        return len(self.kinds)


@dataclass(frozen=True, slots=True)
class Registered:
    """What a real registration says of each firm of a chunk; names, codes and streets are not among it.

    ``division`` is null where the code holds no readable one, ``registered_on`` where no day is stated.
    """

    class_: Ints
    division: pa.Array
    city: pa.Array
    entity_type: pa.Array
    capital: pa.Array
    registered_on: pa.Array


def draw_kinds(model: FirmModel, rng: np.random.Generator, count: int, given: Registered | None = None) -> Kinds:
    """What kind of firm each is; the entity class is the given one in registration mode."""
    class_ = choose(rng, list(model.classes.values()), count) if given is None else given.class_
    return Kinds(
        archetype=choose(rng, [a.weight for a in model.archetypes], count),
        class_=class_,
        industry=_by_class(rng, class_, [_industry_weights(model, code) for code in model.classes]),
        form=_by_class(rng, class_, [_form_weights(model, code) for code in model.classes]),
        place=choose(rng, [p.weight for p in model.places], count),
    )


def _industry_weights(model: FirmModel, class_: str) -> list[float]:
    """Trades open to a class; a cooperative does only what is named for it."""
    named = [class_ in i.classes for i in model.industries]
    if class_ == "93" and any(named):
        return [i.weight * n for i, n in zip(model.industries, named, strict=True)]
    return [i.weight * (n or not i.classes) for i, n in zip(model.industries, named, strict=True)]


def _form_weights(model: FirmModel, class_: str) -> list[float]:
    return [f.weight if f.class_ == class_ else 0.0 for f in model.forms]


def _by_class(rng: np.random.Generator, class_: Ints, weights: list[list[float]]) -> Ints:
    drawn = np.zeros(len(class_), np.int64)
    for index, row in enumerate(weights):
        drawn = np.where(class_ == index, choose(rng, row, len(class_)), drawn)
    return drawn


def set_demo_kinds(model: FirmModel, kinds: Kinds) -> int:
    """Turn the first firms into the demonstration firms; answers how many there are."""
    count = min(len(model.demo_firms), len(kinds))
    for number, demo in enumerate(model.demo_firms[:count]):
        kinds.archetype[number] = [a.code for a in model.archetypes].index(demo.archetype)
        kinds.industry[number] = [i.code for i in model.industries].index(demo.industry)
        kinds.class_[number] = list(model.classes).index(demo.uscc[:2])
        kinds.form[number] = [f.class_ for f in model.forms].index(demo.uscc[:2])
        kinds.place[number] = [p.division for p in model.places].index(demo.division)
    return count


def draw_firms(
    model: FirmModel,
    rng: np.random.Generator,
    kinds: Kinds,
    *,
    demos: int,
    until: date,
    registered_on: pa.Array | None = None,
) -> Firms:
    """Age, size, capital and failure of firms of those kinds; the first ``demos`` are demonstration firms."""
    count = len(kinds)
    end = np.datetime64(until, "D")
    distress, default = _failure(model, rng, kinds.archetype, end)
    persons = _persons(model, rng, kinds)
    firms = Firms(
        kinds=kinds,
        registered=_founded(model, rng, kinds.archetype, end),
        distress=distress,
        default=default,
        persons=persons,
        capital_fen=_capital(model, rng, persons),
        paid_in=between(rng, [a.paid_in for a in model.archetypes], kinds.archetype),
        demo=np.arange(count) < demos,
    )
    if registered_on is not None:
        known = registered_on.is_valid().to_numpy(zero_copy_only=False)
        days = registered_on.cast(pa.int32()).fill_null(0).to_numpy().astype("datetime64[D]")
        firms.registered = np.where(known, np.minimum(days, end), firms.registered)
    for number, demo in enumerate(model.demo_firms[:demos]):
        firms.registered[number] = np.datetime64(demo.registered_on, "D")
        firms.persons[number] = demo.persons
    firms.distress = np.maximum(firms.distress, firms.registered)
    firms.default = np.maximum(firms.default, firms.distress)
    return firms


def between(rng: np.random.Generator, ranges: list[Range], kind: Ints) -> Floats:
    """A uniform draw from the range that belongs to each element's kind."""
    low, high = np.array(ranges, dtype=np.float64).T
    return cast(Floats, low[kind] + rng.random(len(kind)) * (high - low)[kind])


def _founded(model: FirmModel, rng: np.random.Generator, archetype: Ints, end: np.datetime64) -> Days:
    years = np.array([a.age_years for a in model.archetypes])[archetype]
    days = model.founded_before_months * MONTH_DAYS + rng.exponential(1.0, len(archetype)) * years * 365.25
    return cast(Days, np.maximum(end - days.astype(np.int64), OLDEST))


def _persons(model: FirmModel, rng: np.random.Generator, kinds: Kinds) -> Floats:
    """Log-normal around the archetype's median; individual businesses and cooperatives are smaller."""
    median = np.array([a.persons for a in model.archetypes])[kinds.archetype]
    scale = np.array([1.0 if code == "91" else 0.3 for code in model.classes])[kinds.class_]
    return cast(Floats, np.maximum(np.rint(median * scale * np.exp(rng.normal(0, 0.9, len(kinds)))), 1.0))


def _capital(model: FirmModel, rng: np.random.Generator, persons: Floats) -> Ints:
    """A usual amount, larger for larger firms, in fen."""
    amounts = np.array(model.capital_amounts, dtype=np.int64)
    rank = np.clip(np.log2(persons) + rng.normal(2.5, 2.0, len(persons)), 0, len(amounts) - 1)
    return amounts[rank.astype(np.int64)] * 1_000_000


def _failure(model: FirmModel, rng: np.random.Generator, archetype: Ints, end: np.datetime64) -> tuple[Days, Days]:
    """Days on which distress and default begin."""
    kinds = model.archetypes
    fails = np.array([a.distress_months_ago is not None for a in kinds])[archetype]
    ago = between(rng, [a.distress_months_ago or (0.0, 0.0) for a in kinds], archetype) * MONTH_DAYS
    later = between(rng, [a.default_after_months or (0.0, 0.0) for a in kinds], archetype) * MONTH_DAYS
    distress = end - ago.astype(np.int64)
    default = np.minimum(distress + later.astype(np.int64), end)
    return np.where(fails, distress, NEVER), np.where(fails, default, NEVER)
