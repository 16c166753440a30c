"""One step of ingest_ten_million in a process of its own, so that its memory is its own.

``ingest_once write CSV ROWS`` writes the delivery, ``receive CSV`` takes it in and undoes it, ``duckdb CSV OUT``,
``told CSV OUT`` and ``pyarrow CSV OUT`` are bare copies. Prints a line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.large_delivery import HEADER, ITEM, write_delivery

BLOCK = 1 << 24


def main() -> None:
    """Do the step, and say what it took."""
    step, source, *more = sys.argv[1:]
    if step == "write":
        print(json.dumps(asdict(write_delivery(Path(source), int(more[0])))))
        return
    took = _receive(Path(source)) if step == "receive" else _copy(step, source, more[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({**took, "gib": peak}))


def _receive(path: Path) -> dict[str, Any]:
    import xinqiao.config.boot  # noqa: F401

    # isort: split
    from benchmarks.node import ACTOR, database_name
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.ingest.actions import Upload, receive, undo_delivery
    from xinqiao.plumbing.settings import content_dir

    item = load_catalogue(content_dir()).item(ITEM)
    by: dict[str, Any] = {"provider": item.department.code, "actor": ACTOR, "now": datetime.now(UTC)}
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    outcome = receive(item, [Upload(path.name, path)], **by)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    undo_delivery(outcome.delivery, **by)
    broken: dict[str, int] = {}
    for group in outcome.groups:
        broken[group.code] = broken.get(group.code, 0) + group.rows
    return {
        "seconds": seconds,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "delivered": outcome.delivered,
        "accepted": outcome.accepted,
        "returned": outcome.returned,
        "broken": broken,
        "database": database_name(),
    }


def _copy(step: str, source: str, target: str) -> dict[str, Any]:
    """Turn CSV into Parquet and do nothing else; the lines with a column too many are left out."""
    copy = {"duckdb": _duckdb, "told": _duckdb_told, "pyarrow": _pyarrow}[step]
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    copy(source, target)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "rows": _rows(target)}


def _duckdb(source: str, target: str, options: str = "header = true") -> None:
    import duckdb

    read = f"read_csv('{source}', {options}, ignore_errors = true)"
    duckdb.execute(f"COPY (FROM {read}) TO '{target}' (FORMAT parquet)")


def _duckdb_told(source: str, target: str) -> None:
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in HEADER)
    told = "header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"'"
    _duckdb(source, target, f"{told}, columns = {{{columns}}}")


def _pyarrow(source: str, target: str) -> None:
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    texts = pacsv.ConvertOptions(column_types={name: pa.string() for name in HEADER})
    fitting = pacsv.ParseOptions(invalid_row_handler=lambda _: "skip")
    with (
        pacsv.open_csv(source, pacsv.ReadOptions(block_size=BLOCK), fitting, texts) as reader,
        pq.ParquetWriter(target, reader.schema) as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)


def _rows(target: str) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(target).num_rows)


if __name__ == "__main__":
    main()
