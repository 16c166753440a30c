"""Platforms to probe: the sample one with its defects; one that says yes to everything, one that answers nonsense."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from joserfc import jws
from joserfc.jwk import ECKey

from xinqiao.probes.content import chosen, kit
from xinqiao.probes.platform.certificates import Authority
from xinqiao.probes.platform.defects import Defect
from xinqiao.probes.platform.server import running
from xinqiao.probes.running import run_round
from xinqiao.probes.session import FACTS
from xinqiao.probes.types import CONTRACT, Round


class YesMan(BaseHTTPRequestHandler):
    """Answers what the contract wants to hear, whatever was asked: nothing behind it works."""

    protocol_version = "HTTP/1.1"
    key = ECKey.generate_key("P-256")
    said: ClassVar[dict[str, tuple[int, Any]]] = {
        "sessions": (201, {"session": "1", "access_token": "1"}),
        "screens": (201, {"screen": "1"}),
        "authorisations": (201, {"authorisation": "1"}),
        "queries": (200, {"query": "1", "complete": True, "items": FACTS}),
        "self": (200, {"charge_fen": 0, "items": FACTS}),
        "disputes": (201, {"dispute": "1"}),
        "backups": (201, {"backup": "1"}),
        "drills": (202, {}),
        "exit": (202, {}),
        "outbox": (200, {"messages": []}),
        "log": (200, {"entries": []}),
        "staff_log": (200, {"entries": []}),
        "node": (204, None),
        "clock": (204, None),
        "notices": (204, None),
    }

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        name = self.path.lstrip("/").partition("/")[0].partition("?")[0]
        status, value = self.said.get(name, (200, {}))
        if name == ".well-known":
            public = {**self.key.as_dict(private=False), "kid": self.key.thumbprint()}
            value = {"contract": CONTRACT, "rate": {"per_second": 5, "burst": 5}, "jwks": {"keys": [public]}}
            value |= {"paths": {part: f"/{part}" for part in (*self.said, "staff_views", "restores")}}
        if name == "authorisations":
            header = {"alg": "ES256", "kid": self.key.thumbprint()}
            value["artefact"] = jws.serialize_compact(header, json.dumps({"id": "1"}), self.key)
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def served(authority: Authority, handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server of that handler behind a good certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue(authority.path.parent / "other.pem", frozenset()))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"https://localhost:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class Nonsense(BaseHTTPRequestHandler):
    """Answers with what no program of ours expects."""

    def do_GET(self) -> None:
        paths = {name: f"/{name}" for name in YesMan.said}
        found = json.dumps({"contract": CONTRACT, "paths": paths, "jwks": [], "rate": 7, "contact": 3}).encode()
        body = found if "well-known" in self.path else b'{"session":[1],"access_token":' + b"[" * 200_000
        self.send_response(200 if "well-known" in self.path else 201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def platform(authority: Authority, *defects: Defect) -> Iterator[str]:
    with running(authority.path.parent, *defects, authority=authority) as (url, _):
        yield url


def round_of(url: str, authority: Authority, *names: str, **bounds: int) -> Round:
    """A round of some probes, or of all."""
    bounded = replace(kit(), **bounds)
    return run_round(url, bounded, chosen(bounded, names), trusted=authority.path, anywhere=True)
