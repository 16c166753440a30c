"""How a scorecard's bands and weights hold against outcomes: pure, in exact integers.

A calibration belongs to one digest of a scorecard: firms scored on a past day, and which of them defaulted within the
months after it. It says how often each grade failed, and how many grades move when a weight does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xinqiao.evaluation.types import Document, Scorecard
from xinqiao.indicators.scoring import points_column

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
TENTHS = {"dropped": 0, "less": 8, "more": 12}  # the weight in tenths: none, 20 % less, 20 % more


@dataclass(frozen=True, slots=True)
class Scored:
    """A run in columns: points by indicator (0 where not known), which are known, a veto, and the outcome."""

    points: Ints
    known: Bools
    vetoed: Bools
    failed: Bools


def columns_of(run: pa.Table, card: Scorecard, failed: Sequence[bool]) -> Scored:
    """The columns of a run that calibration looks at, with the outcome of each of its rows."""
    points = [run.column(points_column(i.code)) for i in card.indicators]
    vetoes = [run.column(f"veto__{v.rule.code}").to_numpy().astype(bool) for v in card.vetoes]
    return Scored(
        points=np.stack([p.fill_null(0).to_numpy().astype(np.int64) for p in points], axis=1),
        known=np.stack([p.is_valid().to_numpy() for p in points], axis=1),
        vetoed=np.any(vetoes, axis=0),
        failed=np.array(failed, dtype=np.bool_),
    )


def graded(scored: Scored, card: Scorecard, *, indicator: int | None = None, tenths: int = 10) -> Ints:
    """Each firm's grade as a place in ``card.grades``; with one indicator's weight changed and the rest kept.

    The total is scaled back to the card's maximum, rounded down.
    """
    maxima = np.array([i.maximum for i in card.indicators], dtype=np.int64)
    weights = np.full(len(maxima), 10, dtype=np.int64)
    if indicator is not None:
        weights[indicator] = tenths
    whole = int((maxima * weights).sum())
    score = (scored.points * weights).sum(axis=1) * card.maximum // whole
    coverage = (scored.known * (maxima * weights)).sum(axis=1) * 100 // whole
    bounds = np.array([least for _, least in card.scoring.grades], dtype=np.int64)
    band = (score[:, None] < bounds[None, :]).sum(axis=1)
    names = [g.grade for g in card.grades]
    band = np.where(coverage < card.minimum_coverage, names.index(card.scoring.unrated), band)
    return np.where(scored.vetoed, names.index(card.vetoes[0].rule.grade), band).astype(np.int64)


def band_table(scored: Scored, card: Scorecard) -> list[Document]:
    """Grade by grade: firms, their share, how many failed, and the rate, in hundredths of a per cent."""
    grades = graded(scored, card)
    rows = []
    for place, grade in enumerate(card.grades):
        here = grades == place
        firms, failed = int(here.sum()), int((here & scored.failed).sum())
        rows.append(
            {
                "grade": grade.grade,
                "at_least": grade.at_least,
                "firms": firms,
                "share": firms * 10_000 // max(len(grades), 1),
                "failed": failed,
                "rate": failed * 10_000 // firms if firms else None,
            }
        )
    return rows


def sensitivity(scored: Scored, card: Scorecard) -> list[Document]:
    """For each indicator, the share of firms (hundredths of a per cent) whose grade differs when its weight changes."""
    usual = graded(scored, card)
    return [
        {"indicator": one.code, "maximum": one.maximum}
        | {name: _moved(usual, graded(scored, card, indicator=place, tenths=t)) for name, t in TENTHS.items()}
        for place, one in enumerate(card.indicators)
    ]


def _moved(usual: Ints, other: Ints) -> int:
    return int((usual != other).sum()) * 10_000 // max(len(usual), 1)


def separation(scored: Scored) -> int:
    """How well the score tells failing firms from the rest: the share of pairs in the right order, in 1/10,000.

    Half for a tie (the area under the ROC curve); 5,000 is no better than chance.
    """
    score = scored.points.sum(axis=1)
    bad, good = np.sort(score[scored.failed]), score[~scored.failed]
    below, upto = np.searchsorted(bad, good, side="left"), np.searchsorted(bad, good, side="right")
    pairs = len(bad) * len(good)
    return int((below + upto).sum()) * 5_000 // pairs if pairs else 5_000


@cache
def load_calibrations(folder: Path) -> Mapping[str, Document]:
    """SHA-256 of a scorecard → its calibration, from ``folder/calibrations``."""
    found: list[dict[str, Any]] = [json.loads(p.read_text("utf-8")) for p in sorted(folder.glob("calibrations/*.json"))]
    return {one["scorecard"]["sha256"]: one for one in found}
