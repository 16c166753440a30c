"""Authorised queries a second with full evidence and without, on one PostgreSQL, by 16 clients in turns.

Both servers are granian over the same durable database and the same firms; the second has evidence taken out
(``benchmarks/evidence_off``). They are driven one after the other in short turns, so that noise of the machine
falls on both. A call carries its DPoP proof and its idempotency key; the answer is the whole report.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.busy import CLIENTS, Bank, Reply, Target, busy_node, drive, served
from benchmarks.figure import Figure, percentile
from benchmarks.postgres import durable_postgres

NAME = "evidence_overhead"
BAR = "with evidence at least 0.75 of the queries a second without, 16 clients, PostgreSQL"
LEAST = 0.75
TURNS, SECONDS, WARM = 6, 8.0, 3.0
FIRMS = 400
EDGES_MS = (10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)


def measure(scale: float) -> Figure:
    """Drive both servers in turns; compare the medians of their turns."""
    seconds = max(1.0, SECONDS * scale)
    with durable_postgres() as url:
        os.environ["DATABASE_URL"] = url
        with (
            busy_node(max(40, int(FIRMS * scale))) as (home, targets),
            served() as on_port,
            served("benchmarks.evidence_off:application") as off_port,
        ):
            following = taking_turns(targets)
            on = [Bank.of(home, on_port) for _ in range(CLIENTS)]
            off = [Bank.of(home, off_port) for _ in range(CLIENTS)]
            for banks in (on, off):
                drive(banks, following, seconds=min(WARM, seconds))
            turns = [tuple(drive(banks, following, seconds=seconds) for banks in (on, off)) for _ in range(TURNS)]
    rates = [[_rate(replies, seconds) for replies in side] for side in zip(*turns, strict=True)]
    told = [[r for replies in side for r in replies] for side in zip(*turns, strict=True)]
    ratio = median(a / b for a, b in zip(*rates, strict=True))
    wrong = sum(r.status != 200 for side in told for r in side)
    return Figure(
        name=NAME,
        table=_table(rates, told, wrong),
        ours=f"{median(rates[0]):.0f} queries/s, p50 {_ms(told[0], 0.5):.0f} ms, p99 {_ms(told[0], 0.99):.0f} ms",
        against=(
            f"without evidence {median(rates[1]):.0f}/s, "
            f"p50 {_ms(told[1], 0.5):.0f} ms, p99 {_ms(told[1], 0.99):.0f} ms"
        ),
        ratio=f"{ratio:.2f}",
        bar=BAR,
        met=ratio >= LEAST and not wrong,
        scale=scale,
    )


def taking_turns(targets: Sequence[Target]) -> Callable[[], Target]:
    """The targets one after the other, whoever asks."""
    lock, around = threading.Lock(), itertools.cycle(targets)

    def following() -> Target:
        with lock:
            return next(around)

    return following


def _rate(replies: Sequence[Reply], seconds: float) -> float:
    return sum(r.status == 200 for r in replies) / seconds


def _ms(replies: Sequence[Reply], share: float) -> float:
    return 1000 * percentile([r.seconds for r in replies if r.status == 200], share)


def _table(rates: Sequence[Sequence[float]], told: Sequence[Sequence[Reply]], wrong: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("turn", "with evidence /s", "without /s", "ratio")]
    rows += [(n, f"{a:.0f}", f"{b:.0f}", f"{a / b:.2f}") for n, (a, b) in enumerate(zip(*rates, strict=True), start=1)]
    rows.append(("answers up to ms", "with", "without", ""))
    for edge in (*EDGES_MS, None):
        counts = [sum(edge is None or r.seconds * 1000 <= edge for r in side if r.status == 200) for side in told]
        rows.append((edge or "all", *counts, ""))
    rows.append(("other than 200", wrong, "", ""))
    return rows
