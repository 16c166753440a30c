"""From an enterprise's withdrawal to the first refusal, while 16 clients keep the node busy.

A firm withdraws; from the moment its withdrawal is committed a bank asks again and again under that authorisation.
Measured is the time until it is refused; any report whose request was sent after the commit is a failure. Half of the
probes go to a second server process, which must learn of it as fast.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from benchmarks.busy import CLIENTS, Bank, Reply, Target, busy_node, drive, served
from benchmarks.evidence_overhead import taking_turns
from benchmarks.figure import Figure, percentile
from benchmarks.postgres import durable_postgres

NAME = "withdrawal"
BAR = "99 % refused within 1 s, none later than 3 s, no report asked for after the withdrawal, 16 clients"
WITHDRAWALS = 300
P99, LONGEST = 1.0, 3.0
BUSY_FIRMS = 400


def measure(scale: float) -> Figure:
    """Withdraw again and again under load; time the first refusal of each."""
    count = max(10, int(WITHDRAWALS * scale))
    with durable_postgres() as url:
        os.environ["DATABASE_URL"] = url
        with busy_node(count + max(40, int(BUSY_FIRMS * scale))) as (home, targets), served() as one, served() as two:
            given, busy = targets[:count], targets[count:]
            load = _Load([Bank.of(home, one) for _ in range(CLIENTS)], taking_turns(busy))
            askers = [Bank.of(home, one), Bank.of(home, two)]
            with load:
                trials = [_trial(target, askers[n % 2]) for n, target in enumerate(given)]
    delays = [delay for delay, _ in trials]
    late = sum(reply.status == 200 for _, replies in trials for reply in replies)
    p99, longest = percentile(delays, 0.99), max(delays)
    return Figure(
        name=NAME,
        table=[
            ("what", "value"),
            ("withdrawals", count),
            ("refused within ms, half of them", f"{1000 * percentile(delays, 0.5):.0f}"),
            ("refused within ms, 99 %", f"{1000 * p99:.0f}"),
            ("refused within ms, all", f"{1000 * longest:.0f}"),
            ("reports asked for after the withdrawal", late),
            ("answers of the load meanwhile", len(load.replies)),
            ("of which refused or failed", sum(r.status != 200 for r in load.replies)),
        ],
        ours=f"p50 {1000 * percentile(delays, 0.5):.0f} ms, p99 {1000 * p99:.0f} ms, longest {1000 * longest:.0f} ms",
        against=f"one call under this load {1000 * percentile([r.seconds for r in load.replies], 0.5):.0f} ms",
        ratio=f"{percentile(delays, 0.5) / percentile([r.seconds for r in load.replies], 0.5):.2f}",
        bar=BAR,
        met=p99 <= P99 and longest <= LONGEST and not late,
        scale=scale,
    )


class _Load:
    """Sixteen clients that ask until the block ends."""

    def __init__(self, banks: Sequence[Bank], following: Callable[[], Target]) -> None:
        self._banks, self._following, self._stop = banks, following, threading.Event()
        self.replies: list[Reply] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.replies = drive(self._banks, self._following, seconds=3600, stop=self._stop)

    def __enter__(self) -> None:
        self._thread.start()
        time.sleep(1)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _trial(target: Target, bank: Bank) -> tuple[float, list[Reply]]:
    """Read once, withdraw, ask until refused: seconds from the commit to the refusal, and all answers after it."""
    from xinqiao.consent.actions import withdraw_authorisation
    from xinqiao.consent.queries import get_authorisation

    first = bank.read(target)
    if first.status != 200:
        raise RuntimeError(f"the authorised read was refused: {first.body}")
    signatory = get_authorisation(target.authorisation).signatory
    withdraw_authorisation(target.authorisation, signatory=signatory, now=datetime.now(UTC))
    committed, replies = time.monotonic(), list[Reply]()
    while time.monotonic() - committed < 30:
        replies.append(bank.read(target))
        if replies[-1].status == 403:
            break
    return replies[-1].ended - committed, replies
