"""A node with authorised firms, real servers over it, and a bank's program that asks as fast as it is answered."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.node import ACTOR, deliver_sample, free_port, fresh_node, write_sample

if TYPE_CHECKING:
    from xinqiao.oauth.caller import Program

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = 16
BANK = "bank-demo"
PURPOSE = "post_loan"  # the purpose whose ceiling allows most reads
TIMES = 100


@dataclass(frozen=True, slots=True)
class Target:
    """A firm and an authorisation for it."""

    enterprise: str
    authorisation: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as the program saw it: when it asked and got it (monotonic seconds), status, body."""

    began: float
    ended: float
    status: int
    body: dict[str, Any]
    target: Target

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


@contextmanager
def busy_node(firms: int) -> Iterator[tuple[Path, list[Target]]]:
    """A node of ``firms`` evaluated firms, each with an authorisation of a hundred reads; the sequencer beside it."""
    with fresh_node() as home:
        write_sample(home / "sample", firms=firms)
        targets = fill(home)
        stop = threading.Event()
        from xinqiao.evidence.jobs import run_sequencer

        thread = threading.Thread(target=run_sequencer, args=(stop,), daemon=True)
        thread.start()
        try:
            yield home, targets
        finally:
            stop.set()
            thread.join(timeout=20)


def fill(home: Path) -> list[Target]:
    """Deliver the sample, evaluate it, make the demonstration's parties, and let every firm agree."""
    from django.utils import timezone

    from xinqiao.config.demo import ensure_accounts
    from xinqiao.evaluation.actions import run_evaluation
    from xinqiao.records.types import AsOf

    deliver_sample(home / "sample")
    now = datetime.now(UTC)
    run_evaluation(AsOf(timezone.localdate(now), now), actor=ACTOR, now=now, progress=lambda _: None)
    ensure_accounts({}, now=now)
    return grant_all(_codes(home), now=now)


def _codes(home: Path) -> list[str]:
    import csv
    import gzip

    codes: list[str] = []
    for path in sorted((home / "sample" / "registration.basic").glob("*")):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        rows = csv.DictReader(data.decode("utf-8-sig").splitlines())
        codes += [row["统一社会信用代码"] for row in rows]
    return list(dict.fromkeys(codes))


def grant_all(codes: Sequence[str], *, bank: str = BANK, now: datetime) -> list[Target]:
    """One owner for all firms, who agrees to the bank's request for each."""
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.catalogue.types import Openness
    from xinqiao.consent.actions import grant_authorisation, request_authorisation
    from xinqiao.consent.queries import consent_text
    from xinqiao.consent.types import Form
    from xinqiao.parties.actions import add_member, register_enterprise, register_person
    from xinqiao.parties.types import Role
    from xinqiao.plumbing.settings import content_dir

    items = tuple(i.code for i in load_catalogue(content_dir()) if i.openness is not Openness.PUBLIC)
    by: dict[str, Any] = {"actor": ACTOR, "now": now}
    owner = register_person(f"owner-{secrets.token_hex(4)}", name="Owner", password=secrets.token_hex(12), **by)
    targets = []
    for code in codes:
        register_enterprise(code, name=f"Firm {code[-6:]}", **by)
        add_member(owner, role=Role.OWNER, enterprise=code, **by)
        asked = request_authorisation(
            bank, enterprise=code, purpose=PURPOSE, items=items, form=Form.REPORT, reason="load", times=TIMES, **by
        )
        digest = consent_text(asked.id, locale="zh").sha256
        given = grant_authorisation(asked.id, signatory=owner, locale="zh", text_digest=digest, now=now)
        targets.append(Target(code, given.id))
    return targets


@contextmanager
def served(application: str = "xinqiao.config.wsgi:application") -> Iterator[int]:
    """granian over the node of this process's environment, as ``xinqiao serve`` runs it; the port."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--blocking-threads", "4", "--log-level", "warning", application,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        _wait(port, process)
        yield port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


class Worker(Protocol):
    """What goes on until it is told to stop."""

    def run(self, stop: threading.Event) -> None:
        """Until ``stop`` is set."""


@contextmanager
def running(workers: Sequence[Worker]) -> Iterator[None]:
    """Each of the workers in a thread of its own, until the caller is done."""
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=(stop,)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("the server did not start")
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not answer")


@dataclass(slots=True)
class Bank:
    """The program of a bank on one connection that stays open."""

    program: Program
    port: int
    _line: http.client.HTTPConnection | None = field(default=None, repr=False)

    @classmethod
    def of(cls, home: Path, port: int) -> Bank:
        """With the demonstration's key."""
        from xinqiao.oauth.caller import Program

        key_file = home / "node" / "demo-clients" / f"{BANK}.json"
        program = Program.load(key_file, server=f"http://127.0.0.1:{port}")
        found = cls(program, port)
        program.call("GET", "/api/v1/accesses")  # the token and the nonce
        return found

    def read(self, target: Target) -> Reply:
        """Ask for the report of a firm; raises OSError when the server is gone."""
        body = {"enterprise": target.enterprise, "purpose": PURPOSE, "authorisation": target.authorisation}
        began = time.monotonic()
        status, answer = self._post("/api/v1/reports", json.dumps(body).encode())
        return Reply(began, time.monotonic(), status, answer, target)

    def _post(self, path: str, data: bytes) -> tuple[int, dict[str, Any]]:
        for _ in range(2):
            program = self.program
            headers = {
                "Authorization": f"DPoP {program.token}",
                "DPoP": program.proof("POST", f"{program.server}{path}"),
                "Content-Type": "application/json",
                "Idempotency-Key": secrets.token_hex(12),
            }
            if self._line is None:
                self._line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                self._line.request("POST", path, body=data, headers=headers)
                answer = self._line.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                raise OSError(str(error)) from error
            if answer.status == 401 and answer.headers.get("DPoP-Nonce"):
                program.nonce = answer.headers["DPoP-Nonce"]
                continue
            break
        return answer.status, json.loads(body)

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None


def drive(
    banks: Sequence[Bank], next_target: Callable[[], Target], *, seconds: float, stop: threading.Event | None = None
) -> list[Reply]:
    """All banks ask one after the other for so long; every answer."""
    until, replies, lock = time.monotonic() + seconds, list[Reply](), threading.Lock()

    def work(bank: Bank) -> None:
        mine = []
        while time.monotonic() < until and not (stop and stop.is_set()):
            mine.append(bank.read(next_target()))
        with lock:
            replies.extend(mine)

    threads = [threading.Thread(target=work, args=(bank,)) for bank in banks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies
