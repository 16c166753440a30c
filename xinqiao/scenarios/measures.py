"""How well a model separates, how true its probabilities are, how far a population has moved. Pure.

Shares and areas are whole ten-thousandths, probabilities whole millionths, so that a model card can be hashed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xinqiao.scenarios.frame import Bools, Floats, Ints

MILLION = 1_000_000
DECILES = 10
Values = npt.NDArray[Any]


def separation(risk: Values, failed: Bools) -> tuple[int, int]:
    """AUC and KS of a ranking in which a greater ``risk`` should fail sooner; half for a tie."""
    bad, good = np.sort(risk[failed]), np.sort(risk[~failed])
    if not len(bad) or not len(good):
        return 5_000, 0
    below = np.searchsorted(good, bad, side="left")
    upto = np.searchsorted(good, bad, side="right")
    area = int((below + upto).sum()) * 5_000 // (len(bad) * len(good))
    marks = np.unique(risk)
    gap = np.abs(
        np.searchsorted(bad, marks, side="right") * len(good) - np.searchsorted(good, marks, side="right") * len(bad)
    )
    return area, int(gap.max()) * 10_000 // (len(bad) * len(good))


def brier(millionths: Ints, failed: Bools, weights: Floats | None = None) -> int:
    """Mean squared distance of probability and outcome, in millionths."""
    distance = (millionths / MILLION - failed.astype(np.float64)) ** 2
    return round(float(np.average(distance, weights=weights)) * MILLION)


def reliability(millionths: Ints, failed: Bools, weights: Floats | None = None) -> list[dict[str, int]]:
    """By tenth of the probability: rows, events, what was said and what came true, in ten-thousandths."""
    order = np.argsort(millionths, kind="stable")
    weights = np.ones(len(order)) if weights is None else weights
    table = []
    for part in np.array_split(order, DECILES):
        if len(part):
            said = float(np.average(millionths[part], weights=weights[part])) / 100
            came = float(np.average(failed[part], weights=weights[part])) * 10_000
            rows = {"rows": len(part), "events": int(failed[part].sum())}
            table.append(rows | {"said": round(said), "came": round(came)})
    return table


def stability(before: Ints, after: Ints, places: int) -> int:
    """Population stability index of two samples over the same places, in ten-thousandths."""
    return stability_of_shares(np.bincount(before, minlength=places), np.bincount(after, minlength=places))


def stability_of_shares(before: Ints, after: Ints) -> int:
    """The same from counts of each place; an empty one counts as half a row, so that the index stays finite."""
    first, then = np.maximum(before, 0.5), np.maximum(after, 0.5)
    first, then = first / first.sum(), then / then.sum()
    return round(float(((then - first) * np.log(then / first)).sum()) * 10_000)


def tenths(sample: Ints) -> Ints:
    """Cuts that part a sample into about ten equal shares."""
    cuts = np.quantile(sample, np.linspace(0.1, 0.9, 9), method="nearest")
    return np.unique(cuts).astype(np.int64)
