"""The engine session: Sail inside the process, or the Spark cluster that XINQIAO_SPARK names."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

from xinqiao.indicators.types import EngineUnavailable
from xinqiao.plumbing.settings import spark_url

IN_PROCESS = "Sail（进程内）"
SPARK_PORT = 15002
PROBE_SECONDS = 5.0

_lock = threading.Lock()
_session: SparkSession | None = None
_server: Any = None


def session() -> SparkSession:
    """The process's one session, started at first use (about two seconds); raises EngineUnavailable."""
    global _session
    with _lock:
        if _session is None:
            _session = _connect(spark_url() or _start_sail())
        return _session


def _connect(url: str) -> SparkSession:
    _probe(url)
    try:
        spark = SparkSession.builder.remote(url).getOrCreate()
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        spark.conf.set("spark.sql.ansi.enabled", "true")
        if not spark_url():
            # Recording the call site of every column costs more than computing it for one enterprise. On a cluster it
            # is a setting of the server, which refuses to have it changed.
            spark.conf.set("spark.python.sql.dataFrameDebugging.enabled", "false")
    except Exception as error:
        raise EngineUnavailable(source=url, retry=True) from error
    return spark


def _probe(url: str) -> None:
    """Raise EngineUnavailable at once when nothing listens: the client itself would retry for minutes in silence."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or SPARK_PORT), PROBE_SECONDS).close()
    except OSError as error:
        raise EngineUnavailable(source=url, retry=True) from error


def _start_sail() -> str:
    """Start the embedded engine on a free loopback port; it lives as long as the process."""
    global _server
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer

    _server = SparkConnectServer("127.0.0.1", 0)
    _server.start(background=True)
    _, port = _server.listening_address
    return f"sc://127.0.0.1:{port}"


def engine_name() -> str:
    """Which engine computes, for people: ``Sail`` in the process or a cluster's address."""
    return spark_url() or IN_PROCESS
