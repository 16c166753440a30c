"""The whole sample province evaluated in one batch, then firms one by one on demand: the same bytes.

The floor is DuckDB reading the same Parquet files: a scan of each item with count and sums per enterprise, without
views, dates, indicators, points, grades, results on disk or evidence.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, percentile
from benchmarks.node import ACTOR, SEED, database_name, deliver_sample, fresh_node, write_sample

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from xinqiao.evaluation.types import RunFacts

NAME = "evaluate_batch"
BAR = "on-demand bytes equal for every one of 1,000 random firms"
FIRMS = 20_000
ASKED = 1_000


def measure(scale: float) -> Figure:
    """Load a sample province, evaluate it, and ask again about random firms of it."""
    firms = max(50, round(FIRMS * scale))
    with fresh_node() as home:
        write_sample(home / "sample", firms=firms)
        rows = deliver_sample(home / "sample")
        _evaluate()  # the engine starts and compiles
        run, batch = _evaluate()
        floor = min(_scan() for _ in range(3))
        equal, seconds = _ask(run, max(10, round(ASKED * scale)))
        database = database_name()
    return _figure(run, batch, floor, rows, equal, seconds, database, scale)


def _figure(
    run: RunFacts, batch: float, floor: float, rows: int, equal: int, seconds: list[float], database: str, scale: float
) -> Figure:
    asked = len(seconds)
    middle, slow = percentile(seconds, 0.5) * 1000, percentile(seconds, 0.95) * 1000
    table = [
        ("", "seconds", "what"),
        (f"batch, {database}", f"{batch:.2f}", f"{run.enterprises:,} firms of {rows:,} rows, published"),
        ("DuckDB scan + group", f"{floor:.2f}", "the same files, count and sums per firm; best of 3"),
        ("on demand, median", f"{middle / 1000:.3f}", f"{asked:,} random firms"),
        ("on demand, p95", f"{slow / 1000:.3f}", f"{equal:,} equal to the published bytes"),
    ]
    return Figure(
        name=NAME,
        table=table,
        ours=f"{batch:.2f} s for {run.enterprises:,} firms, on demand {middle:.0f} ms (p95 {slow:.0f} ms), "
        f"{equal:,} of {asked:,} equal",
        against=f"floor DuckDB scan + group {floor:.2f} s",
        ratio=f"{batch / floor:.1f}",
        bar=BAR,
        met=equal == asked > 0,
        scale=scale,
    )


def _evaluate() -> tuple[RunFacts, float]:
    from xinqiao.evaluation.actions import run_evaluation
    from xinqiao.records.types import AsOf

    now, began = datetime.now(UTC), time.perf_counter()
    run = run_evaluation(AsOf(now.date(), now), actor=ACTOR, now=now, progress=lambda _: None)
    return run, time.perf_counter() - began


def _scan() -> float:
    """The floor: seconds DuckDB takes to group every standing item file by enterprise, one pass each."""
    import duckdb

    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.records.queries import list_views

    now = datetime.now(UTC)
    urls = {
        item.code: [view.url for view in list_views(item.code, known=now)] for item in load_catalogue(content_dir())
    }
    with duckdb.connect() as db:
        began = time.perf_counter()
        for files in filter(None, urls.values()):
            db.execute(f"CREATE TEMP TABLE floor AS SELECT _enterprise, count(*), {_sums(db, files)} "
                       "FROM read_parquet($files) GROUP BY _enterprise", {"files": files})  # fmt: skip
            db.execute("DROP TABLE floor")
        return time.perf_counter() - began


def _sums(db: DuckDBPyConnection, files: list[str]) -> str:
    columns = db.execute("DESCRIBE FROM read_parquet($files)", {"files": files}).fetchall()
    numbers = [name for name, kind, *_ in columns if kind in ("BIGINT", "INTEGER") or kind.startswith("DECIMAL")]
    return ", ".join(f'sum("{name}")' for name in numbers)


def _ask(run: RunFacts, count: int) -> tuple[int, list[float]]:
    """Evaluate random firms of the run again, one by one; returns how many are byte-equal, and the seconds of each."""
    from xinqiao.evaluation.queries import evaluate, published_result
    from xinqiao.kernel.canonical import canonical_bytes
    from xinqiao.records.types import AsOf

    enterprises = _enterprises()
    chosen = random.Random(SEED).sample(enterprises, min(count, len(enterprises)))
    as_of, equal, seconds = AsOf(run.valid_on, run.known_at), 0, []
    evaluate(chosen[0], as_of)
    for enterprise in chosen:
        began = time.perf_counter()
        answer = evaluate(enterprise, as_of)
        seconds.append(time.perf_counter() - began)
        equal += canonical_bytes(answer) == canonical_bytes(published_result(enterprise))
    return equal, seconds


def _enterprises() -> list[str]:
    """Every enterprise of the published run, read from its file."""
    import pyarrow.parquet as pq

    from xinqiao.evaluation.queries import run_item
    from xinqiao.records.queries import list_views

    newest = list_views(run_item("basic"), known=datetime.now(UTC))[-1].url
    return sorted(pq.read_table(newest, columns=["_enterprise"]).column(0).to_pylist())
