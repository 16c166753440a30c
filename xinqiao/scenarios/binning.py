"""Bins of one indicator with their weight of evidence: optbinning's solver, one direction over the whole range."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import ceil, log

import numpy as np

from xinqiao.scenarios.frame import Bools, Column, Floats, Ints
from xinqiao.scenarios.model import Axis

PREBINS = 20
SMALLEST = 0.03  # share of the rows a bin holds at least
RARE = 0.01  # words rarer than that share a bin
DRAWN = 20.0  # rows of the usual outcome added to those of which it is not known
HALF = 0.5  # added to empty counts, so that a weight of evidence is finite


@dataclass(frozen=True, slots=True)
class Binned:
    """An indicator in bins: the weight of evidence (log of good over bad shares) of each place; not known weighs 0."""

    axis: Axis
    woe: tuple[float, ...]
    counts: tuple[tuple[int, int], ...]
    value: float  # information value

    def of(self, column: Column) -> Floats:
        """The weight of evidence of every row."""
        return np.array(self.woe)[self.axis.places_of(column)]


def bin_column(column: Column, failed: Bools, *, silence_counts: bool = False) -> Binned | None:
    """The optimal bins of a column; None when it says nothing: constant, unknown, or one bin is best.

    What is not known weighs nothing unless ``silence_counts``; then by what came of such rows, drawn towards nothing
    where they are few.
    """
    known = np.flatnonzero(column.known)
    if len(known) == 0 or len(np.unique(column.values[known])) < 2 or len(np.unique(failed[known])) < 2:
        return None
    axis = _axis(column.at(known), failed[known])
    if axis is None or axis.size < 3:
        return None
    woe, counts, value = _evidence(axis.places_of(column), failed, axis.size, silence_counts)
    return Binned(axis, woe, counts, value)


def _axis(column: Column, failed: Bools) -> Axis | None:
    from optbinning import OptimalBinning

    shape = (
        {"dtype": "numerical", "monotonic_trend": "auto_asc_desc"}
        if column.is_number
        else {"dtype": "categorical", "cat_cutoff": RARE}
    )
    binning = OptimalBinning(
        name=column.code, solver="mip", max_n_prebins=PREBINS, min_prebin_size=SMALLEST, time_limit=60, **shape
    )
    values = column.values.astype(np.float64) if column.is_number else column.values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries of libraries announce changes of their own
        binning.fit(values, failed.astype(np.int64))
    if column.is_number:
        cuts = tuple(sorted({ceil(cut) for cut in binning.splits.tolist()}))
        return Axis(column.code, column.places, cuts=cuts) if cuts else None
    groups = tuple(tuple(sorted(map(str, group))) for group in binning.splits)
    return Axis(column.code, None, groups=groups)


def _evidence(
    places: Ints, failed: Bools, size: int, silence_counts: bool
) -> tuple[tuple[float, ...], tuple[tuple[int, int], ...], float]:
    rows = np.bincount(places, minlength=size)
    events = np.bincount(places[failed], minlength=size)
    first = 0 if silence_counts else 1
    bad = int(events[first:].sum())
    good = int(rows[first:].sum()) - bad
    woe, value = [], 0.0
    for place, (here, fell) in enumerate(zip(rows, events, strict=True)):
        drawn = DRAWN if place == 0 else 0.0
        of_good = max(float(here - fell) + drawn, HALF) / good
        of_bad = max(float(fell) + drawn * bad / good, HALF) / bad
        woe.append(log(of_good / of_bad) if place >= first else 0.0)
        value += (of_good - of_bad) * woe[-1]
    return tuple(woe), tuple((int(r), int(e)) for r, e in zip(rows, events, strict=True)), value
