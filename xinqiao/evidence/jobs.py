"""The sequencer as a running job: a signed checkpoint within a second of every entry."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

from django.db import DatabaseError, close_old_connections, connection

from xinqiao.evidence.actions import BATCH, repair_files, sequence
from xinqiao.evidence.queries import missing_files
from xinqiao.kernel.errors import Corrupt

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0


def run_sequencer(stop: threading.Event) -> None:
    """Sequence until ``stop`` is set, after writing again what files are missing.

    A failure is logged and tried again, more slowly each time; entries stay recorded in the meantime and nothing
    is lost but the speed of their proofs.
    """
    wait = INTERVAL_SECONDS
    checked = False
    try:
        while not stop.is_set():
            try:
                close_old_connections()
                if not checked and missing_files():
                    log.warning("evidence files written again: %s", ", ".join(repair_files()))
                checked = True
                placed = sequence(now=datetime.now(UTC))
                wait = 0.0 if placed >= BATCH else INTERVAL_SECONDS  # a backlog is worked off without pausing
            except (DatabaseError, OSError, Corrupt):
                wait = min(max(wait, INTERVAL_SECONDS) * 2, LONGEST_WAIT_SECONDS)
                log.exception("sequencing failed; next try in %.0f s", wait)
            stop.wait(wait)
    finally:
        connection.close()
