"""Anchoring as a running job: no other thread of the node waits for it."""

from __future__ import annotations

import logging
import threading

from xinqiao.anchoring.taking import take_anchors
from xinqiao.plumbing import settings as node
from xinqiao.plumbing.rounds import make_rounds

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0


def run_anchoring(stop: threading.Event) -> None:
    """Look every few seconds until ``stop`` is set; each ledger gets at most one root a minute."""
    make_rounds(
        lambda now: take_anchors(now=now),
        stop,
        seconds=INTERVAL_SECONDS,
        log=log,
        what="anchoring",
        needed=node.anchors_file,
    )
