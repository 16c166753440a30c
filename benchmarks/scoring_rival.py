"""The rivals' side of ``scoring_rivals``, run by a Python of its own that has optbinning and scorecardpy.

``scoring_rival fit FOLDER`` fits a scorecard on the bins given and writes its points; ``scoring_rival score FOLDER
NAME`` scores every row with it, several times, and writes the scores. Imports nothing of ours.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
FIT_ROWS, ROUNDS = 20_000, 3


def main() -> None:
    """Fit or score."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "fit":
        _fit(folder)
        return
    name = sys.argv[3]
    scores, seconds = {"optbinning": _optbinning, "scorecardpy": _scorecardpy}[name](folder)
    np.save(folder / f"{name}.npy", scores)
    print(json.dumps({"seconds": seconds}))


def _frame(folder: Path) -> pd.DataFrame:
    values = np.load(folder / "values.npy")
    return pd.DataFrame(values, columns=[f"v{n:02d}" for n in range(values.shape[1])])


def _scorecard(folder: Path):  # type: ignore[no-untyped-def]
    """A scorecard with our bins, fitted on some rows; the same every time."""
    from optbinning import BinningProcess, Scorecard
    from sklearn.linear_model import LogisticRegression

    rows = _frame(folder)[:FIT_ROWS]
    splits = json.loads((folder / "given.json").read_text())
    target = np.random.default_rng(5).random(len(rows)) < 1 / (1 + np.exp(rows.mean(axis=1) / 100 - 4))
    fixed = {name: {"user_splits": s, "user_splits_fixed": [True] * len(s)} for name, s in splits.items()}
    process = BinningProcess(list(rows.columns), binning_fit_params=fixed)
    card = Scorecard(
        process,
        LogisticRegression(),
        scaling_method="min_max",
        scaling_method_params={"min": 0, "max": 1000},
        rounding=True,
    )
    return card.fit(rows, target.astype(int))


def _fit(folder: Path) -> None:
    table = _scorecard(folder).table()
    bins = table[~table["Bin"].isin(["Special", "Missing"])]
    points, cuts = {}, {}
    for name, group in bins.groupby("Variable"):
        points[name] = [int(p) for p in group["Points"]]
        uppers = [text.strip("[)( ]").split(",")[1].strip() for text in group["Bin"]]
        cuts[name] = [int(float(upper)) for upper in uppers if upper != "inf"]
    (folder / "points.json").write_text(json.dumps(points))
    (folder / "splits.json").write_text(json.dumps(cuts))  # it may join bins that we cut


def _optbinning(folder: Path):  # type: ignore[no-untyped-def]
    card, rows = _scorecard(folder), _frame(folder)
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        scores = card.score(rows)
        taken.append(time.perf_counter() - began)
    return np.asarray(scores), min(taken)


def _scorecardpy(folder: Path):  # type: ignore[no-untyped-def]
    import scorecardpy

    splits = json.loads((folder / "splits.json").read_text())
    points = json.loads((folder / "points.json").read_text())
    card = {"basepoints": pd.DataFrame({"variable": ["basepoints"], "bin": [np.nan], "points": [0]})}
    for name, cuts in splits.items():
        edges = ["-inf", *(str(float(cut)) for cut in cuts), "inf"]  # it compares labels of doubles
        bins = [f"[{low},{high})" for low, high in pairwise(edges)]
        card[name] = pd.DataFrame({"variable": name, "bin": bins, "points": points[name]})
    rows, taken = _frame(folder), []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        scores = scorecardpy.scorecard_ply(rows, card, print_step=0)
        taken.append(time.perf_counter() - began)
    return scores["score"].to_numpy(), min(taken)


if __name__ == "__main__":
    main()
