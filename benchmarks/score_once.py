"""Score the province with the engine of the environment, into a file: ``score_once OUT.arrow VALID KNOWN``."""

from __future__ import annotations

import sys
import time
from datetime import date, datetime

import xinqiao.config.boot  # noqa: F401

# isort: split
import pyarrow as pa

from xinqiao.evaluation import compute
from xinqiao.evaluation.steps import score_table
from xinqiao.indicators.engine import engine_name
from xinqiao.records.types import AsOf


def main() -> None:
    """Print the engine and the seconds the scoring took."""
    out, valid, known = sys.argv[1:4]
    as_of = AsOf(date.fromisoformat(valid), datetime.fromisoformat(known))
    began = time.perf_counter()
    card = compute.scorecard_at(as_of)
    table = score_table(compute.province(card, as_of, compute.open_sources(card, as_of)))
    took = time.perf_counter() - began
    with pa.OSFile(out, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    print(f"{took:.2f} {engine_name()}")


if __name__ == "__main__":
    main()
