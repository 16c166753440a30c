"""One evaluation of the province in a process of its own, so that its memory is its own.

``province_once run`` publishes a run of the scorecard in force; ``province_once few OUT VALID KNOWN`` writes the values
of the indicators that the rival writes too. Prints a line of JSON: seconds, peak memory in GiB, enterprises.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import UTC, date, datetime

import xinqiao.config.boot  # noqa: F401

# isort: split
from benchmarks.node import ACTOR
from benchmarks.province_sql import INDICATORS
from xinqiao.catalogue.load import load_catalogue
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evaluation.compute import REGISTRATION, scorecard_at
from xinqiao.indicators.province import Province, write_frame
from xinqiao.indicators.registry import load_indicators
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.types import AsOf


def main() -> None:
    """Compute, and say what it took."""
    began, count = time.perf_counter(), 0
    if sys.argv[1] == "run":
        now = datetime.now(UTC)
        as_of = AsOf(now.date(), now)
        count = run_evaluation(as_of, actor=ACTOR, now=now, progress=lambda _: None, afresh=True).enterprises
    else:
        out, valid, known = sys.argv[2:5]
        _few(out, AsOf(date.fromisoformat(valid), datetime.fromisoformat(known)))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": seconds, "gib": peak, "enterprises": count}))


def _few(out: str, as_of: AsOf) -> None:
    chosen = [load_indicators()[code].indicator for code in INDICATORS]
    catalogue, card = load_catalogue(content_dir()), scorecard_at(as_of)
    sizing = [load_indicators()[code].indicator for code in card.scoring.size_inputs]  # every value has a size class
    wanted = list(dict.fromkeys([*chosen, *sizing]))
    items = [catalogue.item(code) for code in dict.fromkeys([REGISTRATION, *(i.facts.item for i in wanted)])]
    province = Province(items, wanted, card.scoring, as_of, registry=REGISTRATION)
    write_frame(province.values(), out)


if __name__ == "__main__":
    main()
