"""A thread of the worker that makes its round again and again: a failure is logged, and the next round comes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import DatabaseError, close_old_connections, connection

from xinqiao.kernel.errors import XinqiaoError


def make_rounds(
    act: Callable[[datetime], object],
    stop: threading.Event,
    *,
    seconds: float,
    log: logging.Logger,
    what: str,
    needed: Callable[[], object] = lambda: True,
) -> None:
    """Call ``act`` with the time every so many seconds until ``stop`` is set or it is no longer ``needed``."""
    try:
        while not stop.is_set() and needed():
            try:
                close_old_connections()
                act(datetime.now(UTC))
            except (DatabaseError, OSError, XinqiaoError):
                log.exception("%s failed", what)
            stop.wait(seconds)
    finally:
        connection.close()
