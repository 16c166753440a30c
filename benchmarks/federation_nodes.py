"""Nodes of a network as processes of their own, each with home, database and keys; killed and begun again at will.

A node has a nursery that has everything loaded and forks what serves: server and courier in one process. So a node that
was killed is back at once, and what killed it could strike anywhere. Commands go to the nursery as lines of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(slots=True)
class Node:
    """A node's nursery, seen from outside."""

    code: str
    level: str
    home: Path
    port: int
    url: str = ""  # where others find it, when that is not its port
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Load everything and make the database; nothing is served yet."""
        self.home.mkdir(parents=True, exist_ok=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("XINQIAO_") and k != "DATABASE_URL"}
        own = {"XINQIAO_HOME": str(self.home), "XINQIAO_NODE": self.code, "XINQIAO_NODE_LEVEL": self.level}
        own["XINQIAO_ISSUER"] = self.url or f"http://127.0.0.1:{self.port}"
        own |= {"XINQIAO_FEDERATION_SECONDS": "0.5", **self.settings}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.federation_nodes", str(self.port)],
            cwd=ROOT,
            env=inherited | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, command: str, /, **given: Any) -> Any:
        """The answer of one of the nursery's commands; raises RuntimeError for what it could not do."""
        self.tell(command, **given)
        return self.answer()

    def tell(self, command: str, /, **given: Any) -> None:
        """Give a command without waiting for its answer."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(json.dumps({"name": command, "given": given}) + "\n")
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

    def wait_until_served(self, seconds: float = 20) -> None:
        """Until the serving process answers; raises TimeoutError."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise TimeoutError(self.code)

    def stop(self) -> None:
        """End nursery and child."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
            self.process.wait(timeout=30)


def link(below: Node, above: Node) -> None:
    """Join two nodes as people do: cards, proposals, fingerprints, two persons on each side."""
    lower, upper = below.ask("card"), above.ask("card")
    above.ask("admit", code=below.code, name=below.code)
    for node, card, side in ((above, lower, "below"), (below, upper, "above")):
        node.ask("propose", card=card["card"], side=side)
        node.ask("confirm", peer=card["node"], fingerprint=card["fingerprint"])


# What follows runs in the nursery.


class Nursery:
    """Commands of a node's nursery, each in a transaction of its own."""

    def __init__(self, port: int) -> None:
        self.port, self.child = port, 0

    def card(self) -> dict[str, str]:
        """This node's card and the fingerprint that its people read out."""
        from xinqiao.federation.keys import own_card
        from xinqiao.federation.rules import card_bytes, fingerprint

        card = own_card()
        return {"node": card.node, "card": card_bytes(card).decode(), "fingerprint": fingerprint(card)}

    def admit(self, code: str, name: str) -> None:
        """Take a platform in."""
        from xinqiao.admission.actions import found
        from xinqiao.parties.actions import register_organisation
        from xinqiao.parties.types import OrganisationKind

        by: dict[str, Any] = {"actor": "person:1", "now": _now()}
        register_organisation(code, kind=OrganisationKind.PLATFORM, name=name, **by)
        found(code, reason="connected before", **by)

    def propose(self, card: str, side: str) -> None:
        """One person proposes a link."""
        from xinqiao.federation.linking import propose_link
        from xinqiao.federation.types import Side

        propose_link(card.encode(), side=Side(side), actor="person:1", now=_now())

    def confirm(self, peer: str, fingerprint: str) -> None:
        """Another confirms it."""
        from xinqiao.federation.linking import confirm_link

        confirm_link(peer, fingerprint=fingerprint, actor="person:2", now=_now())

    def publish(self, drafts: list[dict[str, Any]]) -> int:
        """Publish objects of the node's own."""
        from xinqiao.federation.publishing import publish
        from xinqiao.federation.types import Draft

        return publish([Draft(**draft) for draft in drafts], actor="system:benchmark", now=_now())

    def register(self, firms: list[list[str]]) -> None:
        """Register enterprises, each (code, name), and make their evidence readable in order."""
        from xinqiao.evidence.actions import sequence
        from xinqiao.parties.actions import register_enterprise

        for code, name in firms:
            register_enterprise(code, name=name, actor="person:1", now=_now())
        sequence(now=_now())

    def rename(self, code: str, name: str) -> None:
        """An enterprise goes by another name."""
        from xinqiao.evidence.actions import sequence
        from xinqiao.parties.actions import rename_enterprise

        rename_enterprise(code, name=name, actor="person:1", now=_now())
        sequence(now=_now())

    def firm(self, code: str) -> str | None:
        """The name under which an enterprise is registered here."""
        from xinqiao.parties.queries import find_enterprise

        found = find_enterprise(code)
        return found.name if found else None

    def counts(self) -> dict[str, int]:
        """The counts of the network as this node has them."""
        from xinqiao.federation.statistics import network_counts

        return {count.metric.code: count.total for count in network_counts()}

    def links(self) -> list[dict[str, Any]]:
        """Links with their cursors."""
        from xinqiao.federation.queries import list_links

        names = ("peer", "in_seq", "out_seq", "out_acked", "failures", "trouble_code", "waiting")
        return [{name: getattr(found, name) for name in names} for found in list_links()]

    def latest(self, kind: str, origin: str, object_id: str) -> dict[str, Any] | None:
        """The latest version of an object."""
        from xinqiao.federation.queries import find_object

        found = find_object(kind, object_id, origin=origin)
        if found is None:
            return None
        return {"version": found.envelope.version, "retracted": found.envelope.retracted, "body": found.envelope.body}

    def state(self, peer: str) -> dict[str, list[dict[str, Any]]]:
        """The link's state by kind, with how long it took to add up."""
        from dataclasses import asdict

        from xinqiao.federation.queries import link_state

        return {way: [asdict(kind) for kind in kinds] for way, kinds in link_state(peer).items()}

    def spawn(self) -> int:
        """Begin to serve; gives the process."""
        from django.db import connections

        connections.close_all()
        self.child = os.fork()
        if not self.child:
            _serve(self.port)
            os._exit(0)
        return self.child

    def kill(self) -> None:
        """End what serves, at once and wherever it is."""
        if self.child:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
            self.child = 0


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _serve(port: int) -> None:
    """Server, courier and sequencer in one process, so that one signal ends all of them."""
    from benchmarks.crash_release import _Quiet, _Server
    from xinqiao.config.wsgi import application
    from xinqiao.evidence.jobs import run_sequencer
    from xinqiao.federation.jobs import run_federation

    stop = threading.Event()
    for target in (run_federation, run_sequencer):
        threading.Thread(target=target, args=(stop,), daemon=True).start()
    server = _Server(("127.0.0.1", port), _Quiet)
    server.set_app(application)
    server.serve_forever(poll_interval=0.05)


def main(port: int) -> None:
    """Be a nursery until the commands end."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed does not mix with the answers
    importlib.import_module("xinqiao.config.boot")
    from django.core.management import call_command
    from django.db import connections

    if not (Path(os.environ["XINQIAO_HOME"]) / "xinqiao.sqlite3").exists():
        call_command("migrate", verbosity=0)
    for name in ("urls", "wsgi"):
        importlib.import_module(f"xinqiao.config.{name}")
    nursery = Nursery(port)
    try:
        for line in sys.stdin:
            asked = json.loads(line)
            try:
                answer: dict[str, Any] = {"answer": getattr(nursery, asked["name"])(**asked["given"])}
            except Exception as error:
                answer = {"failed": f"{type(error).__name__}: {error}"}
            connections.close_all()
            answers.write(json.dumps(answer, default=str) + "\n")
            answers.flush()
    finally:
        nursery.kill()


if __name__ == "__main__":
    main(int(sys.argv[1]))
