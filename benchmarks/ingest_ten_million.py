"""Ten million rows of electricity bills received with all checks, against bare copies of the same CSV to Parquet.

Ours reads, checks every value, finds keys that come twice anywhere in the delivery, asks the register of subjects,
keeps the sealed original, numbers and returns faulty rows, writes one durable file sorted by enterprise and records
evidence. The floor is DuckDB told every column, on all cores; DuckDB as it comes and a pyarrow stream are further
marks. Every step is a process of its own; they alternate. Peak memory is that of the whole process, threads included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figure import Figure, spread
from benchmarks.node import ACTOR, fresh_node

NAME = "ingest_ten_million"
ROWS, REGISTERED, ROUNDS = 10_000_000, 1_000, 3
MOST, GIB = 3.0, 2.0
BAR = f"every row accounted for, at most {MOST} × the copy, {GIB:g} GiB"
ROOT = Path(__file__).resolve().parents[1]
COPIES = {"told": "DuckDB copy, told the columns", "duckdb": "DuckDB copy", "pyarrow": "pyarrow stream"}


def measure(scale: float) -> Figure:
    """Write the delivery once; receive and copy it in turns."""
    with fresh_node() as home:
        _register()
        source, target = str(home / "delivery.csv"), str(home / "copy.parquet")
        written = _step("write", source, str(max(50_000, round(ROWS * scale))))
        steps: dict[str, list[dict[str, Any]]] = {"receive": [], **{name: [] for name in COPIES}}
        for _ in range(ROUNDS):
            for name, found in steps.items():
                found.append(_step(name, source, target))
        size = Path(source).stat().st_size
    return _figure(written, steps, size, scale)


def _register() -> None:
    """Some of the enterprises are in the register, so that subjects are asked for as on a working node."""
    from benchmarks.large_delivery import codes_of
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.ingest.actions import receive_rows
    from xinqiao.plumbing.settings import content_dir
    from xinqiao.subjects.build import rebuild_if_stale

    item = load_catalogue(content_dir()).item("registration.basic")
    codes = codes_of(REGISTERED).to_pylist()
    rows = [{"uscc": c, "name": f"示例企业{n}", "registered_on": "2020-01-02"} for n, c in enumerate(codes)]
    receive_rows(item, rows, provider=item.department.code, actor=ACTOR, now=datetime.now(UTC))
    rebuild_if_stale(actor=ACTOR, now=datetime.now(UTC))


def _step(*command: str) -> dict[str, Any]:
    run = [sys.executable, "-m", "benchmarks.ingest_once", *command]
    done = subprocess.run(run, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def _figure(written: dict[str, Any], steps: dict[str, list[dict[str, Any]]], size: int, scale: float) -> Figure:
    ours, last = steps["receive"], steps["receive"][-1]
    seconds = {name: median(s["seconds"] for s in found) for name, found in steps.items()}
    peak = max(s["gib"] for s in ours)
    whole = (
        last["delivered"] == written["rows"] == last["accepted"] + last["returned"]
        and last["returned"] == written["faulty"]
        and last["broken"] == written["broken"]
    )
    names = {"receive": f"ours, {last['database']}", **COPIES}
    table: list[tuple[object, ...]] = [
        (f"{written['rows']:,} rows, {size / 2**20:,.0f} MiB", "wall s: median (least-greatest)", "cpu s", "peak GiB"),
    ]
    for name, found in steps.items():
        wall, cpu = (spread([s[what] for s in found]) for what in ("seconds", "cpu"))
        table.append((names[name], wall, cpu, f"{max(s['gib'] for s in found):.2f}"))
    accounts = f"{last['accepted']:,} accepted + {last['returned']:,} returned"
    table.append(("rows", accounts, f"{written['faulty']:,} planted", "each kind found" if whole else "✖"))
    others = ", ".join(f"{COPIES[n]} {seconds[n]:.1f} s" for n in ("duckdb", "pyarrow"))
    return Figure(
        name=NAME,
        table=table,
        ours=f"{seconds['receive']:.1f} s, {peak:.2f} GiB",
        against=f"floor {COPIES['told']} {seconds['told']:.1f} s ({others})",
        ratio=f"{seconds['receive'] / seconds['told']:.2f}",
        bar=BAR,
        met=whole and seconds["receive"] <= MOST * seconds["told"] and peak <= GIB,
        scale=scale,
    )
