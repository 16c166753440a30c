"""The node's side of time stamps: one from each authority at most a minute, while the log grows. No write waits."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from xinqiao.evidence.models import Checkpoint, Outsider, Stamp
from xinqiao.evidence.stamps import QUERY_TYPE, Authority, InvalidStamp, check_stamp, make_query, read_authorities
from xinqiao.plumbing import settings as node

log = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=1)
PATIENCE_SECONDS = 10.0
LONGEST_ANSWER = 64 * 1024
Post = Callable[[str, bytes], bytes]
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Stamped:
    """What came of asking one authority: a stamp with its time, or trouble."""

    authority: Authority
    query: bytes
    response: bytes = b""
    at: datetime | None = None
    trouble: str = ""


def post(url: str, query: bytes) -> bytes:
    """Send a query; raises OSError when the authority is away."""
    request = urllib.request.Request(url, data=query, headers={"Content-Type": QUERY_TYPE})
    with _DIRECT.open(request, timeout=PATIENCE_SECONDS) as response:
        return bytes(response.read(LONGEST_ANSWER))


def authorities() -> list[Authority]:
    """The configured authorities; raises InvalidAuthorities, OSError."""
    file = node.tsa_file()
    return read_authorities(file) if file else []


def take_stamps(*, now: datetime, send: Post = post) -> int:
    """Have the last checkpoint stamped by every authority whose turn it is; returns how many stamps came."""
    last = Checkpoint.objects.order_by("-size").first()
    waiting = [item for item in authorities() if last and _is_due(item, last, now)]
    if last is None or not waiting:
        return 0
    data = last.note.encode()
    with ThreadPoolExecutor(len(waiting)) as pool:
        found = list(pool.map(lambda authority: _ask(authority, data, send), waiting))
    for result in found:
        _keep(result, last, now=now)
    return sum(1 for result in found if result.at)


def _name(authority: Authority) -> str:
    return f"tsa {authority.name}"


def _is_due(authority: Authority, last: Checkpoint, now: datetime) -> bool:
    """The log has grown since its last stamp, and the last try, good or bad, is a minute ago."""
    state = Outsider.objects.filter(name=_name(authority)).first()
    return state is None or (state.size < last.size and now >= state.tried_at + INTERVAL)


def _ask(authority: Authority, data: bytes, send: Post) -> Stamped:
    query = make_query(data)
    try:
        response = send(authority.url, query.as_bytes())
        at = check_stamp(response, data, roots=authority.roots, nonce=query.nonce)
        return Stamped(authority, query.as_bytes(), response, at)
    except (OSError, InvalidStamp) as error:
        return Stamped(authority, query.as_bytes(), trouble=f"{type(error).__name__}: {error}"[:500])


def _keep(result: Stamped, last: Checkpoint, *, now: datetime) -> None:
    name = _name(result.authority)
    before = Outsider.objects.filter(name=name).values_list("size", flat=True).first() or 0
    size = last.size if result.at else before
    with transaction.atomic():
        Outsider.objects.update_or_create(
            name=name, defaults={"size": size, "tried_at": now, "trouble": result.trouble}
        )
        if result.at:
            made = {"query": result.query, "response": result.response, "at": result.at}
            Stamp.objects.create(checkpoint=last, authority=result.authority.name, **made)
    if result.trouble:
        log.warning("time-stamping authority %s: %s", result.authority.name, result.trouble)
