"""The messenger between the node and judicial bodies, as a running job: no other thread of the node waits for it."""

from __future__ import annotations

import logging
import threading
from datetime import datetime

from xinqiao.judicial.filing import pack_for
from xinqiao.plumbing.rounds import make_rounds
from xinqiao.settlement.actions import lapse_due
from xinqiao.settlement.dispatch import ask_due, send_due
from xinqiao.settlement.recording import record_results

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0


def carry(*, now: datetime) -> int:
    """One round: what ran out of time, acts out, events in, results into the records; how many things moved.

    Raises InvalidBodies for a wrong file of connections, once all has moved that needs none.
    """
    moved = lapse_due(now=now)
    try:
        moved += send_due(pack=pack_for, now=now) + ask_due(now=now)
    finally:
        moved += record_results(now=now)
    return moved


def run_messenger(stop: threading.Event) -> None:
    """A round every few seconds until ``stop`` is set."""
    make_rounds(lambda now: carry(now=now), stop, seconds=INTERVAL_SECONDS, log=log, what="messages to judicial bodies")
