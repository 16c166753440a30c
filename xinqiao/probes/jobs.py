"""The prober, a thread of its own because a round may take minutes: rounds whose turn it is, one after the other."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

from django.db import DatabaseError, close_old_connections, connection

from xinqiao.kernel.errors import XinqiaoError
from xinqiao.probes.actions import probe_member, take_turn
from xinqiao.probes.queries import list_due

log = logging.getLogger(__name__)
INTERVAL_SECONDS = 20.0


def run_prober(stop: threading.Event, *, interval: float = INTERVAL_SECONDS) -> None:
    """Look whose turn it is until ``stop`` is set; what fails with one organisation keeps no other waiting."""
    try:
        while not stop.wait(interval):
            try:
                close_old_connections()
                for organisation in list_due(now=datetime.now(UTC)):
                    if stop.is_set():
                        return
                    _take(organisation)
            except DatabaseError:
                log.exception("whose turn it is could not be read; next look in %s s", interval)
    finally:
        connection.close()


def _take(organisation: str) -> None:
    try:
        if take_turn(organisation, now=datetime.now(UTC)):
            probe_member(organisation)
    except XinqiaoError as error:
        log.warning("%s could not be probed: %s", organisation, error)
