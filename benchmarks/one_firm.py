"""One enterprise of the whole province: evaluated on demand over every item of the list, and its full report read.

Cold means that nothing of the lake is in memory, neither this process's nor the system's: the engine runs, the caches
are dropped and the files are forgotten before every question. Warm asks about another enterprise each time. The report
is that of an evaluated enterprise about itself, through the gate, with its ledger line and evidence entry. The rival is
DuckDB fetching the same enterprise's rows from the same files, without making anything of them.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, percentile
from benchmarks.node import ACTOR, SEED, database_name
from benchmarks.province import delivered_province

if TYPE_CHECKING:
    from xinqiao.records.types import AsOf

NAME = "one_firm"
FIRMS, MONTHS = 1_700_000, 8
COLD, WARM, READS = 40, 300, 300
COLD_MS, WARM_MS, READ_MS = 1000, 300, 150
BAR = f"p95 at most {COLD_MS} ms cold, {WARM_MS} ms warm, report at most {READ_MS} ms, equal to the published bytes"


def measure(scale: float) -> Figure:
    """Deliver and evaluate a province, then ask about one enterprise at a time."""
    firms = max(500, round(FIRMS * scale))
    with delivered_province(firms=firms, months=MONTHS) as (_, rows):
        as_of, codes = _evaluated()
        rng = random.Random(SEED)
        equal = _equal(rng.sample(codes, 20), as_of)
        cold = [_timed(lambda code=code: _evaluate(code, as_of), before=_forget) for code in rng.sample(codes, COLD)]
        warm = [_timed(lambda code=code: _evaluate(code, as_of)) for code in rng.choices(codes, k=WARM)]
        reads = [_timed(lambda code=code: _report(code)) for code in rng.choices(codes, k=READS)]
        rival = [_timed(lambda code=code: _fetch(code)) for code in rng.sample(codes, 20)]
        database = database_name()
    return _figure(len(codes), rows, cold, warm, reads, rival, equal, database, scale)


def _figure(
    firms: int,
    rows: int,
    cold: Sequence[float],
    warm: Sequence[float],
    reads: Sequence[float],
    rival: Sequence[float],
    equal: int,
    database: str,
    scale: float,
) -> Figure:
    figures = {"cold": cold, "warm": warm, "report": reads, "DuckDB": rival}
    cold_ms, warm_ms, read_ms, rival_ms = (1000 * percentile(list(times), 0.95) for times in figures.values())
    table: list[tuple[object, ...]] = [("what", "half of them ms", "95 % ms", "questions")]
    names = {
        "cold": "evaluated on demand, nothing in memory",
        "warm": "evaluated on demand",
        "report": f"full report read ({database})",
        "DuckDB": "its rows fetched by DuckDB, nothing computed",
    }
    for key, times in figures.items():
        middle, slow = (f"{1000 * percentile(list(times), share):.0f}" for share in (0.5, 0.95))
        table.append((names[key], middle, slow, len(times)))
    return Figure(
        name=NAME,
        table=table,
        ours=f"cold p95 {cold_ms:.0f} ms, warm p95 {warm_ms:.0f} ms, report p95 {read_ms:.0f} ms; "
        f"{firms:,} enterprises, {rows:,} rows, {equal} of 20 equal",
        against=f"rival DuckDB fetching the rows p95 {rival_ms:.0f} ms",
        ratio=f"{warm_ms / rival_ms:.2f}",
        bar=BAR,
        met=cold_ms <= COLD_MS and warm_ms <= WARM_MS and read_ms <= READ_MS and equal == 20,
        scale=scale,
    )


def _evaluated() -> tuple[AsOf, list[str]]:
    """Publish a run; its view and the enterprises in it."""
    import pyarrow.parquet as pq

    from xinqiao.evaluation.actions import run_evaluation
    from xinqiao.evaluation.queries import latest_path
    from xinqiao.records.lake import lake
    from xinqiao.records.types import AsOf

    now = datetime.now(UTC)
    run = run_evaluation(AsOf(now.date(), now), actor=ACTOR, now=now, progress=lambda _: None)
    codes = pq.read_table(lake().full(latest_path()[1]), columns=["_enterprise"]).column(0).to_pylist()
    return AsOf(run.valid_on, run.known_at), codes


def _evaluate(code: str, as_of: AsOf) -> object:
    from xinqiao.evaluation.queries import evaluate

    return evaluate(code, as_of)


def _report(code: str) -> object:
    from xinqiao.consent.types import Form
    from xinqiao.release.actions import query
    from xinqiao.release.types import Inquiry, Recipient, RecipientKind

    own = Recipient(RecipientKind.ENTERPRISE, code, code)
    return query(Inquiry(own, code, "self", Form.REPORT, ACTOR, "portal"), now=datetime.now(UTC))


def _equal(codes: Sequence[str], as_of: AsOf) -> int:
    """How many answers made on demand are those of the published run, to the byte."""
    from xinqiao.evaluation.queries import published_result
    from xinqiao.kernel.canonical import canonical_bytes

    return sum(canonical_bytes(_evaluate(code, as_of)) == canonical_bytes(published_result(code)) for code in codes)


def _forget() -> None:
    """Drop what this process and the system keep of the lake's files."""
    from xinqiao.evaluation.peers import load_peers
    from xinqiao.records.lake import lake

    root = Path(lake().root)
    lake.cache_clear()
    load_peers.cache_clear()
    for path in root.rglob("*.parquet"):
        handle = os.open(path, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def _fetch(code: str) -> None:
    """The rows of one enterprise out of every item's files, by DuckDB."""
    import duckdb

    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.records.queries import list_views

    now = datetime.now(UTC)
    with duckdb.connect() as db:
        for item in load_catalogue(content_dir()):
            if files := [view.url for view in list_views(item.code, known=now)]:
                db.execute("SELECT * FROM read_parquet($files) WHERE _enterprise = $code",
                           {"files": files, "code": code}).fetchall()  # fmt: skip


def _timed(step: Callable[[], object], *, before: Callable[[], None] | None = None) -> float:
    if before is not None:
        before()
    began = time.perf_counter()
    step()
    return time.perf_counter() - began
