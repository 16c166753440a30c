"""The line to a platform: one address, resolved and checked once, TLS, bounded in time and size.

Everything but the certificate's own probe accepts any certificate: what is sent are made-up enterprises and proofs that
work once, and a bad certificate shall not make every other probe fail. The report names the certificate that was seen.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from xinqiao.kernel.canonical import NotCanonical, read_json, sha256_hex
from xinqiao.kernel.errors import Phrase
from xinqiao.probes.rules import is_public

MOST_BYTES = 4 * 1024 * 1024
CALL_SECONDS = 8.0


class Unreached(Exception):
    """Nothing was learnt: no connection, no answer in time, or a front that said it has nobody behind it."""

    def __init__(self, says: Phrase) -> None:
        self.says = says
        super().__init__(says)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a platform answers: base address, the socket address it was resolved to once, whom to trust."""

    url: str
    host: str
    port: int
    path: str
    address: tuple[Any, ...]
    family: int
    trusted: Path | None = None

    @property
    def name(self) -> str:
        """Host and port as a Host header writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"


def target_of(url: str, *, trusted: Path | None = None, anywhere: bool) -> Target:
    """Resolve a base address; connections go to what was checked here, so that a name cannot change under the probe.

    ``anywhere`` False leaves out addresses that are not public. Raises Unreached, ValueError (no https address).
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    if parts.scheme != "https" or not host:
        raise ValueError("not an https address")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreached(Phrase("域名不能解析：{host}", host=host)) from error
    fitting = [one for one in found if anywhere or is_public(str(one[4][0]))]
    if not fitting:
        raise Unreached(Phrase("{host} 不是公网地址，节点不从服务器探测", host=host))
    family, _, _, _, address = fitting[0]
    return Target(url.rstrip("/"), host, port, parts.path.rstrip("/"), address, family, trusted)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers in lower case, body, and when the request was sent and answered (monotonic seconds)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    began: float
    ended: float

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        with suppress(NotCanonical):
            found = read_json(self.body)
            return found if isinstance(found, dict) else {}
        return {}


@dataclass(slots=True)
class Wire:
    """Connections of one probe to one target, all closed by :meth:`end`, also from another thread."""

    target: Target
    until: float  # monotonic seconds
    certificate: str = ""
    _open: set[socket.socket] = field(default_factory=set)
    _kept: http.client.HTTPConnection | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: bool = False

    def left(self) -> float:
        """Seconds that are left; raises Unreached when there are none."""
        left = self.until - time.monotonic()
        if left <= 0 or self._ended:
            raise Unreached(Phrase("规定时间内没有做完"))
        return min(left, CALL_SECONDS)

    def plain(self) -> socket.socket:
        """A TCP connection; raises Unreached."""
        patience = self.left()
        made = socket.socket(self.target.family, socket.SOCK_STREAM)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a request and its body go out together
        made.settimeout(patience)
        with self._lock:
            self._open.add(made)
        try:
            made.connect(self.target.address)
        except OSError as error:
            self.close(made)
            raise Unreached(Phrase("连接不上 {name}：{why}", name=self.target.name, why=_why(error))) from error
        return made

    def secure(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """A TLS connection by a context; raises Unreached without a connection, ssl.SSLError for the handshake."""
        plain = self.plain()
        try:
            made = context.wrap_socket(plain, server_hostname=self.target.host)
        except ssl.SSLError:
            self.close(plain)
            raise
        except OSError as error:
            self.close(plain)
            raise Unreached(Phrase("TLS 握手中断：{why}", why=_why(error))) from error
        with self._lock:
            self._open.discard(plain)
            self._open.add(made)
        return made

    def call(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """One request over the kept connection, which is made anew when the other side has closed it.

        Raises Unreached.
        """
        for fresh in (False, True):
            if self._kept is None or fresh:
                self._kept, reused = self._connected(), False
            else:
                reused = True
            try:
                return self._exchange(self._kept, method, path, headers, body)
            except (http.client.HTTPException, OSError) as error:
                self._drop()
                if not reused or not isinstance(error, ConnectionError):  # only what was closed while it lay idle
                    raise Unreached(Phrase("没有收到完整的回答：{why}", why=_why(error))) from error
        raise Unreached(Phrase("没有收到完整的回答：{why}", why="closed"))

    def _connected(self) -> http.client.HTTPConnection:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            line = self.secure(context)
        except ssl.SSLError as error:
            raise Unreached(Phrase("TLS 握手失败：{why}", why=_why(error))) from error
        self.certificate = self.certificate or sha256_hex(line.getpeercert(binary_form=True) or b"")
        made = http.client.HTTPConnection(self.target.host, self.target.port)
        made.sock = line
        return made

    def _exchange(
        self,
        line: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        line.sock.settimeout(self.left())
        began = time.monotonic()
        sent = {"Host": self.target.name, "Accept": "application/json", **headers}
        line.request(method, self.target.path + path, body=body, headers=sent)
        got = line.getresponse()
        data = b""
        while chunk := got.read1(65536):
            data += chunk
            if line.sock is not None:
                line.sock.settimeout(self.left())
            if len(data) > MOST_BYTES:
                raise Unreached(Phrase("回答超过 {most} 字节", most=MOST_BYTES))
        ended = time.monotonic()
        got.close()
        if got.will_close:
            self._drop()
        return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, data, began, ended)

    def _drop(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None and isinstance(kept.sock, socket.socket):
            self.close(kept.sock)

    def close(self, one: socket.socket) -> None:
        """Close a connection of this wire."""
        with self._lock:
            self._open.discard(one)
        one.close()

    def end(self) -> None:
        """Close everything; whoever waits for an answer stops waiting."""
        self._ended = True
        with self._lock:
            standing, self._open = list(self._open), set()
        for one in standing:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def encoded(value: Any) -> bytes:
    """A JSON body."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


def _why(error: Exception) -> str:
    return str(getattr(error, "reason", "") or getattr(error, "strerror", "") or error or type(error).__name__)[:120]
