"""Nodes of a network as processes of their own, each with home, database and keys; killed and begun again at will.

A node has a nursery that has everything loaded and forks what serves: server and courier in one process. So a node that
was killed is back at once, and what killed it could strike anywhere. Commands go to the nursery as lines of JSON.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from xinqiao.config.node_hand import Hand, RemoteNode, load, now, work

CITY, PROVINCE = "xian", "shaanxi"
BATCH, EARLIER = 500, 1000


def node(code: str, level: str, home: Path, port: int, url: str = "") -> RemoteNode:
    """A node that can be killed."""
    return RemoteNode(code, level, home, port, url, module="benchmarks.federation_nodes")


class Nursery(Hand):
    """A node that is forked at will: what is asked of it is done here, what serves is the child."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.child, self.plan = 0, (0, 0.0)

    def single(self, number: int) -> int:
        """Publish one object of a kind that goes from here to the other."""
        from xinqiao.federation.publishing import publish

        upward = os.environ["XINQIAO_NODE"] == CITY
        draft = _draft(number, f"single-{number}") if upward else _down(f"single-{number}")
        return publish([draft], actor="system:benchmark", now=now())

    def spawn(self, plan: int = 0, share: float = 0.0, again: bool = False) -> int:
        """Begin to serve, and to publish a plan of so many objects or what is left of the last; gives the process."""
        from django.db import connections

        self.plan = self.plan if again else (plan, share)
        connections.close_all()
        self.child = os.fork()
        if not self.child:
            _serve(self.port, *self.plan)
            os._exit(0)
        return self.child

    def reap(self) -> None:
        """Take leave of a child that somebody else has killed."""
        if self.child:
            os.waitpid(self.child, 0)
            self.child = 0

    def kill(self) -> None:
        """End what serves, at once and wherever it is."""
        if self.child:
            os.kill(self.child, signal.SIGKILL)
            self.reap()


def _serve(port: int, plan: int, share: float) -> None:
    """Server, courier, sequencer and whoever publishes in one process, so that one signal ends all of them."""
    from benchmarks.crash_release import _Quiet, _Server
    from xinqiao.config.wsgi import application
    from xinqiao.evidence.jobs import run_sequencer
    from xinqiao.federation.jobs import run_federation

    stop = threading.Event()
    for target in (run_federation, run_sequencer):
        threading.Thread(target=target, args=(stop,), daemon=True).start()
    if plan:
        threading.Thread(target=_produce, args=(plan, share), daemon=True).start()
    server = _Server(("127.0.0.1", port), _Quiet)
    server.set_app(application)
    server.serve_forever(poll_interval=0.05)


def planned(plan: int, share: float, code: str) -> int:
    """How many objects of a plan are a node's: the city's go up, the share that the province has goes down."""
    return plan - round(plan * share) if code == CITY else round(plan * share)


def _produce(plan: int, share: float) -> None:
    """Publish the objects of a plan that are not published yet, where it stands being kept with them."""
    from django.db import transaction

    from xinqiao.federation.models import CursorRow
    from xinqiao.federation.publishing import publish

    here = os.environ["XINQIAO_NODE"]
    upward, end = here == CITY, planned(plan, share, here)
    while True:
        with transaction.atomic():
            cursor, _ = CursorRow.objects.select_for_update().get_or_create(name="plan")
            if cursor.value >= end:
                return
            numbers = range(cursor.value, min(end, cursor.value + BATCH))
            publish([_draft(n) if upward else _down(f"g{n}") for n in numbers], actor="system:benchmark", now=now())
            cursor.value = numbers.stop
            cursor.save()


def _draft(number: int, name: str = "") -> Any:
    """The object of a number: of every hundred, some are new versions of earlier ones."""
    from xinqiao.federation.types import Draft
    from xinqiao.kernel.identifiers import make_uscc

    place, hundred = number % 100, number - number % 100
    firm = make_uscc("91", "610102", f"MAT{number:06d}")
    if place < 60 or name:
        return Draft("product", name or f"p{number}", _product("一号"))
    if place < 75:
        days = {"posted_on": "2026-01-05", "until": "2026-12-31"}
        need = {"division": "610102", "industry": "C", "amount_band": "1m_5m", "months": 12, "purpose": "流动资金"}
        return Draft("need", f"n{number}", need | days)
    if place < 85:
        firm_facts = {"uscc": firm, "name": f"示例企业{number}", "division": "610102", "platform": CITY}
        return Draft("registration", firm, firm_facts | {"registered_at": "2026-01-05T00:00:00+00:00"})
    if place < 95:
        earlier = hundred - EARLIER + place - 85  # published in a batch before this one
        return Draft("product", f"p{earlier if earlier >= 0 else number}", _product("二号"))
    digest = "0" * 64
    return Draft(
        "authorisation",
        f"C{number}",
        {
            "subject": firm, "recipient": "bank-demo", "purpose": "approval", "items": ["tax.payment"],
            "form": "report", "status": "active", "valid_from": "2026-01-05T00:00:00+00:00",
            "valid_to": "2026-12-05T00:00:00+00:00", "times_max": 3, "template": "credit_query",
            "template_version": "1", "list_sha256": digest, "text_sha256": digest, "platform": CITY,
        },
    )  # fmt: skip


def _product(name: str) -> dict[str, Any]:
    numbers = {"amount_from_fen": 1_000_000, "amount_to_fen": 300_000_000, "months_from": 3, "months_to": 36}
    numbers |= {"rate_from_bp": 320, "rate_to_bp": 580}
    texts = {"name": name, "institution": "示例银行", "guarantee": ["信用"], "divisions": ["610100"]}
    return {**numbers, **texts, "offered_from": "2026-01-05"}


def _down(name: str) -> Any:
    from xinqiao.federation.types import Draft

    body = {"code": name, "version": "1", "scorecard_sha256": "0" * 64, "document": {"note": "示例指引" * 40}}
    return Draft("guideline", name, body)


def main(port: int) -> None:
    """Be a nursery until the commands end."""
    load()
    for name in ("urls", "wsgi"):
        importlib.import_module(f"xinqiao.config.{name}")
    nursery = Nursery(port)
    try:
        work(nursery)
    finally:
        nursery.kill()


if __name__ == "__main__":
    main(int(sys.argv[1]))
