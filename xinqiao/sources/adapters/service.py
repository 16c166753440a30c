"""The service mode: a question and an answer over HTTP, both signed by a shared secret (Standard Webhooks)."""

from __future__ import annotations

import http.client
import json
import secrets
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any, Protocol

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.plumbing.outgoing import STRAIGHT
from xinqiao.sources.rules import read_reply
from xinqiao.sources.types import Connection, Link, Question, Reply, Unreachable
from xinqiao.webhooks.rules import headers

MOST_BYTES = 4_000_000
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Service(Protocol):
    """A source that can be asked about one enterprise."""

    def ask(self, question: Question) -> Reply:
        """The answer; raises Unreachable when there is none that can be taken."""


class SignedService:
    """``POST {address}/v1/query``. Touches no database, so that several may be asked at once."""

    def __init__(self, connection: Connection, link: Link) -> None:
        self._connection, self._link = connection, link

    def ask(self, question: Question) -> Reply:
        """The answer, within the connection's time; raises Unreachable."""
        body = canonical_bytes(
            {
                "v": 1,
                "id": question.id,
                "item": question.item,
                "method": question.method,
                "enterprise": question.enterprise,
                "claims": list(question.claims),
            }
        )
        try:
            data, signature = self._post(body)
            content = Webhook(self._link.secret).verify(data, signature)
            return read_reply(question, content)
        except WebhookVerificationError as error:
            raise self._failed("signature") from error
        except (OSError, ValueError, http.client.HTTPException, RecursionError) as error:
            raise self._failed(_reason(error)) from error

    def check(self) -> None:
        """Whether the source answers at all; raises Unreachable."""
        try:
            with STRAIGHT.open(f"{self._link.address.rstrip('/')}/v1/alive", timeout=self._seconds) as answer:
                if answer.status != 200:
                    raise self._failed(f"HTTP {answer.status}")
        except (OSError, http.client.HTTPException) as error:
            raise self._failed(_reason(error)) from error

    def _post(self, body: bytes) -> tuple[bytes, dict[str, str]]:
        """Body and signature of the answer. The time is for all of it: a source that drips is cut off too."""
        ends = time.monotonic() + self._seconds
        signed = _signed(body, self._link.secret)
        address = f"{self._link.address.rstrip('/')}/v1/query"
        request = urllib.request.Request(address, data=body, headers=signed, method="POST")
        with STRAIGHT.open(request, timeout=self._seconds) as answer:
            parts, size = list[bytes](), 0
            while part := answer.read1(65_536):
                parts.append(part)
                size += len(part)
                if size > MOST_BYTES:
                    raise ValueError("too large")
                if time.monotonic() > ends:
                    raise TimeoutError("timed out")
            return b"".join(parts), {name: answer.headers.get(name, "") for name in HEADERS}

    @property
    def _seconds(self) -> float:
        return self._connection.timeout_ms / 1000

    def _failed(self, why: str) -> Unreachable:
        return Unreachable(source=self._connection.name, why=why)


def answer_to(question: dict[str, Any], secret: str, **content: Any) -> tuple[bytes, dict[str, str]]:
    """A signed answer, as a source makes it: body and headers. For adapters' peers and for whoever writes a source."""
    body = json.dumps({"v": 1, "id": question["id"], **content}, ensure_ascii=False).encode()
    return body, _signed(body, secret)


def _signed(body: bytes, secret: str) -> dict[str, str]:
    """The headers of a signed body, the same for questions and answers."""
    return headers(f"msg_{secrets.token_hex(12)}", body, secrets=[secret], at=datetime.now(UTC))


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"HTTP {error.code}"
    inner = getattr(error, "reason", error)
    return "timed out" if isinstance(inner, TimeoutError) else str(inner)[:120] or type(inner).__name__
