"""Scoring alone: a million rows of forty binned values, against optbinning and scorecardpy with the very same card.

Ours reads the values from Parquet and writes points of every indicator, score, coverage and grade to Parquet; reasons
are read off the points. The rivals answer the score only, from memory to memory. All scores must be equal.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.figure import Absent, Figure
from benchmarks.node import SEED, fresh_node

NAME = "scoring_rivals"
ROWS, VALUES, ROUNDS, TIMES = 1_000_000, 40, 3, 8.0
BAR = f"at least {TIMES:g} x optbinning, and more over scorecardpy"
ROOT = Path(__file__).resolve().parents[1]
RIVALS = ROOT / ".rivals" / "bin" / "python"


def measure(scale: float) -> Figure:
    """Fit a card with optbinning on our bins, then score all rows three ways."""
    if not RIVALS.exists():
        raise Absent("the rivals' Python .rivals: ./check bench scoring_rivals sets it up")
    import numpy as np

    rows = max(25_000, round(ROWS * scale))
    with tempfile.TemporaryDirectory() as name, fresh_node():
        folder = Path(name)
        _draw(folder, rows)
        _rival("fit", folder)
        ours, scores = _ours(folder)
        optbinning = _rival("score", folder, "optbinning")["seconds"]
        scorecardpy = _rival("score", folder, "scorecardpy")["seconds"]
        wrong = {
            name: int((np.load(folder / f"{name}.npy").round() != scores).sum())
            for name in ("optbinning", "scorecardpy")
        }
    ratio, further = optbinning / ours, scorecardpy / ours
    return Figure(
        name=NAME,
        table=[
            ("", "seconds", "rows/s", "scores that differ"),
            ("ours, Parquet to Parquet, points and grade too", f"{ours:.2f}", f"{rows / ours:,.0f}", ""),
            ("optbinning, Scorecard.score", f"{optbinning:.2f}", f"{rows / optbinning:,.0f}", wrong["optbinning"]),
            ("scorecardpy, scorecard_ply", f"{scorecardpy:.2f}", f"{rows / scorecardpy:,.0f}", wrong["scorecardpy"]),
        ],
        ours=f"{ours:.2f} s for {rows:,} rows of {VALUES} values",
        against=f"rival optbinning {optbinning:.2f} s, scorecardpy {scorecardpy:.2f} s",
        ratio=f"{ratio:.1f} and {further:.1f}",
        bar=BAR,
        met=ratio >= TIMES and further > ratio and not any(wrong.values()),
        scale=scale,
    )


def _draw(folder: Path, rows: int) -> None:
    """Values from 0 to 999 and, per column, four to seven cuts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(SEED)
    values = random.integers(0, 1000, (rows, VALUES))
    names = [f"v{n:02d}" for n in range(VALUES)]
    cuts = {
        n: sorted(random.choice(np.arange(50, 950, 10), random.integers(4, 8), replace=False).tolist()) for n in names
    }
    (folder / "given.json").write_text(json.dumps(cuts))
    np.save(folder / "values.npy", values)
    codes = pa.array([f"{n:018d}" for n in range(rows)])
    columns = {name: pa.array(values[:, n]) for n, name in enumerate(names)}
    pq.write_table(pa.table({"_enterprise": codes, **columns}), folder / "values.parquet", row_group_size=65_536)


def _rival(*command: object) -> dict[str, Any]:
    program = ROOT / "benchmarks" / "scoring_rival.py"
    done = subprocess.run([RIVALS, program, *map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return dict(json.loads(done.stdout)) if done.stdout.strip() else {}


def _ours(folder: Path) -> tuple[float, Any]:
    """The best time of some, and the scores in the order of the rows."""
    import pyarrow.parquet as pq

    from xinqiao.indicators.province import frame_at, write_frame
    from xinqiao.indicators.scoring import scored

    scoring, taken = _scoring(folder), []
    values = frame_at([str(folder / "values.parquet")])
    for _ in range(ROUNDS + 1):  # the first starts the engine
        shutil.rmtree(folder / "scored", ignore_errors=True)
        began = time.perf_counter()
        write_frame(scored(values, scoring), str(folder / "scored"))
        taken.append(time.perf_counter() - began)
    table = pq.read_table(folder / "scored", columns=["_enterprise", "score"]).sort_by("_enterprise")
    return min(taken), table.column("score").to_numpy()


def _scoring(folder: Path) -> Any:
    from xinqiao.indicators.types import Bin, Scoring

    splits, points = (json.loads((folder / f"{name}.json").read_text()) for name in ("splits", "points"))
    bins = {
        name: tuple(Bin(p, below) for p, below in zip(points[name], [*cuts, None], strict=True))
        for name, cuts in splits.items()
    }
    grades = (("A", 700), ("B", 550), ("C", 400), ("D", 0))
    return Scoring(bins, (), grades, "unrated", 60, (), ())
