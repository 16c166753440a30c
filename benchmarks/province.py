"""A delivered province for the benchmarks that read one: loaded for each, or kept and shared by all that ask for it.

At full size loading takes longer than what is measured. ``XINQIAO_BENCH_KEPT`` names a folder in which provinces stay,
one for each size; a benchmark then reads the one that an earlier one loaded. What is measured does not change: the
records are the same, and whoever measures a run computes it afresh.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.node import deliver_sample, fresh_node, last_month_end, write_sample


@contextmanager
def delivered_province(*, firms: int, months: int) -> Iterator[tuple[Path, int]]:
    """A node that holds the records of so many enterprises: a folder for files of the caller's, and the rows delivered.

    Once a process, like :func:`benchmarks.node.fresh_node`.
    """
    kept = os.environ.get("XINQIAO_BENCH_KEPT")
    place = Path(kept) / f"{firms}-{months}-{last_month_end():%Y%m}" if kept else None
    with fresh_node(place) as home:
        noted = home / "delivered.json"
        if not noted.exists():
            write_sample(home / "sample", firms=firms, months=months)
            rows = deliver_sample(home / "sample")
            shutil.rmtree(home / "sample")
            noted.write_text(json.dumps(rows))
        yield home, int(json.loads(noted.read_text()))
