"""Anchoring as a running job: no other thread of the node waits for it."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

from django.db import DatabaseError, close_old_connections, connection

from xinqiao.anchoring.taking import take_anchors
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.plumbing import settings as node

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0


def run_anchoring(stop: threading.Event) -> None:
    """Look every few seconds until ``stop`` is set; each ledger gets at most one root a minute."""
    try:
        while not stop.is_set() and node.anchors_file():
            try:
                close_old_connections()
                take_anchors(now=datetime.now(UTC))
            except (DatabaseError, OSError, XinqiaoError):
                log.exception("anchoring failed")
            stop.wait(INTERVAL_SECONDS)
    finally:
        connection.close()
