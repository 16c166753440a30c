"""One definition, two engines: every indicator, point and grade by Sail in the process and by a real Spark cluster.

The same code scores the same province twice, once by Sail and once by a Spark Connect server before a master and two
workers; the rows, sorted, must be the same to the last digit. Nothing but the URL differs.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from benchmarks.figure import Figure
from benchmarks.node import deliver_sample, fresh_node, write_sample
from benchmarks.spark_cluster import spark_cluster

NAME = "spark_parity"
BAR = "every value of every row equal on a two-worker Spark cluster"
FIRMS = 20_000
ROOT = Path(__file__).resolve().parents[1]


def measure(scale: float) -> Figure:
    """Deliver a sample province, score it on both, compare."""
    with fresh_node() as home:
        firms = max(200, int(FIRMS * scale))
        found = compare(home, firms)
    ours, theirs = found["sail"], found["spark"]
    different = differences(ours[0], theirs[0])
    return Figure(
        name=NAME,
        table=[
            ("engine", "seconds", "rows", "columns", "SHA-256 of the sorted rows"),
            *((e, f"{s:.1f}", t.num_rows, t.num_columns, digest(t)[:16]) for t, s, e in (ours, theirs)),
            *((f"different: {name}", count, "", "", "") for name, count in different.items()),
        ],
        ours=f"Sail {ours[1]:.1f} s, {ours[0].num_rows:,} rows of {ours[0].num_columns} columns",
        against=f"rival Apache Spark, 2 workers {theirs[1]:.1f} s, {sum(different.values())} values differ",
        ratio=f"{theirs[1] / ours[1]:.1f}",
        bar=BAR,
        met=not different and ours[0].num_rows > 0,
        scale=scale,
    )


def compare(home: Path, firms: int) -> dict[str, tuple[pa.Table, float, str]]:
    """The scored rows, seconds and engine of both."""
    from django.db import connections
    from django.utils import timezone

    write_sample(home / "sample", firms=firms)
    deliver_sample(home / "sample")
    now = datetime.now(UTC)
    valid = timezone.localdate(now).isoformat()
    connections.close_all()
    with spark_cluster() as url:
        return {
            name: _score(home, valid, now, {"XINQIAO_SPARK": spark}) for name, spark in (("sail", ""), ("spark", url))
        }


def _score(home: Path, valid: str, known: datetime, more: dict[str, str]) -> tuple[pa.Table, float, str]:
    out = home / f"scored-{bool(more['XINQIAO_SPARK'])}.arrow"
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.score_once", str(out), valid, known.isoformat()],
        cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode:
        raise RuntimeError(run.stderr[-3000:])
    seconds, _, engine = run.stdout.strip().splitlines()[-1].partition(" ")
    with pa.memory_map(str(out)) as source:
        return pa.ipc.open_file(source).read_all(), float(seconds), engine


def differences(ours: pa.Table, theirs: pa.Table) -> dict[str, int]:
    """Columns with how many values differ; a column of another type or name differs in all its rows."""
    names = dict.fromkeys([*ours.schema.names, *theirs.schema.names])
    found: dict[str, int] = {}
    for name in names:
        if name not in ours.schema.names or name not in theirs.schema.names:
            found[name] = max(ours.num_rows, theirs.num_rows)
            continue
        a, b = ours.column(name).to_pylist(), theirs.column(name).to_pylist()
        count = sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))
        if count or ours.schema.field(name).type != theirs.schema.field(name).type:
            found[name] = max(count, 1)
    return found


def digest(table: pa.Table) -> str:
    """SHA-256 of the rows as text, columns by name."""
    ordered = table.select(sorted(table.schema.names))
    sha = hashlib.sha256()
    for batch in ordered.to_batches():
        for row in batch.to_pylist():
            sha.update(repr(row).encode())
    return sha.hexdigest()
