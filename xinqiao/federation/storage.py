"""Rows and facts of this context, and the one lock under which feeds grow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from xinqiao.federation.kinds import KINDS
from xinqiao.federation.models import HeldRow, LinkRow, ObjectRow, PlaceRow
from xinqiao.federation.refusals import LinkNotOpen, ObjectCorrupt, UnknownLink
from xinqiao.federation.rules import link_on, read_object
from xinqiao.federation.types import (
    STANDING,
    Envelope,
    Held,
    HeldState,
    Kept,
    Link,
    LinkState,
    NodeLevel,
    Side,
)
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.plumbing.locks import hold_name

FEEDS = "federation.feeds"
CHUNK = 1000
T = TypeVar("T")


def hold_feeds() -> None:
    """Let one transaction at a time give places or take pages in: places are then committed in their order."""
    hold_name(FEEDS)


def standing_link(peer: str) -> LinkRow:
    """The link with a peer that is proposed, open or paused, held; raises UnknownLink."""
    rows = LinkRow.objects.select_for_update(of=("self",)).filter(peer=peer, state__in=STANDING)
    row = rows.first()
    if row is None:
        raise UnknownLink(link=peer)
    return row


def open_link(peer: str) -> LinkRow:
    """The link with a peer over which objects pass now, held; raises UnknownLink, LinkNotOpen."""
    row = standing_link(peer)
    if row.state != LinkState.ACTIVE:
        raise LinkNotOpen(link=row.name, state=LinkState(row.state).label)
    return row


def goes_over(row: ObjectRow, link: LinkRow, came_by: LinkRow | None) -> bool:
    """Whether an object, made here or come over a link, goes to the peer of another.

    What came from below goes up, what came from above goes down, nothing goes back, and nobody is told of itself.
    """
    found = KINDS[row.kind]
    if Side(link.side) not in found.goes or row.kind not in link.kinds:
        return False
    if row.kind == "node" and row.object_id == link.peer:
        return False
    return came_by is None or (found.relayed and came_by.side != link.side)


def give_places(rows: Sequence[ObjectRow], *, came_by: LinkRow | None, now: datetime) -> int:
    """Put objects at the end of every feed they go into; returns how many places. Call under :func:`hold_feeds`."""
    links = LinkRow.objects.select_for_update().filter(state__in=(LinkState.ACTIVE, LinkState.PAUSED)).order_by("id")
    return sum(append(link, [row for row in rows if goes_over(row, link, came_by)], now=now) for link in links)


def append(link: LinkRow, rows: Sequence[ObjectRow], *, now: datetime) -> int:
    """Put objects at the end of one feed, whose row is held; returns how many."""
    places = []
    for row in rows:
        link.out_seq += 1
        link.out_chain = link_on(link.out_chain, row.document)
        places.append(PlaceRow(link=link, seq=link.out_seq, object=row, chain=link.out_chain, queued_at=now))
    if places:
        PlaceRow.objects.bulk_create(places, batch_size=CHUNK)
        link.save(update_fields=["out_seq", "out_chain"])
    return len(places)


def new_row(envelope: Envelope, text: str, signature: str, *, via: LinkRow | None, now: datetime) -> ObjectRow:
    """An object as a row, not saved."""
    return ObjectRow(
        kind=envelope.kind,
        origin=envelope.origin,
        object_id=envelope.id,
        version=envelope.version,
        sha256=sha256_hex(text.encode()),
        document=text,
        signature=signature,
        at=now,
        retracted=envelope.retracted,
        waits=envelope.kind == "outcome" and via is not None,
        via=via,
    )


def kept(row: ObjectRow) -> Kept:
    """Facts of a row; raises ObjectCorrupt when the text is not what its digest says."""
    envelope, _ = read_object(row.document)
    if envelope is None or sha256_hex(row.document.encode()) != row.sha256:
        raise ObjectCorrupt(what=f"{row.kind} {row.origin} {row.object_id} {row.version}")
    return Kept(envelope, row.sha256, row.at, row.via.peer if row.via else "")


def plain_problems(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as JSON, with pattern and data, so that they can be said in another language later."""
    return [
        {
            "field": p.field.replace("\x00", "\ufffd"),  # which no JSON column keeps
            "code": p.code,
            "message": getattr(p.message, "pattern", p.message),
            "data": {k: list(v) if isinstance(v, tuple) else v for k, v in getattr(p.message, "data", {}).items()},
        }
        for p in problems
    ]


def read_problems(plain: Iterable[dict[str, Any]]) -> tuple[Problem, ...]:
    """Problems of JSON; what a peer sent is cut to size."""
    found = []
    for one in islice(plain, 50):
        data = one.get("data") or {}
        named = {str(k)[:40]: tuple(map(str, v)) if isinstance(v, list) else str(v)[:200] for k, v in data.items()}
        message = str(one.get("message", ""))[:500]
        phrase = Phrase(message, **named) if named else message
        found.append(Problem(str(one.get("field", ""))[:60], str(one.get("code", ""))[:60], phrase))
    return tuple(found)


_OTHERS = {"side", "state", "level", "kinds", "oldest", "trouble"}
_SAME = [field.name for field in fields(Link) if field.name not in _OTHERS]


def link_facts(row: LinkRow, oldest: datetime | None = None) -> Link:
    """Facts of a row."""
    return Link(
        side=Side(row.side),
        state=LinkState(row.state),
        level=NodeLevel(row.level),
        kinds=tuple(row.kinds),
        oldest=oldest,
        trouble=next(iter(read_problems(row.trouble)), None),
        **{name: getattr(row, name) for name in _SAME},
    )


def held_facts(row: HeldRow) -> Held:
    """Facts of a row."""
    return Held(
        id=row.id,
        peer=row.link.peer,
        seq=row.seq,
        state=HeldState(row.state),
        kind=row.kind,
        origin=row.origin,
        object_id=row.object_id,
        version=row.version,
        sha256=sha256_hex(bytes(row.document)),
        problems=read_problems(row.problems),
        at=row.at,
        settled_at=row.settled_at,
        reason=row.reason,
    )


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Items in lists of at most ``size``."""
    source = iter(items)
    while found := list(islice(source, size)):
        yield found
