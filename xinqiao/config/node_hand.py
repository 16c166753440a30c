"""A node in a process of its own, worked from another by lines of JSON: for demonstrations and measurements.

The process has the node's home, database and keys, serves its portal and interface on the loopback, and carries its
evidence and its objects. What is asked of it are the acts that people do in its portal and at its shell.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xinqiao.plumbing.settings import ROOT

FIRST, SECOND = "person:1", "person:2"


@dataclass(slots=True)
class RemoteNode:
    """A node's process, seen from outside. ``url`` is where others find it, when that is not its port."""

    code: str
    level: str
    home: Path
    port: int
    url: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    module: str = "xinqiao.config.node_hand"
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin the process; it loads and makes its database while others begin."""
        self.home.mkdir(parents=True, exist_ok=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("XINQIAO_") and k != "DATABASE_URL"}
        own = {"XINQIAO_HOME": str(self.home), "XINQIAO_NODE": self.code, "XINQIAO_NODE_LEVEL": self.level}
        own["XINQIAO_ISSUER"] = self.url or f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module, str(self.port)],
            cwd=ROOT,
            env={**inherited, **own, **self.settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C ends it by its pipe, in order
        )

    def ask(self, command: str, /, **given: Any) -> Any:
        """The answer of a command; raises RuntimeError for what could not be done."""
        self.tell(command, **given)
        return self.answer()

    def tell(self, command: str, /, **given: Any) -> None:
        """Give a command without waiting for its answer."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(json.dumps({"command": command, "given": given}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """The answer of the command told before."""
        assert self.process is not None and self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.code} is gone")
        found = json.loads(line)
        if "failed" in found:
            raise RuntimeError(f"{self.code}: {found['failed']}")
        return found["answer"]

    def wait_until_served(self, seconds: float = 60) -> None:
        """Until the node answers calls; raises TimeoutError."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise TimeoutError(self.code)

    def stop(self) -> None:
        """End the process and what it began."""
        if self.process is not None:
            self.process.communicate(timeout=30)  # closes its pipes and waits


def link(below: RemoteNode, above: RemoteNode) -> str:
    """Join two nodes as people do: cards, proposals, fingerprints, two persons on each side; what was read out."""
    lower, upper = below.ask("card"), above.ask("card")
    above.ask("admit", code=below.code, name=lower["name"])
    for node, card, side in ((above, lower, "below"), (below, upper, "above")):
        node.ask("propose", card=card["card"], side=side)
        node.ask("confirm", peer=card["node"], fingerprint=card["fingerprint"])
    return f"{lower['fingerprint']} / {upper['fingerprint']}"


class Hand:
    """What can be asked of a node's process, each an act or a look of its own. Contexts are loaded when needed."""

    def __init__(self, port: int) -> None:
        self.port = port

    def card(self) -> dict[str, str]:
        """This node's card and the fingerprint that its people read out."""
        from xinqiao.federation.keys import own_card
        from xinqiao.federation.rules import card_bytes, fingerprint

        card = own_card()
        return {
            "node": card.node,
            "name": card.name,
            "card": card_bytes(card).decode(),
            "fingerprint": fingerprint(card),
        }

    def admit(self, code: str, name: str) -> None:
        """Take a platform in."""
        from xinqiao.admission.actions import found
        from xinqiao.parties.actions import register_organisation
        from xinqiao.parties.types import OrganisationKind

        register_organisation(code, kind=OrganisationKind.PLATFORM, name=name, actor=FIRST, now=now())
        found(code, reason="本节点建立之前已连接", actor=FIRST, now=now())

    def propose(self, card: str, side: str) -> None:
        """One person proposes a link."""
        from xinqiao.federation.linking import propose_link
        from xinqiao.federation.types import Side

        propose_link(card.encode(), side=Side(side), actor=FIRST, now=now())

    def confirm(self, peer: str, fingerprint: str) -> None:
        """Another confirms it."""
        from xinqiao.federation.linking import confirm_link

        confirm_link(peer, fingerprint=fingerprint, actor=SECOND, now=now())

    def register(self, firms: Sequence[Sequence[str]]) -> None:
        """Register enterprises, each (code, name), with their evidence in its place."""
        from xinqiao.evidence.actions import sequence
        from xinqiao.parties.actions import register_enterprise

        for code, name in firms:
            register_enterprise(code, name=name, actor=FIRST, now=now())
        sequence(now=now())

    def rename(self, code: str, name: str) -> None:
        """An enterprise goes by another name."""
        from xinqiao.evidence.actions import sequence
        from xinqiao.parties.actions import rename_enterprise

        rename_enterprise(code, name=name, actor=FIRST, now=now())
        sequence(now=now())

    def firm(self, code: str) -> str | None:
        """The name under which an enterprise is registered here."""
        from xinqiao.parties.queries import find_enterprise

        found = find_enterprise(code)
        return found.name if found else None

    def counts(self) -> dict[str, int]:
        """The counts of the network as this node has them."""
        from xinqiao.federation.statistics import network_counts

        return {count.metric.code: count.total for count in network_counts()}

    def latest(self, kind: str, origin: str, object_id: str) -> dict[str, Any] | None:
        """The latest version of an object, without what documents say."""
        from xinqiao.federation.queries import find_object

        found = find_object(kind, object_id, origin=origin)
        if found is None:
            return None
        body = {name: value for name, value in found.envelope.body.items() if name != "document"}
        return {"version": found.envelope.version, "retracted": found.envelope.retracted, "body": body}

    def state(self, peer: str) -> dict[str, list[dict[str, Any]]]:
        """The state of a link by kind."""
        from dataclasses import asdict

        from xinqiao.federation.queries import link_state

        return {way: [asdict(kind) for kind in kinds] for way, kinds in link_state(peer).items()}


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def work(hand: Hand) -> None:
    """Do what is asked until the asking ends. Answers go where the process printed; what is printed goes to errors."""
    from django.db import connections

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer: dict[str, Any] = {"answer": getattr(hand, asked["command"])(**asked["given"])}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        connections.close_all()
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


def load() -> None:
    """Set Django up and make the database where there is none."""
    importlib.import_module("xinqiao.config.boot")
    from django.core.management import call_command
    from django.db import connections

    if not (Path(os.environ["XINQIAO_HOME"]) / "xinqiao.sqlite3").exists():
        call_command("migrate", verbosity=0)
    connections.close_all()


def main(port: int) -> None:
    """Be a node until the commands end: server, courier and sequencer."""
    load()
    from xinqiao.config.province import server_command
    from xinqiao.evidence.jobs import run_sequencer
    from xinqiao.federation.jobs import run_federation

    stop = threading.Event()
    threads = [threading.Thread(target=target, args=(stop,)) for target in (run_federation, run_sequencer)]
    server = subprocess.Popen(server_command(port), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    try:
        for thread in threads:
            thread.start()
        from xinqiao.config.federation_demo import DemoHand

        work(DemoHand(port))
    finally:
        stop.set()
        server.terminate()
        server.wait(timeout=20)
        for thread in threads:
            thread.join(timeout=20)


if __name__ == "__main__":
    main(int(sys.argv[1]))
