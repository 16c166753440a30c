"""The sample platform's server: TLS, a thread a connection, sandboxes by token."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc.jwk import ECKey

from xinqiao.probes.platform.behaviour import ACTS, act, notice
from xinqiao.probes.platform.certificates import Authority
from xinqiao.probes.platform.defects import Defect
from xinqiao.probes.platform.place import BURST, RATE, Place
from xinqiao.probes.platform.proving import Refusal, check_call, check_notice, thumbprint_of
from xinqiao.probes.types import CONTRACT, DISCOVERY

IDLE_SECONDS = 30
LONGEST_BODY = 256 * 1024
MOST_PLACES = 200
NAMES = sorted({name for _, name in ACTS} | {"sessions", "notices"})


class SamplePlatform(ThreadingHTTPServer):
    """A platform on this machine; ``defects`` are what it does wrong."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, certificate: Path, defects: frozenset[Defect], *, port: int = 0) -> None:
        self.defects, self.places = defects, dict[str, Place]()
        self.key = ECKey.generate_key("P-256")
        self._tls = _context(certificate, defects)
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """Its base address."""
        return f"https://localhost:{self.server_address[1]}/platform"

    def get_request(self) -> tuple[socket.socket, Any]:
        """A connection whose handshake is done in its own thread, so that a slow one keeps nobody waiting."""
        line, address = super().get_request()
        line.settimeout(IDLE_SECONDS)
        return self._tls.wrap_socket(line, server_side=True, do_handshake_on_connect=False), address

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands, then serve; a caller that hangs up is no news."""
        with suppress(OSError):
            request.do_handshake()
            super().finish_request(request, client_address)

    def about(self) -> dict[str, Any]:
        """The discovery document."""
        public = {**self.key.as_dict(private=False), "kid": self.key.thumbprint(), "alg": "ES256"}
        return {
            "contract": CONTRACT,
            "platform": "示例平台",
            "environment": "sandbox",
            "rate": {"per_second": RATE, "burst": BURST},
            "jwks": {"keys": [public]},
            "contact": {"role": "安全值班", "phone": "029-00000000", "hours": "24/7"},
            "paths": {name: f"/{name}" for name in NAMES},
        }

    def open_place(self, given: dict[str, Any], thumbprint: str) -> Place:
        """A new sandbox; the oldest goes when there are too many."""
        number, token = secrets.token_hex(8), secrets.token_urlsafe(32)
        while len(self.places) >= MOST_PLACES:
            with suppress(KeyError, StopIteration):
                del self.places[next(iter(self.places))]
        self.places[token] = Place(
            id=number,
            token=token,
            thumbprint=thumbprint,
            now=datetime.fromisoformat(given["starts_at"]),
            secret=given["notice_secret"],
            list_version=given["list"]["version"],
            items=list(given["list"]["items"]),
            recipient=given["recipient"],
            enterprises=list(given["enterprises"]),
            key=self.key,
            defects=self.defects,
        )
        return self.places[token]


def _context(certificate: Path, defects: frozenset[Defect]) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(certificate)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    if Defect.OLD_TLS in defects:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            found.minimum_version = ssl.TLSVersion.TLSv1
        found.set_ciphers("ALL:@SECLEVEL=0")
    return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: SamplePlatform
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_DELETE = do_GET

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            self.close_connection = True
            return self._send(413, {"code": "too_large"})
        body = self.rfile.read(int(length))
        try:
            return self._send(*self._answer(body))
        except Refusal as refusal:
            more = {k: v for k, v in refusal.more.items() if k != "retry_after"}
            problem = {"code": refusal.code, "title": refusal.title, **more}
            return self._send(refusal.status, problem, retry_after=refusal.more.get("retry_after"))

    def _answer(self, body: bytes) -> tuple[int, Any]:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/platform")
        headers = {k.lower(): v for k, v in self.headers.items()}
        url = f"https://{headers.get('host', '')}{parts.path}"
        if path == DISCOVERY:
            return 200, self.server.about()
        name, _, tail = path.removeprefix("/").partition("/")
        if (self.command, name, tail) == ("POST", "sessions", ""):
            place = self.server.open_place(json.loads(body), thumbprint_of(headers, self.command, url))
            return 201, {"session": place.id, "access_token": place.token, "token_type": "DPoP"}
        if name == "notices":
            return self._notice(tail, headers, body)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        found = self.server.places.get(token) if scheme.lower() == "dpop" else None
        if found is None:
            raise Refusal(401, "invalid_token", "open a sandbox first")
        with found.lock:
            check_call(found, headers, self.command, url)
            if name == "sessions":
                self.server.places.pop(token, None)
                return 204, None
            return act(found, self.command, name, body, parse_qs(parts.query).get("day", [tail])[0])

    def _notice(self, session: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        found = next((place for place in list(self.server.places.values()) if place.id == session), None)
        if found is None or self.command != "POST":
            raise Refusal(404, "not_found", "there is no such sandbox")
        with found.lock:
            check_notice(found, headers, body)
            return notice(found, json.loads(body), "")

    def _send(self, status: int, value: Any, *, retry_after: int | None = None) -> None:
        text = isinstance(value, str)
        body = b"" if value is None else value.encode() if text else json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8" if text else "application/json")
        self.send_header("Cache-Control", "no-store")
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: what happened is in the sandbox's own log."""


@contextmanager
def running(folder: Path, *defects: Defect, authority: Authority | None = None) -> Iterator[tuple[str, Path]]:
    """A platform in threads of this process: its base address and the root certificate to trust."""
    root, chosen = authority or Authority.make(folder), frozenset(defects)
    certificate = root.issue(folder / f"server-{secrets.token_hex(4)}.pem", chosen)
    with SamplePlatform(certificate, chosen) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.url, root.path
        finally:
            server.shutdown()
            thread.join()
