"""The gate and Cedar decide a million random requests alike, and a solver proves what neither may ever allow.

The two evaluators share only the text of ``release.toml``. The control plants the opposite of each row in Cedar's
copy: were the sample too tame to notice, the agreement would mean nothing.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

from benchmarks.figure import Figure
from benchmarks.node import fresh_node

NAME = "gate_million"
REQUESTS = 1_000_000
PART = 25_000
BAR = "0 of 1,000,000 decided otherwise by Cedar, every theorem unsat, every planted row noticed"


def measure(scale: float) -> Figure:
    """Both evaluators over the requests, the proof, and the control."""
    count = max(PART, int(REQUESTS * scale))
    with fresh_node():
        from xinqiao.plumbing.settings import content_dir
        from xinqiao.release.prove import prove

        text = (content_dir() / "release.toml").read_text("utf-8")
        began = time.perf_counter()
        proof = prove(text)
        proved = time.perf_counter() - began
        began = time.perf_counter()
        parts = [(text, 1000 + n, PART) for n in range(count // PART)]
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
            differing = sum(pool.map(_differing, parts))
        took = time.perf_counter() - began
        noticed, planted = _control(text)
        floor = _ours_alone(text)
    unsat = [t.verdict for t in proof.theorems].count("unsat")
    rows: list[tuple[object, ...]] = [("check", "result", "of"), ("requests decided alike", count - differing, count)]
    rows += [("opposite rows noticed", noticed, planted)]
    rows += [(f"theorem {t.name}", t.verdict, "unsat") for t in proof.theorems]
    return Figure(
        name=NAME,
        table=rows,
        ours=f"{differing} of {len(parts) * PART:,} differ in {took:.0f} s, {unsat} theorems unsat in {proved:.2f} s",
        against=f"control {noticed} of {planted} planted rows noticed; our gate alone {floor:,.0f} requests/s",
        ratio=f"{differing / count:.6f}",
        bar=BAR,
        met=differing == 0 and unsat == len(proof.theorems) and noticed == planted,
        scale=scale,
    )


def _differing(part: tuple[str, int, int]) -> int:
    from xinqiao.release.trials import disagreements

    text, seed, count = part
    return sum(1 for _ in disagreements(text, seed=seed, count=count))


def _control(text: str) -> tuple[int, int]:
    """Rows whose opposite, in Cedar's copy alone, shows as a disagreement; and all rows."""
    from xinqiao.release.cedar import CedarGate
    from xinqiao.release.rules import judge, parse_policy
    from xinqiao.release.trials import random_asks

    table = parse_policy(text)
    asks = list(islice(random_asks(5), 4_000))
    ours = [judge(table, ask, now=now)[0].allow for ask, now in asks]
    rows = text.split("[[rules]]")
    noticed = 0
    for number, row in enumerate(rows[1:], 1):
        other = row.replace('"allow"', "?").replace('"refuse"', '"allow"').replace("?", '"refuse"')
        mutated = "[[rules]]".join([*rows[:number], other, *rows[number + 1 :]])
        noticed += CedarGate(mutated).allows(asks) != ours
    return noticed, len(rows) - 1


def _ours_alone(text: str) -> float:
    from xinqiao.release.rules import judge, parse_policy
    from xinqiao.release.trials import random_asks

    table, asks = parse_policy(text), list(islice(random_asks(3), 20_000))
    began = time.perf_counter()
    for ask, now in asks:
        judge(table, ask, now=now)
    return len(asks) / (time.perf_counter() - began)
