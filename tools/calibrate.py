"""Calibrates the newest basic scorecard on the sample province: ``python -m tools.calibrate [--write]``.

A sample province is delivered to a node of its own and scored as of twelve months before its end; the outcome is a
default within those twelve months. Firms that had defaulted before, or were not registered yet, are left out. Prints
the table of grades and outcomes, the sensitivity of the grades to each weight, and bands that would cut the scores at
fixed shares. ``--write`` keeps the result beside the scorecards, from where the published guideline takes it.
The sample is synthetic: its rates say how the card behaves, not how often real firms fail.
"""

from __future__ import annotations

import argparse
import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.node import fresh_node

if TYPE_CHECKING:
    import pyarrow as pa

    from xinqiao.evaluation.calibration import Scored
    from xinqiao.evaluation.types import Document, Scorecard

UNTIL, VALID_ON, MONTHS = date(2026, 10, 31), date(2025, 10, 31), 12
SHARES = (6, 20, 42, 66, 82, 90, 95, 98)  # best first: per cent of the rated firms at or above each band


def measure(folder: Path, firms: int, seed: int) -> tuple[Document, Scored, Scorecard]:
    """Deliver a sample, score it as of the past day, set the outcomes beside the scores."""
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.catalogue.sample.generate import generate
    from xinqiao.evaluation import calibration, compute
    from xinqiao.evaluation.load import in_force
    from xinqiao.evaluation.steps import score_table
    from xinqiao.ingest.actions import Upload, receive
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.records.types import AsOf

    catalogue = load_catalogue(content_dir())
    generate(catalogue, folder, firms=firms, seed=seed, until=UNTIL, content=content_dir())
    now = datetime.now(UTC)
    for item in catalogue:
        uploads = [Upload(path.name, path.read_bytes()) for path in sorted((folder / item.code).glob("*"))]
        if uploads:
            receive(item, uploads, provider=item.department.code, actor="system:calibrate", now=now)
    card = in_force(compute.scorecards(), "basic", date.max)
    run = score_table(compute.province(card, AsOf(VALID_ON, datetime.now(UTC)), {}))
    run, failed = _with_outcomes(run, folder / "outcomes.csv")
    scored = calibration.columns_of(run, card, failed)
    result = {
        "v": 1,
        "scorecard": {"code": card.code, "version": card.version, "sha256": card.sha256},
        "sample": {"firms": firms, "seed": seed, "until": UNTIL.isoformat()},
        "valid_on": VALID_ON.isoformat(),
        "months": MONTHS,
        "firms": len(failed),
        "failed": sum(failed),
        "separation": calibration.separation(scored),
        "bands": calibration.band_table(scored, card),
        "sensitivity": calibration.sensitivity(scored, card),
    }
    return result, scored, card


def _with_outcomes(run: pa.Table, path: Path) -> tuple[pa.Table, list[bool]]:
    """The rows of firms that had not defaulted on the day, and whether they did within the months after it."""
    with path.open(encoding="utf-8") as stream:
        defaulted = {row["uscc"]: row["defaulted_on"] for row in csv.DictReader(stream)}
    days = [defaulted[code] for code in run.column("_enterprise").to_pylist()]
    kept = [not day or day > VALID_ON.isoformat() for day in days]
    return run.filter(kept), [bool(day) for day, keep in zip(days, kept, strict=True) if keep]


def suggested(scored: Scored, card: Scorecard) -> list[int]:
    """Lowest scores, rounded to five, that put the shares of the rated firms without a veto into the bands."""
    from xinqiao.evaluation.calibration import graded

    rated = graded(scored, card) < len(card.scoring.grades)
    score = np.sort(scored.points.sum(axis=1)[rated])[::-1]
    cuts = [score[min(len(score) - 1, len(score) * share // 100)] for share in SHARES]
    return [int(round(cut / 5) * 5) for cut in cuts] + [0]


def print_tables(result: Document, card: Scorecard, bands: list[int]) -> None:
    """The tables, widest first column first."""
    span = f"{result['failed']} failed within {result['months']} months"
    print(f"{result['firms']} firms as of {result['valid_on']}, {span}")
    print(f"pairs in the right order: {result['separation'] / 100:.2f} %")
    print("grade  at least   firms  share %  failed  rate %")
    for row in result["bands"]:
        least = "-" if row["at_least"] is None else row["at_least"]
        rate = "-" if row["rate"] is None else f"{row['rate'] / 100:.2f}"
        print(f"{row['grade']:5}{least:>10}{row['firms']:>8}{row['share'] / 100:>9.2f}{row['failed']:>8}{rate:>8}")
    print("grades moved, %: indicator, points, dropped, -20 %, +20 %")
    for row in sorted(result["sensitivity"], key=lambda r: -int(r["dropped"])):
        moved = "".join(f"{row[name] / 100:>8.2f}" for name in ("dropped", "less", "more"))
        print(f"{row['indicator']:44}{row['maximum']:>4}{moved}")
    print(f"bands at {SHARES} % of the rated firms: {bands}; the card has {[b for _, b in card.scoring.grades]}")


def main() -> None:
    """Run, print, and keep the result when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--firms", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    given: Any = parser.parse_args()
    with fresh_node() as home:
        result, scored, card = measure(home / "sample", given.firms, given.seed)
        print_tables(result, card, suggested(scored, card))
        if given.write:
            from xinqiao.plumbing.settings import content_dir

            path = content_dir() / "calibrations" / f"{card.code}_v{card.version}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
            print(f"written: calibrations/{path.name}")


if __name__ == "__main__":
    main()
