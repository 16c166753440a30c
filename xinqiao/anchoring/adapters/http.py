"""JSON over HTTP to a platform: straight to its address, one answer, no redirect followed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xinqiao.anchoring.types import LedgerRefused, LedgerUnreachable
from xinqiao.plumbing.outgoing import STRAIGHT

PATIENCE_SECONDS = 10.0
LONGEST_ANSWER = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """Status, headers in lower case, and the JSON of an answer."""

    status: int
    headers: Mapping[str, str]
    body: Any


def call(
    source: str, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answered:
    """One call. A client's or server's error with a JSON body is an answer; raises LedgerUnreachable otherwise."""
    told = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data=body, headers=told, method=method)
    try:
        with STRAIGHT.open(request, timeout=PATIENCE_SECONDS) as response:
            return _read(source, response)
    except urllib.error.HTTPError as error:
        with error:
            if error.code >= 500 or error.code in (408, 429):
                raise LedgerUnreachable(source=source, what=f"HTTP {error.code}", retry=True) from error
            return _read(source, error)
    except (OSError, ValueError) as error:
        raise LedgerUnreachable(source=source, what=f"{type(error).__name__}: {error}"[:200], retry=True) from error


def _read(source: str, response: Any) -> Answered:
    data = response.read(LONGEST_ANSWER)
    try:
        body = json.loads(data) if data else {}
    except ValueError as error:
        raise LedgerUnreachable(source=source, what=f"HTTP {response.status}, no JSON", retry=True) from error
    return Answered(response.status, {k.lower(): v for k, v in response.headers.items()}, body)


def refused(source: str, what: object) -> LedgerRefused:
    """The platform said no."""
    return LedgerRefused(source=source, what=str(what)[:200], retry=False)
