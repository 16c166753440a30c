"""What others add to the log, as a running job and a report: cosignatures of witnesses, time stamps."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime

from xinqiao.evidence.actions import publish
from xinqiao.evidence.models import Outsider
from xinqiao.evidence.stamping import take_stamps
from xinqiao.evidence.witnessing import collect_cosignatures
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.plumbing import settings as node
from xinqiao.plumbing.rounds import make_rounds

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class OutsiderFacts:
    """How a witness or authority answered last; ``trouble`` is empty when well."""

    name: str
    size: int
    tried_at: datetime
    trouble: str
    conflict: bool


def list_outsiders() -> list[OutsiderFacts]:
    """Every witness and time-stamping authority that was ever asked."""
    rows = Outsider.objects.order_by("name")
    return [OutsiderFacts(row.name, row.size, row.tried_at, row.trouble, row.conflict) for row in rows]


def ask_outsiders(*, now: datetime) -> int:
    """Ask whoever has not signed the last checkpoint, publish what came; returns how much that was."""
    came = 0
    for ask in (collect_cosignatures, take_stamps):
        try:
            came += ask(now=now)
        except (OSError, XinqiaoError):  # a wrong file of one kind must not keep the other kind away
            log.exception("%s failed", ask.__name__)
    if came:
        publish()
    return came


def run_outside(stop: threading.Event) -> None:
    """Ask once a second until ``stop`` is set. Signing and writing never wait for this thread."""
    make_rounds(
        lambda now: ask_outsiders(now=now),
        stop,
        seconds=INTERVAL_SECONDS,
        log=log,
        what="asking witnesses and authorities",
        needed=lambda: node.witnesses_file() or node.tsa_file(),
    )
