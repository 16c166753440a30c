"""Witnesses as real processes, for tests and benchmarks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xinqiao.evidence.notes import LogKey

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Running:
    """A witness that answers: its public key and its address."""

    key: LogKey
    url: str
    folder: Path
    process: subprocess.Popen[str]


@contextmanager
def running_witness(folder: Path, *, name: str, logs: Iterable[LogKey], port: int = 0) -> Iterator[Running]:
    """A witness in a process of its own, ended afterwards."""
    command = [sys.executable, "-m", "xinqiao.evidence.witness_server", "--folder", str(folder), "--name", name]
    for key in logs:
        command += ["--log", key.vkey]
    command += ["--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        try:
            vkey, url = process.stdout.readline().strip(), process.stdout.readline().strip()
            yield Running(LogKey.parse(vkey), url, folder, process)
        finally:
            process.kill()


def post(url: str, body: bytes) -> tuple[int, str]:
    """Status and body of a submission."""
    import http.client
    from urllib.parse import urlsplit

    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        connection.request("POST", "/add-checkpoint", body)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()
