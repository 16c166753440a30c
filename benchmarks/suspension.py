"""From a suspension to the last read that still succeeds, under load; and what a removal leaves in the network.

Four programs of a bank read without a pause through two server processes while twelve of a platform keep both busy. A
second person approves the bank's suspension: measured is the time from that call to the end of the bank's last
successful read; a success whose request was sent after the commit is a failure. The bank is restored, and again. At
the end it is removed in the same way, with tokens, open requests and waiting notices in hand: nothing may be left.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.busy import BANK, Bank, Reply, Target, busy_node, running, served
from benchmarks.evidence_overhead import taking_turns
from benchmarks.figure import Figure, percentile
from benchmarks.postgres import durable_postgres

if TYPE_CHECKING:
    from xinqiao.admission.types import Orphans

NAME = "suspension"
BAR = "99 % of suspensions: last successful read within 1 s, none asked for after the commit; 0 left after a removal"
SUSPENSIONS = 100
P99 = 1.0
FIRMS = 400
BANKS, LOAD = 4, 12
PLATFORM = "platform-demo"
PATIENCE = 20.0  # seconds for every program to see the change
FIRST, SECOND = "person:1", "person:2"


def measure(scale: float) -> Figure:
    """Suspend and restore again and again under load, then remove; time the last successes, count what is left."""
    count = max(5, int(SUSPENSIONS * scale))
    with durable_postgres() as url:
        os.environ["DATABASE_URL"] = url
        with busy_node(max(40, int(FIRMS * scale))) as (home, targets), served() as one, served() as two:
            ports = (one, two)
            load = [_Reader(_bank(home, ports[n % 2], PLATFORM), _public, taking_turns(targets)) for n in range(LOAD)]
            banks = [_Reader(_bank(home, ports[n % 2], BANK), Bank.read, taking_turns(targets)) for n in range(BANKS)]
            with running([*load, *banks]):
                trials = [_trial(banks) for _ in range(count)]
                removed = _removal(banks)
            dropped = sum(reader.dropped for reader in (*load, *banks))
    return _figure(trials, removed, [r for reader in load for r in reader.replies], dropped, scale)


@dataclass(frozen=True, slots=True)
class _Removed:
    """What the bank had and what is left, seconds to its last success and until all of it was ended."""

    before: Orphans
    left: Orphans
    last: float
    took: float


@dataclass(slots=True)
class _Reader:
    """A program that reads without a pause, and fetches a new token whenever its own has died."""

    bank: Bank
    read: Callable[[Bank, Target], Reply]
    following: Callable[[], Target]
    replies: list[Reply] = field(default_factory=list)
    dropped: int = 0

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                reply = self.read(self.bank, self.following())
            except OSError:  # the server had closed the line: the next read opens a new one
                self.dropped += 1
                continue
            self.replies.append(reply)
            if reply.status == 401:
                self._renew()
            if reply.status != 200:
                stop.wait(0.02)

    def _renew(self) -> None:
        self.bank.program.token = ""
        try:
            self.bank.program.call("GET", "/api/v1/accesses")
        except PermissionError:  # the client was ended for good
            self.bank.program.token = "ended"

    def since(self, instant: float, *, status: int | None = None) -> list[Reply]:
        """The answers whose request was sent after an instant."""
        found = [r for r in self.replies[-200:] if r.began > instant]
        return [r for r in found if status is None or (r.status == 200) == (status == 200)]


def _bank(home: Path, port: int, client: str) -> Bank:
    from xinqiao.oauth.caller import Program

    program = Program.load(home / "node" / "demo-clients" / f"{client}.json", server=f"http://127.0.0.1:{port}")
    program.call("GET", "/api/v1/accesses")
    return Bank(program, port)


def _public(bank: Bank, target: Target) -> Reply:
    """What is public by law: through the gate, with its line and its evidence."""
    began = time.monotonic()
    answer = bank.program.call("GET", f"/api/v1/enterprises/{target.enterprise}/public")
    return Reply(began, time.monotonic(), answer.status, {}, target)


def _decide(kind: str, organisation: str = BANK) -> tuple[float, float]:
    """One proposes, another approves: when the approval was called and when it was committed."""
    from xinqiao.admission.actions import approve, propose
    from xinqiao.admission.types import MeasureKind

    made = propose(organisation, MeasureKind(kind), reason="measured", actor=FIRST, now=datetime.now(UTC))
    called = time.monotonic()
    approve(made.id, actor=SECOND, now=datetime.now(UTC))
    return called, time.monotonic()


def _await(banks: Sequence[_Reader], instant: float, status: int) -> None:
    """Until each program was answered so at least once; raises RuntimeError when one never is."""
    until = time.monotonic() + PATIENCE
    while not all(bank.since(instant, status=status) for bank in banks):
        if time.monotonic() > until:
            raise RuntimeError(f"a program did not get {status} within {PATIENCE:.0f} s")
        time.sleep(0.01)


def _trial(banks: Sequence[_Reader]) -> tuple[float, float, int]:
    """Suspend while all read: seconds from the approval's call, and from its commit, to the last success; late ones."""
    _await(banks, time.monotonic(), 200)
    called, committed = _decide("suspend")
    _await(banks, committed, 403)
    last = max((r.ended for bank in banks for r in bank.replies[-200:] if r.status == 200), default=called)
    late = sum(len(bank.since(committed, status=200)) for bank in banks)
    _decide("restore")
    return max(0.0, last - called), max(0.0, last - committed), late


def _removal(banks: Sequence[_Reader]) -> _Removed:
    """Remove while all read: reads stop first, then everything that the bank holds is ended one by one."""
    from xinqiao.admission.queries import orphans

    _await(banks, time.monotonic(), 200)
    _arm()
    before = orphans(BANK, now=datetime.now(UTC))
    called, committed = _decide("remove")
    time.sleep(2)  # the programs go on trying
    if any(bank.since(committed, status=200) for bank in banks):
        raise RuntimeError("a read succeeded after the removal")
    last = max((r.ended for bank in banks for r in bank.replies[-500:] if r.status == 200), default=called)
    return _Removed(before, orphans(BANK, now=datetime.now(UTC)), max(0.0, last - called), committed - called)


def _arm() -> None:
    """A firm that has not answered yet, and an endpoint with notices that wait."""
    from tests.factories import uscc
    from xinqiao.consent.actions import request_authorisation
    from xinqiao.consent.types import Form
    from xinqiao.parties.actions import register_enterprise
    from xinqiao.webhooks.actions import add_endpoint, tell

    by: dict[str, Any] = {"actor": FIRST, "now": datetime.now(UTC)}
    register_enterprise(uscc(1), name="Waiting", **by)
    items = ["tax.payment"]
    request_authorisation(
        BANK, enterprise=uscc(1), purpose="approval", items=items, form=Form.REPORT, reason="load", **by
    )
    add_endpoint(BANK, url="https://bank.example/notices", **by)
    for n in range(10):
        tell(BANK, "test", about=f"x{n}", data={}, now=by["now"])


def _figure(
    trials: Sequence[tuple[float, float, int]], removed: _Removed, load: Sequence[Reply], dropped: int, scale: float
) -> Figure:
    delays, after, late = [t[0] for t in trials], [t[1] for t in trials], sum(t[2] for t in trials)
    half, p99, longest = (percentile(delays, share) for share in (0.5, 0.99, 1.0))
    call = percentile([r.seconds for r in load], 0.5)
    remains = sum(_numbers(removed.left))
    return Figure(
        name=NAME,
        table=[
            ("what", "value"),
            ("suspensions", len(trials)),
            ("last success within ms of the approval, half of them", f"{1000 * half:.0f}"),
            ("last success within ms, 99 %", f"{1000 * p99:.0f}"),
            ("last success within ms, all", f"{1000 * longest:.0f}"),
            ("last success within ms of the commit, 99 %", f"{1000 * percentile(after, 0.99):.0f}"),
            ("reads that succeeded though asked for after the commit", late),
            ("answers of the load meanwhile", len(load)),
            ("of which refused or failed", sum(r.status != 200 for r in load)),
            ("lines that were dropped and opened anew", dropped),
            ("held before the removal: authorisations, requests, tokens, pushes", _four(removed.before)),
            ("left after the removal: the same", _four(removed.left)),
            ("last success within ms of the removal's approval", f"{1000 * removed.last:.0f}"),
            ("everything ended within ms", f"{1000 * removed.took:.0f}"),
        ],
        ours=f"p50 {1000 * half:.0f} ms, p99 {1000 * p99:.0f} ms, longest {1000 * longest:.0f} ms, {remains} left",
        against=f"floor one read under this load {1000 * call:.0f} ms",
        ratio=f"{half / call:.2f}",
        bar=BAR,
        met=p99 <= P99 and not late and not remains and removed.last <= P99 and min(_numbers(removed.before)) > 0,
        scale=scale,
    )


def _numbers(found: Orphans) -> tuple[int, int, int, int]:
    return found.authorisations, found.requests, found.tokens, found.pushes


def _four(found: Orphans) -> str:
    return ", ".join(map(str, _numbers(found)))
