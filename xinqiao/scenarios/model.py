"""The frozen model: characteristics with integer points, a score, a table from score to probability. Pure, exact.

The document is what is stored and hashed; scoring reads nothing else, so a score can be recomputed from it at any time.
``characteristics``: ``of`` one or two indicators, an axis for each (``cuts`` in whole units of ``10 ** -places``, or
``groups`` of words), and ``points`` row by row; place 0 of an axis is *not known*.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.scenarios.frame import Column, Frame, Ints, whole_units

MILLION = 1_000_000
Value = Any  # int, Decimal, str or None


@dataclass(frozen=True, slots=True)
class Axis:
    """One indicator's bins: numbers from each cut on, or groups of words. Place 0 is *not known*."""

    indicator: str
    places: int | None
    cuts: tuple[int, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()

    @property
    def size(self) -> int:
        """Places, *not known* included."""
        return (len(self.cuts) + 1 if self.places is not None else len(self.groups)) + 1

    def place(self, value: Value) -> int:
        """Where one value falls; a word that training never saw is not known."""
        if value is None:
            return 0
        if self.places is not None:
            return bisect_right(self.cuts, whole_units(value, self.places)) + 1
        return next((n for n, group in enumerate(self.groups, 1) if str(value) in group), 0)

    def inside(self, place: int) -> int:
        """A whole number that falls into a bin of numbers."""
        if not self.cuts:
            return 0
        return self.cuts[0] - 1 if place == 1 else self.cuts[place - 2]

    def places_of(self, column: Column) -> Ints:
        """Where the values of a column fall."""
        if self.places is not None:
            found = np.searchsorted(np.array(self.cuts, np.int64), column.values, side="right") + 1
        else:
            table = {word: n for n, group in enumerate(self.groups, 1) for word in group}
            found = np.array([table.get(word, 0) for word in column.values], np.int64)
        return np.where(column.known, found, 0).astype(np.int64)

    def document(self) -> dict[str, Any]:
        """As stored."""
        bins = (
            {"cuts": list(self.cuts), "places": self.places}
            if self.places is not None
            else {"groups": [list(group) for group in self.groups]}
        )
        return {"indicator": self.indicator, **bins}

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Axis:
        """From storage."""
        groups = tuple(tuple(group) for group in raw.get("groups", ()))
        return cls(raw["indicator"], raw.get("places"), tuple(raw.get("cuts", ())), groups)


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One or two indicators and the points of each cell."""

    axes: tuple[Axis, ...]
    points: tuple[int, ...]
    woe: tuple[str, ...] = ()  # of a single indicator: the weight of evidence of each place, six decimals
    counts: tuple[tuple[int, int], ...] = ()  # of a single indicator: (rows, events) of each place

    @property
    def indicators(self) -> tuple[str, ...]:
        """What it looks at."""
        return tuple(axis.indicator for axis in self.axes)

    @property
    def span(self) -> int:
        """Points between its best and its worst cell: its weight."""
        return max(self.points) - min(self.points)

    def knows(self, values: Mapping[str, Value]) -> bool:
        """Whether all it looks at is known of a firm."""
        return all(axis.place(values.get(axis.indicator)) for axis in self.axes)

    def points_for(self, values: Mapping[str, Value]) -> int:
        """The points of one firm's values."""
        place = 0
        for axis in self.axes:
            place = place * axis.size + axis.place(values.get(axis.indicator))
        return self.points[place]

    def points_of(self, frame: Mapping[str, Column]) -> Ints:
        """The points of every row."""
        place: Ints = np.zeros(1, np.int64)
        for axis in self.axes:
            place = place * axis.size + axis.places_of(frame[axis.indicator])
        return np.array(self.points, np.int64)[place]

    def document(self) -> dict[str, Any]:
        """As stored."""
        found: dict[str, Any] = {"axes": [axis.document() for axis in self.axes], "points": list(self.points)}
        if self.woe:
            found |= {"woe": list(self.woe), "counts": [list(pair) for pair in self.counts]}
        return found

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Characteristic:
        """From storage."""
        counts = tuple((int(rows), int(events)) for rows, events in raw.get("counts", ()))
        return cls(tuple(map(Axis.read, raw["axes"])), tuple(raw["points"]), tuple(raw.get("woe", ())), counts)


@dataclass(frozen=True)
class Model:
    """A frozen model. ``probabilities`` are millionths, one for each score from ``lowest`` on, falling."""

    base: int
    characteristics: tuple[Characteristic, ...]
    lowest: int
    probabilities: tuple[int, ...]

    @property
    def indicators(self) -> tuple[str, ...]:
        """Every indicator it looks at, once."""
        return tuple(dict.fromkeys(code for c in self.characteristics for code in c.indicators))

    @property
    def maximum(self) -> int:
        """The highest score."""
        return self.base + sum(max(c.points) for c in self.characteristics)

    @cached_property
    def weight(self) -> int:
        """Sum of the weights of all characteristics."""
        return sum(c.span for c in self.characteristics)

    def score(self, values: Mapping[str, Value]) -> int:
        """The score of one firm."""
        return self.base + sum(c.points_for(values) for c in self.characteristics)

    def places(self, frame: Frame) -> Iterator[tuple[Characteristic, Ints]]:
        """The characteristics of one indicator, each with where every row falls."""
        columns = frame.by_code
        for one in self.characteristics:
            if len(one.axes) == 1:
                yield one, one.axes[0].places_of(columns[one.indicators[0]])

    def scores(self, frame: Frame) -> Ints:
        """The score of every row, in exact integers."""
        columns = frame.by_code
        total: Ints = np.full(len(frame.failed), self.base, np.int64)
        for one in self.characteristics:
            total = total + one.points_of(columns)
        return total

    def probability(self, score: int) -> int:
        """Probability of the event at a score, in millionths."""
        return self.probabilities[min(max(score - self.lowest, 0), len(self.probabilities) - 1)]

    def document(self) -> dict[str, Any]:
        """As stored."""
        return {
            "base": self.base,
            "characteristics": [c.document() for c in self.characteristics],
            "lowest": self.lowest,
            "probabilities": list(self.probabilities),
        }

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Model:
        """From storage."""
        parts = tuple(map(Characteristic.read, raw["characteristics"]))
        return cls(raw["base"], parts, raw["lowest"], tuple(raw["probabilities"]))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON."""
        return sha256_hex(canonical_bytes(self.document()))
