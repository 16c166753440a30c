"""Peers of tests that run as processes of their own: how one is served, started, and given another mind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def serve(handler: type[BaseHTTPRequestHandler]) -> None:
    """Say the address, then answer until killed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


@contextmanager
def started(module: str, *arguments: str) -> Iterator[str]:
    """The address of a peer, ``python -m module``, as long as it runs."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def change(file: Path, mind: dict[str, Any]) -> None:
    """What a peer does from the next call on; what is not named stays."""
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **mind}), "utf-8")
