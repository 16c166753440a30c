"""The whole province, records to published run, against DuckDB: reading the same columns, the same indicators by hand.

The floor reads every column that the run reads and counts it by enterprise, one query an item. The rival computes 26 of
the indicators as hand-written SQL; ours computes the same 26, and every value is compared. Ours publishes: all
indicators of the scorecard, places among peers, points, score, grade, one sorted file, its digests, evidence.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.province import delivered_province

NAME = "province_batch"
FIRMS, MONTHS, ROUNDS = 1_700_000, 8, 2  # so many months of monthly series: about 60 records an enterprise
FLOOR_TIMES, RIVAL_TIMES, DOUBLED, GIB = 4.0, 1.5, 2.2, 8.0
BAR = f"at most {FLOOR_TIMES:g} x floor, {RIVAL_TIMES:g} x rival, {GIB:g} GiB, {DOUBLED:g} x for twice the firms"
ROOT = Path(__file__).resolve().parents[1]
CLOSE = 0.0001  # the rival divides in doubles; ours keeps four places


@dataclass(frozen=True, slots=True)
class Took:
    """What one province took: seconds, peak memory, and how many of the compared values differ."""

    firms: int
    records: int
    run: float
    gib: float
    floor: float
    few: float
    rival: float
    compared: int
    differ: int


def measure(scale: float) -> Figure:
    """Evaluate half the province, then all of it; each beside floor and rival."""
    firms = max(500, round(FIRMS * scale))
    half, whole = _of_size(firms // 2), _of_size(firms)
    doubled = whole.run / half.run
    floor, rival = whole.run / whole.floor, whole.few / whole.rival
    rows: list[tuple[object, ...]] = [("", "half", "whole", "bar")]
    rows += [("enterprises", f"{half.firms:,}", f"{whole.firms:,}", "")]
    rows += [("records", f"{half.records:,}", f"{whole.records:,}", "")]
    rows += [("records to published run, s", f"{half.run:.1f}", f"{whole.run:.1f}", f"{DOUBLED:g} x for twice")]
    rows += [("its peak memory, GiB", f"{half.gib:.1f}", f"{whole.gib:.1f}", f"{GIB:g}")]
    rows += [("floor: DuckDB scan and count, s", f"{half.floor:.1f}", f"{whole.floor:.1f}", f"{FLOOR_TIMES:g} x")]
    rows += [("the 26 indicators, ours, s", f"{half.few:.1f}", f"{whole.few:.1f}", "")]
    rows += [("rival: the 26 in DuckDB, s", f"{half.rival:.1f}", f"{whole.rival:.1f}", f"{RIVAL_TIMES:g} x")]
    rows += [("values compared", f"{half.compared:,}", f"{whole.compared:,}", "")]
    rows += [("values that differ", half.differ, whole.differ, "0")]
    met = floor <= FLOOR_TIMES and rival <= RIVAL_TIMES and whole.gib <= GIB and doubled <= DOUBLED
    return Figure(
        name=NAME,
        table=rows,
        ours=f"{whole.run:.1f} s, {whole.gib:.1f} GiB, {doubled:.1f} x for twice the firms",
        against=f"floor {whole.floor:.1f} s, rival {whole.rival:.1f} s against {whole.few:.1f} s for the same 26",
        ratio=f"{floor:.1f} and {rival:.1f}",
        bar=BAR,
        met=met and whole.differ == half.differ == 0 and whole.compared > 0,
        scale=scale,
    )


def _of_size(firms: int) -> Took:
    """A province in a process and a node of its own."""
    run = _python("benchmarks.province_batch", str(firms))
    return Took(**run)


def _python(*command: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def took(firms: int) -> Took:
    """Load a province, then measure in turns, each of ours in a process of its own; the best of each."""
    with delivered_province(firms=firms, months=MONTHS) as (home, _):
        files, reads = _files(), _columns_read()
        now = datetime.now(UTC)
        floors, rivals, runs, fews = [], [], [], []
        for _ in range(ROUNDS):
            runs.append(_python("benchmarks.province_once", "run"))
            floors.append(_floor(files, reads))
            out = home / "few"
            shutil.rmtree(out, ignore_errors=True)
            fews.append(_python("benchmarks.province_once", "few", str(out), now.date().isoformat(), now.isoformat()))
            rivals.append(_rival(files, now, home / "rival.parquet"))
        compared, differ = _compare(home / "few", home / "rival.parquet")
        return Took(
            firms=runs[0]["enterprises"],
            records=_records(),
            run=min(r["seconds"] for r in runs),
            gib=max(r["gib"] for r in runs),
            floor=min(floors),
            few=min(f["seconds"] for f in fews),
            rival=min(rivals),
            compared=compared,
            differ=differ,
        )


def _files() -> dict[str, list[str]]:
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.records.queries import list_views

    now = datetime.now(UTC)
    return {i.code: [v.url for v in list_views(i.code, known=now)] for i in load_catalogue(content_dir())}


def _records() -> int:
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.records.queries import standing_row_count

    return standing_row_count([i.code for i in load_catalogue(content_dir())], known=datetime.now(UTC))


def _columns_read() -> dict[str, list[str]]:
    """Item → the columns that the run reads of it: those its indicators name, and those that make a view."""
    from xinqiao.evaluation.compute import needed, scorecard_at
    from xinqiao.indicators.authoring import AsOf as Day
    from xinqiao.indicators.authoring import Row
    from xinqiao.indicators.compute import of_item
    from xinqiao.records.queries import stored_schema
    from xinqiao.records.types import AsOf

    class Noting(Row):
        """A row that notes which of its columns are asked for."""

        def __getattr__(self, name: str) -> Any:
            found = super().__getattr__(name)
            if not name.startswith("_"):
                asked.append("_occurred_on" if name == "occurred_on" else name)
            return found

    now = datetime.now(UTC)
    indicators, items = needed(scorecard_at(AsOf(now.date(), now)))
    reads = {}
    for item in items:
        asked: list[str] = []
        row = Noting(tuple(stored_schema(item).names))
        for one in of_item(item, indicators):
            one.aggregate(row, Day(now.date()))
        reads[item.code] = list(dict.fromkeys(["_recorded_at", "_op", "_occurred_on", *asked]))
    return reads


def _floor(files: Mapping[str, Sequence[str]], reads: Mapping[str, Sequence[str]]) -> float:
    """Seconds DuckDB takes to read those columns and count each by enterprise."""
    import duckdb

    with duckdb.connect() as db:
        began = time.perf_counter()
        for item, columns in reads.items():
            if files.get(item):
                counts = ", ".join(f'count("{name}")' for name in columns)
                db.execute(
                    f"CREATE OR REPLACE TEMP TABLE counted AS SELECT _enterprise, count(*), {counts} "
                    "FROM read_parquet($files) GROUP BY _enterprise",
                    {"files": list(files[item])},
                )
        return time.perf_counter() - began


def _rival(files: Mapping[str, Sequence[str]], now: datetime, out: Path) -> float:
    import duckdb

    from benchmarks.province_sql import compute

    with duckdb.connect() as db:
        began = time.perf_counter()
        compute(db, files, day=now.date(), known=now, out=str(out))
        return time.perf_counter() - began


def _compare(ours: Path, theirs: Path) -> tuple[int, int]:
    """Values compared, and those that differ by more than a unit of the last place kept, or are null on one side."""
    import duckdb

    from benchmarks.province_sql import INDICATORS

    differ = []
    for code in INDICATORS:
        a, b = f'o."{code.replace(".", "__")}"', f't."{code}"'
        near = f"abs({a}::DOUBLE - {b}::DOUBLE) > {CLOSE}"
        differ.append(f"count(*) FILTER (WHERE ({a} IS NULL) != ({b} IS NULL) OR {near})")
    with duckdb.connect() as db:
        both = f"read_parquet('{ours}/*') o FULL JOIN '{theirs}' t USING (_enterprise)"
        found = db.execute(f"SELECT count(*), {', '.join(differ)} FROM {both}").fetchone()
    assert found is not None
    for code, count in zip(INDICATORS, found[1:], strict=True):
        if count:
            print(f"{code}: {count} differ", file=sys.stderr)
    return found[0] * len(INDICATORS), sum(found[1:])


if __name__ == "__main__":
    print(json.dumps(asdict(took(int(sys.argv[1])))))
