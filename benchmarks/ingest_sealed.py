"""A delivery with a person's name in every row, received with personal values sealed, against the same left in plain.

Each row belongs to another enterprise, so each is sealed under another key: the dearest case there is. The first
receipt also makes the keys; it is shown and not counted. They alternate in one process, the delivery undone between.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figure import Figure, spread
from benchmarks.node import ACTOR, database_name, fresh_node, write_sample

NAME = "ingest_sealed"
BAR = "at most 40 µs of processor time more a row"
ITEM = "registration.basic"
FIRMS = 60_000
ROUNDS = 5
MOST_US = 40.0


def measure(scale: float) -> Figure:
    """Receive the sample's registration, sealed and in plain, five times each."""
    firms = max(1000, int(FIRMS * scale))
    with fresh_node() as home:
        from xinqiao.records import actions

        write_sample(home / "sample", firms=firms)
        files = sorted(p for p in (home / "sample").rglob("*") if p.is_file() and ITEM in p.as_posix())
        real = actions.seal_table
        first = _receive(files)
        plain, sealed = [], []
        for _ in range(ROUNDS):
            actions.seal_table = lambda item, table, now: table
            plain.append(_receive(files))
            actions.seal_table = real
            sealed.append(_receive(files))
        database = database_name()
    ours, floor = median(r[2] for r in sealed), median(r[2] for r in plain)
    more = (ours - floor) / first[0] * 1e6
    table = [
        (f"{first[0]:,} rows, {database}", "wall s: median (least-greatest)", "cpu s"),
        ("sealed, keys made", f"{first[1]:.2f}", f"{first[2]:.2f}"),
        *(
            (name, spread([r[1] for r in runs]), spread([r[2] for r in runs]))
            for name, runs in (("sealed", sealed), ("in plain", plain))
        ),
    ]
    return Figure(
        name=NAME,
        table=table,
        ours=f"{ours:.2f} cpu s, {more:.0f} µs more a row",
        against=f"floor unsealed {floor:.2f} cpu s",
        ratio=f"{ours / floor:.2f}",
        bar=BAR,
        met=more <= MOST_US,
        scale=scale,
    )


def _receive(files: list[Path]) -> tuple[int, float, float]:
    """Rows accepted, seconds of wall clock and of processor time; the delivery is undone afterwards."""
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.ingest.actions import Upload, receive, undo_delivery
    from xinqiao.plumbing.settings import content_dir

    item = load_catalogue(content_dir()).item(ITEM)
    uploads = [Upload(path.name, path.read_bytes()) for path in files]
    by: dict[str, Any] = {"provider": item.department.code, "actor": ACTOR, "now": datetime.now(UTC)}
    outcome, wall, cpu = _timed(lambda: receive(item, uploads, **by))
    undo_delivery(outcome.delivery, **by)
    return outcome.accepted, wall, cpu


def _timed(act: Callable[[], Any]) -> tuple[Any, float, float]:
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = act()
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    return result, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
