"""A body's interface over HTTP, the node's own small protocol (docs/how-to/settlement.md).

``PUT /v1/files/SHA256`` hands a file over, ``POST /v1/acts`` a signed act that is answered by a signed receipt,
``GET /v1/matters/NUMBER/events?after=N`` gives signed events, ``GET /v1/files/SHA256`` their papers, and
``GET /v1/digests/SHA256`` tells what the body holds of a digest. No public interface of a commission or of enforceable
notarisation was found that could be followed.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from xinqiao.kernel.canonical import sha256_hex
from xinqiao.plumbing.outgoing import STRAIGHT
from xinqiao.settlement.connections import Connection
from xinqiao.settlement.refusals import BodyRefused, BodyUnreachable, InvalidStatement
from xinqiao.settlement.statements import call_token

PATIENCE_SECONDS, LONGEST_SECONDS = 10.0, 30.0
LONGEST_ANSWER = 1 << 20
LARGEST_PAPER = 5 << 20
MOST_EVENTS = 100
NOT_TAKEN = (409, 413, 422)


def _read(response: Any, most: int) -> bytes:
    """At most so many bytes, and not for longer than a body is waited for, however slowly it drips them."""
    parts, size, until = list[bytes](), 0, time.monotonic() + LONGEST_SECONDS
    while size < most and (part := response.read1(min(most - size, 1 << 16))):
        parts.append(part)
        size += len(part)
        if time.monotonic() > until:
            raise TimeoutError("the answer takes too long")
    if size < most and getattr(response, "length", None):
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)


class RestBody:
    """A connected body. Every verb raises BodyUnreachable (try again) or BodyRefused (something is wrong)."""

    def __init__(self, connection: Connection, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._connection, self._clock = connection, clock

    def holds(self, sha256: str) -> bool:
        """Whether the body has a file of this digest already."""
        found = self._json("GET", f"/v1/digests/{sha256}")
        return found.get("held") is True

    def hand_over(self, sha256: str, data: bytes) -> None:
        """Hand a file over under its digest; a second time does nothing."""
        self._call("PUT", f"/v1/files/{sha256}", data, "application/octet-stream")

    def submit(self, statement: str) -> str:
        """Hand a signed act over; the body's signed receipt. The same act again gives the same receipt."""
        body = json.dumps({"act": statement}).encode()
        found = self._json("POST", "/v1/acts", body)
        receipt = found.get("receipt")
        if not isinstance(receipt, str):
            raise InvalidStatement(source=self._connection.code, what="receipt")
        return receipt

    def events(self, proceeding: str, *, after: int) -> list[str]:
        """The signed events of a proceeding behind a number, in order, a hundred at most."""
        found = self._json("GET", f"/v1/matters/{quote(proceeding, safe='')}/events?after={after}")
        listed = found.get("events")
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise InvalidStatement(source=self._connection.code, what="events")
        return listed[:MOST_EVENTS]

    def paper(self, sha256: str) -> bytes:
        """The bytes of a paper that an event named; raises InvalidStatement for other bytes."""
        data = self._call("GET", f"/v1/files/{sha256}", most=LARGEST_PAPER + 1)
        if sha256_hex(data) != sha256:
            raise InvalidStatement(source=self._connection.code, what=f"file {sha256}")
        return data

    def _json(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        data = self._call(method, path, body, "application/json")
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BodyUnreachable(source=self._connection.code, what="no JSON", retry=True) from error
        if not isinstance(found, dict):
            raise InvalidStatement(source=self._connection.code, what="JSON")
        return found

    def _call(
        self, method: str, path: str, body: bytes | None = None, kind: str = "", *, most: int = LONGEST_ANSWER
    ) -> bytes:
        token = call_token(self._connection, what=f"{method} {path}", now=self._clock())
        headers = {"Authorization": f"Bearer {token}", **({"Content-Type": kind} if body is not None else {})}
        request = urllib.request.Request(f"{self._connection.url}{path}", data=body, headers=headers, method=method)
        try:
            with STRAIGHT.open(request, timeout=PATIENCE_SECONDS) as response:
                data = _read(response, most)
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            said = f"{type(error).__name__}: {error}"[:200]
            raise BodyUnreachable(source=self._connection.code, what=said, retry=True) from error
        return data

    def _refusal(self, error: urllib.error.HTTPError) -> BodyUnreachable | BodyRefused:
        """What the body does not take, it says why; anything else is trouble that passes or is mended."""
        name = self._connection.code
        if error.code not in NOT_TAKEN:
            return BodyUnreachable(source=name, what=f"HTTP {error.code}", retry=True)
        try:
            with error:
                told = json.loads(_read(error, LONGEST_ANSWER))
            said = "; ".join(str(one["message"]) for one in told["problems"]) or str(told["title"])
        except (OSError, http.client.HTTPException) as cut:
            return BodyUnreachable(source=name, what=f"HTTP {error.code} {type(cut).__name__}", retry=True)
        except (ValueError, TypeError, KeyError, RecursionError):
            said = ""
        return BodyRefused(source=name, what=f"HTTP {error.code} {said}".strip()[:400], retry=False)
