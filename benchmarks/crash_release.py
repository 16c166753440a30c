"""A server killed while it answers: no answer that a client saw is missing from the log.

A process that serves the whole application is ended by SIGKILL at a random moment while eight clients read reports.
What the clients saw is kept by another process. After each kill every answer seen must be in evidence, leaf for leaf,
with its ledger line; and the authorisations must count exactly the reads that are in the ledger. PostgreSQL, durable.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from benchmarks.busy import Bank, Target, fill
from benchmarks.figure import Figure
from benchmarks.node import SEED, free_port, fresh_node, write_sample
from benchmarks.postgres import durable_postgres

NAME = "crash_release"
BAR = "0 answers seen without their entry in the log after 2,000 kills"
TRIALS, CLIENTS, FIRMS = 2_000, 8, 300
EARLY = 0.2  # of the lives end before an answer is waited for
FIRST_ANSWER = 0.2  # seconds in which those end
UNDER_LOAD = 0.3  # seconds after the first answer in which the others end
TOKENS_LAST = 200  # seconds after which clients sign in again


def measure(scale: float) -> Figure:
    """Kill the server again and again; compare what was seen with what is in the log."""
    trials, rng, began = max(10, round(TRIALS * scale)), random.Random(SEED), time.perf_counter()
    seen = refused = 0
    faults: list[str] = []
    with durable_postgres() as url:
        os.environ["DATABASE_URL"] = url
        with fresh_node() as home, _beside(home) as (port, clients):
            for trial in range(trials):
                answers = _kill_once(port, clients, rng)
                seen += sum(a["status"] == 200 for a in answers)
                refused += sum(a["status"] == 403 for a in answers)
                faults += [f"kill {trial + 1}: {fault}" for fault in _missing(answers)]
            faults += _books()
            entries = _verified(faults)
    took = time.perf_counter() - began
    return Figure(
        name=NAME,
        table=[
            ("what", "count"),
            ("kills", trials),
            ("reports seen by clients", seen),
            ("refusals seen by clients", refused),
            ("entries in the verified log", entries),
            *((fault, "✖") for fault in faults[:20]),
        ],
        ours=f"{len(faults)} of {seen + refused} answers unlogged after {trials} kills, {took:.0f} s",
        against="floor none",
        ratio="-",
        bar=BAR,
        met=not faults and seen > trials / 4,
        scale=scale,
    )


@contextmanager
def _beside(home: Path) -> Iterator[tuple[int, Any]]:
    """Fill the node; start the clients' process and the sequencer's, each apart from the one that will be killed.

    Gives the port and the parent's end of the clients' pipe.
    """
    from django.db import connections

    write_sample(home / "sample", firms=FIRMS)
    targets, port = fill(home), free_port()
    import xinqiao.config.urls
    import xinqiao.config.wsgi  # noqa: F401  imported once, so that a fork serves at once

    connections.close_all()
    ours, theirs = multiprocessing.Pipe()
    children = [_fork(lambda: _Clients(home, port, targets, theirs).run()), _fork(_sequence)]
    try:
        yield port, ours
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        connections.close_all()


def _fork(act: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        act()
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def _sequence() -> None:
    from xinqiao.evidence.jobs import run_sequencer

    run_sequencer(threading.Event())


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads, request_queue_size, allow_reuse_address = True, 64, True


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""

    def address_string(self) -> str:
        """No name look-up."""
        return str(self.client_address[0])


def _serve(port: int) -> None:
    from xinqiao.config.wsgi import application

    server = _Server(("127.0.0.1", port), _Quiet)
    server.set_app(application)
    server.serve_forever(poll_interval=0.05)


def _kill_once(port: int, clients: Any, rng: random.Random) -> Sequence[dict[str, Any]]:
    """One life of the server; what the clients saw in it.

    Most lives end at a random moment after the first answer, when all clients are being answered; some before it.
    """
    child = _fork(lambda: _serve(port))
    _listening(port)
    clients.send("go")
    _told(clients, "signed in")
    if rng.random() < EARLY:
        time.sleep(rng.uniform(0, FIRST_ANSWER))
    else:
        _told(clients, "answered")
        time.sleep(rng.uniform(0, UNDER_LOAD))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"the server ended by itself ({status}) instead of being killed")
    while (said := clients.recv()) == "answered":
        continue
    return list(said)


def _told(clients: Any, word: str) -> None:
    if not clients.poll(60) or clients.recv() != word:
        raise RuntimeError(f"the clients did not say that they {word}")


def _listening(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError("the server does not listen")


class _Clients:
    """The banks' programs, a process of their own: at each word they read until the server is gone, then tell."""

    def __init__(self, home: Path, port: int, targets: Sequence[Target], pipe: Any) -> None:
        self.home, self.port, self.targets, self.pipe = home, port, targets, pipe
        self.rng, self.lock = random.Random(SEED + 1), threading.Lock()
        self.banks: list[Bank] = []
        self.signed_in = 0.0
        self.saw: list[dict[str, Any]] = []

    def run(self) -> None:
        """Life after life, until this process is ended."""
        while True:
            self.pipe.recv()
            self._sign_in()
            self.pipe.send("signed in")
            self.saw = []
            threads = [threading.Thread(target=self._read, args=(bank,)) for bank in self.banks]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.pipe.send(self.saw)

    def _sign_in(self) -> None:
        """Tokens last five minutes; they outlive a server, as their digests are in the database."""
        for bank in self.banks:
            bank.close()
        if not self.banks or time.monotonic() - self.signed_in > TOKENS_LAST:
            self.banks = [Bank.of(self.home, self.port) for _ in range(CLIENTS)]
            self.signed_in = time.monotonic()

    def _read(self, bank: Bank) -> None:
        try:
            while True:
                reply = bank.read(self.rng.choice(self.targets))
                with self.lock:
                    self.saw.append({"status": reply.status, "body": reply.body})
                    if len(self.saw) == 1:
                        self.pipe.send("answered")
                bank.close()  # the server speaks HTTP/1.0
        except (OSError, ValueError):
            return  # the server is gone, or was gone in the middle of an answer


def _missing(answers: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Answers whose entry or ledger line is not in the database as the client was told."""
    from django.db import connections

    from xinqiao.evidence.models import Entry
    from xinqiao.release.models import AccessLine

    told = [a["body"] for a in answers if a["status"] in (200, 403) and "receipt" in a["body"]]
    strange = [a for a in answers if a["status"] not in (200, 403) or "receipt" not in a["body"]]
    yield from (f"answered {a['status']} {a['body'].get('code')}" for a in strange if a["status"] < 500)
    leaves = dict(Entry.objects.filter(id__in=[b["receipt"]["entry"] for b in told]).values_list("id", "leaf"))
    lines = set(AccessLine.objects.filter(id__in=[b["access"] for b in told]).values_list("id", "entry"))
    for body in told:
        entry = body["receipt"]["entry"]
        if bytes(leaves.get(entry, b"")) != body["receipt"]["leaf"].encode():
            yield f"{body['access']}: entry {entry} is not in the log as told"
        if (body["access"], entry) not in lines:
            yield f"{body['access']}: no ledger line"
    connections.close_all()


def _books() -> Iterator[str]:
    """Authorisations must count exactly the reads in the ledger, and each line must have its entry."""
    from collections import Counter

    from xinqiao.consent.models import AuthorisationRow
    from xinqiao.evidence.models import Entry
    from xinqiao.release.models import AccessLine

    granted = AccessLine.objects.filter(allowed=True).exclude(authorisation="")
    counted = Counter(granted.values_list("authorisation", flat=True))
    for name, used in AuthorisationRow.objects.values_list("id", "times_used"):
        if counted[name] != used:
            yield f"{name}: counts {used} reads, the ledger holds {counted[name]}"
    entries = set(Entry.objects.filter(event__startswith="release.").values_list("id", flat=True))
    lines = set(AccessLine.objects.values_list("entry", flat=True))
    yield from (f"entry {entry} and ledger differ" for entry in sorted(entries ^ lines)[:5])


def _verified(faults: list[str]) -> int:
    """Sign what is left and verify the whole log from its files."""
    from datetime import UTC, datetime

    from xinqiao.evidence.actions import sequence_all
    from xinqiao.evidence.verify import verify_folder
    from xinqiao.plumbing.settings import evidence_dir

    sequence_all(now=datetime.now(UTC))
    verdict = verify_folder(evidence_dir())
    faults += verdict.lines() if not verdict.ok else []
    return verdict.head.size if verdict.head else 0
