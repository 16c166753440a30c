"""What two indicators say only together: shallow trees of LightGBM over few pairs, laid out as tables of points.

A tree of three leaves asks about one or two indicators, so the sum of all trees about one pair is a table over that
pair's bins; nothing of the trees is left in the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import floor
from typing import Any

import numpy as np

from xinqiao.scenarios.frame import Floats, Frame
from xinqiao.scenarios.model import Axis

ROUNDS = 600
BINS = 32
BEYOND = 2**53
TREES = {
    "objective": "binary",
    "num_leaves": 3,
    "learning_rate": 0.05,
    "min_data_in_leaf": 20,
    "max_bin": BINS,
    "verbose": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
}
Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cross:
    """A table over one or two indicators: log-odds of the event in each cell, row by row."""

    axes: tuple[Axis, ...]
    cells: tuple[float, ...]


def find_crosses(frame: Frame, offset: Floats, most: int, *, silence_counts: bool = False) -> list[Cross]:
    """At most ``most`` tables that add to ``offset``, the log-odds known so far; only of numbers.

    Unless ``silence_counts``, a cell of which one side is not known says nothing.
    """
    columns = [c for c in frame.columns if c.is_number]
    if most < 1 or len(columns) < 2:
        return []
    matrix = np.stack([np.where(c.known, c.values.astype(np.float64), np.nan) for c in columns], axis=1)
    gains: Counter[tuple[int, ...]] = Counter()
    for tree in _grown(matrix, frame, offset, None):
        splits = list(_splits(tree))
        pair = tuple(sorted({int(s["split_feature"]) for s in splits}))
        if len(pair) == 2:
            gains[pair] += min(s["split_gain"] for s in splits)
    pairs = [pair for pair, _ in sorted(gains.items(), key=lambda item: (-item[1], item[0]))[:most]]
    if not pairs:
        return []
    grouped: dict[tuple[int, ...], list[Tree]] = {}
    for tree in _grown(matrix, frame, offset, pairs):
        found = tuple(sorted({int(s["split_feature"]) for s in _splits(tree)}))
        if found:
            grouped.setdefault(_home(found, pairs), []).append(tree)
    return [_table([columns[n] for n in pair], pair, trees, silence_counts) for pair, trees in sorted(grouped.items())]


def _home(found: tuple[int, ...], pairs: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """A tree about one indicator joins the first table that this stands in."""
    return next((pair for pair in pairs if set(found) <= set(pair)), found)


def _grown(matrix: Floats, frame: Frame, offset: Floats, pairs: Sequence[tuple[int, ...]] | None) -> Iterator[Tree]:
    import lightgbm

    data = lightgbm.Dataset(
        matrix, frame.failed.astype(np.int8), init_score=offset, params={"max_bin": BINS, "verbose": -1}
    )
    limits = {"interaction_constraints": [list(pair) for pair in pairs]} if pairs else {}
    grown = lightgbm.train({**TREES, **limits}, data, num_boost_round=ROUNDS)
    for info in grown.dump_model()["tree_info"]:
        yield info["tree_structure"]


def _splits(node: Tree) -> Iterator[Tree]:
    if "split_feature" in node:
        yield node
        yield from _splits(node["left_child"])
        yield from _splits(node["right_child"])


def _table(columns: Sequence[Any], pair: tuple[int, ...], trees: Sequence[Tree], silence_counts: bool) -> Cross:
    axes = []
    for column, feature in zip(columns, pair, strict=True):
        mine = (s["threshold"] for tree in trees for s in _splits(tree) if s["split_feature"] == feature)
        # A bound beyond all numbers parts what is known from what is not.
        asked = {floor(bound) + 1 for bound in mine if abs(bound) < BEYOND}
        axes.append(Axis(column.code, column.places, cuts=tuple(sorted(asked))))
    cells = []
    for cell in product(*(range(axis.size) for axis in axes)):
        counts = silence_counts or all(cell)
        at = {f: axis.inside(place) if place else None for f, axis, place in zip(pair, axes, cell, strict=True)}
        cells.append(sum(_answer(tree, at) for tree in trees) if counts else 0.0)
    return Cross(tuple(axes), tuple(cells))


def _answer(node: Tree, at: Mapping[int, int | None]) -> float:
    while "split_feature" in node:
        value = at[node["split_feature"]]
        if value is None and node["missing_type"] == "NaN":
            left = bool(node["default_left"])
        else:  # where training saw no missing value, the library reads one as zero
            left = (value or 0) <= node["threshold"]
        node = node["left_child"] if left else node["right_child"]
    return float(node["leaf_value"])
