"""Lists the published figures, or measures one: exit status 0 met, 1 short, 2 cannot be measured here."""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.figure import Absent

NAMES = (
    "start_to_portal",
    "ingest_feed",
    "ingest_ten_million",
    "ingest_sealed",
    "evaluate_batch",
    "gate_product",
    "crash_ingest",
    "gate_million",
    "sentinels",
    "working_days_year",
    "correction_ripple",
    "replay_answers",
    "two_sided_ledger",
    "signals",
    "evidence_overhead",
    "withdrawal",
    "suspension",
    "list_change",
    "probes",
    "crash_release",
    "proofs_foreign",
    "log_million",
    "one_firm",
    "search_lists",
    "province_batch",
    "scoring_rivals",
    "integration_quality",
    "spark_parity",
    "rotate_keys",
    "source_outage",
    "route_roles",
    "federation_faults",
    "matching",
    "effectiveness_recompute",
    "scenario_models",
    "exact_reasons",
    "hostile_formulas",
    "package",
    "anchor_million",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./check bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=NAMES, help="the figure to measure; without one, list them")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size, for a quick look")
    chosen = parser.parse_args(arguments)
    if chosen.name is None:
        for name in NAMES:
            module = importlib.import_module(f"benchmarks.{name}")
            print(f"{name:16} {(module.__doc__ or '').splitlines()[0]} Bar: {module.BAR}.")
        return 0
    if not 0 < chosen.scale <= 1:
        parser.error("--scale lies between 0 and 1")
    return _measure(chosen.name, chosen.scale)


def _measure(name: str, scale: float) -> int:
    try:
        figure = importlib.import_module(f"benchmarks.{name}").measure(scale)
    except Absent as absent:
        print(f"{name}: not measured | {absent}", file=sys.stderr)
        return 2
    print(figure.text, flush=True)
    return 0 if figure.met else 1


if __name__ == "__main__":
    sys.exit(main())
