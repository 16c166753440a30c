"""The real registration feed, received whole, against a bare DuckDB copy of the same files.

Ours reads, checks every value, keeps the originals, numbers and returns faulty rows, writes durable Parquet and
records evidence; the floor only turns CSV into Parquet: once as DuckDB comes, which finds out columns and types by
itself and sets the bar, once told every column, as a further mark. They alternate in one process. Between our runs
the delivery is undone, because the same bytes delivered again are recognised and change nothing.
"""

from __future__ import annotations

import gzip
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from benchmarks.figure import Absent, Figure, spread
from benchmarks.node import ACTOR, database_name, fresh_node

if TYPE_CHECKING:
    from xinqiao.ingest.types import Outcome

NAME = "ingest_feed"
BAR = "every row accounted for, at most 3.0 × DuckDB"
FEED = Path(__file__).resolve().parents[2] / "shared" / "data" / "registration"
ROWS = 62_146
ROUNDS = 5
MOST = 3.0
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall clock and of processor time."""

    wall: float
    cpu: float


def measure(scale: float) -> Figure:
    """Receive the feed five times and copy it five times, alternating; compare the medians."""
    files = sorted(FEED.glob("*.csv.gz"))
    if not files:
        raise Absent(f"the registration feed is not here: {FEED}")
    files = files[: max(1, round(len(files) * scale))]
    with fresh_node() as home:
        target = home / "copy.parquet"
        ours, floor, told, copied, outcome = [], [], [], 0, None
        for _ in range(ROUNDS):
            copied, cost = _timed(lambda: _copy(files, target, "header = true"))
            floor.append(cost)
            _, cost = _timed(lambda: _copy(files, target, _columns(files[0])))
            told.append(cost)
            outcome, cost = _timed(lambda: _receive(files))
            ours.append(cost)
            _undo(outcome.delivery)
        database = database_name()
    costs = {f"ours, {database}": ours, "DuckDB copy": floor, "DuckDB copy, told the columns": told}
    return _figure(outcome, copied, costs, files=len(files), scale=scale)


def _timed(act: Callable[[], Result]) -> tuple[Result, Cost]:
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = act()
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    return result, Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _receive(files: list[Path]) -> Outcome:
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.ingest.actions import Upload, receive
    from xinqiao.plumbing.settings import content_dir

    item = load_catalogue(content_dir()).item("registration.basic")
    uploads = [Upload(path.name, path.read_bytes()) for path in files]
    return receive(item, uploads, provider=item.department.code, actor=ACTOR, now=datetime.now(UTC))


def _undo(delivery: str) -> None:
    from xinqiao.ingest.actions import undo_delivery
    from xinqiao.ingest.queries import get_delivery

    undo_delivery(delivery, provider=get_delivery(delivery).provider, actor=ACTOR, now=datetime.now(UTC))


def _copy(files: list[Path], target: Path, options: str) -> int:
    """The floor: DuckDB reads the files and writes one Parquet file; returns its rows."""
    import duckdb

    with duckdb.connect() as db:
        db.execute(f"COPY (FROM read_csv(?, {options})) TO '{target}' (FORMAT parquet)", [[str(f) for f in files]])
        return int(db.execute(f"SELECT count(*) FROM '{target}'").fetchone()[0])


def _columns(file: Path) -> str:
    """Options that spare DuckDB all detection: every column is text, under the name the first file gives it."""
    with gzip.open(file, "rt", encoding="utf-8-sig") as stream:
        header = stream.readline().strip().split(",")
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in header)
    return f"header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}}"


def _figure(outcome: Outcome, copied: int, costs: dict[str, list[Cost]], *, files: int, scale: float) -> Figure:
    ours, floor, told = (median(c.wall for c in measured) for measured in costs.values())
    whole = outcome.accepted + outcome.returned == outcome.delivered == copied and (scale < 1 or copied == ROWS)
    table = [
        (f"{files} files, {copied:,} rows", "wall s: median (least-greatest)", "cpu s"),
        *((name, spread([c.wall for c in cs]), spread([c.cpu for c in cs])) for name, cs in costs.items()),
        ("rows", f"{outcome.accepted:,} accepted + {outcome.returned:,} returned", f"{outcome.flagged} flagged"),
    ]
    return Figure(
        name=NAME,
        table=table,
        ours=f"{ours:.2f} s, {outcome.accepted + outcome.returned:,} of {copied:,} rows",
        against=f"floor DuckDB copy {floor:.2f} s (told the columns {told:.2f} s)",
        ratio=f"{ours / floor:.2f} ({ours / told:.2f})",
        bar=BAR,
        met=whole and ours <= MOST * floor,
        scale=scale,
    )
