"""A PostgreSQL server of a benchmark's own, durable as in production, on a free loopback port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figure import Absent

DURABLE = "-c fsync=on -c synchronous_commit=on -c max_connections=60 -c shared_buffers=256MB"


@contextmanager
def durable_postgres() -> Iterator[str]:
    """The URL of a fresh server; raises Absent when PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise Absent("PostgreSQL: apt-get install postgresql")
    home = Path(tempfile.mkdtemp(prefix="xinqiao-pg-"))
    home.chmod(0o755)
    data, binaries = home / "pg" / "data", found[-1].parent
    data.parent.mkdir()
    if os.getuid() == 0:
        shutil.chown(data.parent, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    _run(binaries / "initdb", "-D", data, "-U", "xinqiao", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8")
    options = f"-h 127.0.0.1 -p {port} -k {data.parent} {DURABLE}"
    _run(binaries / "pg_ctl", "-D", data, "-w", "-l", data.parent / "log", "-o", options, "start")
    try:
        yield f"postgresql://xinqiao@127.0.0.1:{port}/postgres"
    finally:
        _run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


def _run(*command: object) -> None:
    """As the user ``postgres`` when we are root: PostgreSQL refuses to run as root."""
    words = [str(word) for word in command]
    if os.getuid() == 0:
        words = ["runuser", "-u", "postgres", "--", *words]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd="/")
