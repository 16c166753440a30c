"""What an address must be, when a message is tried again, what it says and how it is signed. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks.webhooks import Webhook

from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.webhooks.types import EndpointRefused

LONGEST_URL = 300
# After the n-th attempt that failed: how long until the next. Together a little over 72 hours, then it is dead.
WAITS = tuple(
    timedelta(seconds=s)
    for s in (5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600, 28800, 36000, 43200, 43200, 43200, 16200)
)


def check_url(url: str, *, loopback: bool) -> None:
    """Raises EndpointRefused with every fault: only https and nothing secret in it.

    ``loopback`` lets http to this machine through, for a demonstration; elsewhere this machine is no address at all.
    """
    problems = []
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or parts.scheme not in ("https", "http"):
        problems.append(_problem("url", "不是网址"))
    elif _is_loopback(host) and not loopback:
        problems.append(_problem("url", "不能是本机地址"))
    elif parts.scheme == "http" and not _is_loopback(host):
        problems.append(_problem("url", "应为 https"))
    if parts.username or parts.password or parts.fragment:
        problems.append(_problem("url", "不能带账号、口令或片段"))
    if len(url) > LONGEST_URL or any(c.isspace() or not c.isprintable() for c in url):
        problems.append(_problem("url", "不超过 {most} 个字符，不含空白", most=LONGEST_URL))
    if problems:
        raise EndpointRefused(problems)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _problem(field: str, pattern: str, **data: Any) -> Problem:
    return Problem(field=field, code=f"webhooks.{field}", message=Phrase(pattern, **data))


def next_attempt(attempts: int, *, failed_at: datetime) -> datetime | None:
    """When a message that failed ``attempts`` times is tried again; None = never, it is dead."""
    return failed_at + WAITS[attempts - 1] if attempts <= len(WAITS) else None


def payload(kind: str, *, at: datetime, data: Mapping[str, str]) -> bytes:
    """The body: what happened, when, and the numbers to ask about. No fact about an enterprise is in it."""
    return canonical_bytes({"type": kind, "timestamp": at.isoformat(), "data": dict(data)})


def headers(message: str, body: bytes, *, secrets: Iterable[str], at: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks: one signature for each secret that stands, so that it can be changed."""
    second = at.replace(microsecond=0)
    signatures = [
        Webhook(secret).sign(msg_id=message, timestamp=second, data=body.decode("utf-8")) for secret in secrets
    ]
    return {
        "Content-Type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(int(second.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
