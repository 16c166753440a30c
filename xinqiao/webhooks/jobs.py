"""The postman: delivers what is due until told to stop."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

from django.db import DatabaseError, close_old_connections, connection

from xinqiao.webhooks.actions import deliver_due

log = logging.getLogger(__name__)
INTERVAL_SECONDS = 0.5


def run_postman(stop: threading.Event) -> None:
    """Deliver twice a second until ``stop`` is set. What is written never waits for this thread."""
    try:
        while not stop.wait(INTERVAL_SECONDS):
            try:
                close_old_connections()
                deliver_due(now=datetime.now(UTC))
            except DatabaseError:
                log.exception("notices could not be delivered; next try at once")
    finally:
        connection.close()
