"""Reads: links with their lag, what waits, what is held, states to compare, the latest of an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from xinqiao.federation.models import HeldRow, LinkRow, NodeRow, ObjectRow, PlaceRow
from xinqiao.federation.refusals import UnknownHeld, UnknownLink
from xinqiao.federation.rules import state_digest, sync_state
from xinqiao.federation.storage import held_facts, kept, link_facts, read_problems
from xinqiao.federation.types import (
    STANDING,
    Held,
    HeldState,
    Kept,
    KindState,
    Link,
    LinkState,
    SyncState,
)
from xinqiao.kernel.errors import Problem
from xinqiao.plumbing.settings import federation_lag


@dataclass(frozen=True, slots=True)
class KindFlow:
    """One kind on one link: placed, confirmed, held or refused by the peer, and since when the first waits."""

    kind: str
    placed: int
    waiting: int
    troubled: int
    received: int
    held: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """One object on its way over a link."""

    seq: int
    kind: str
    object_id: str
    version: int
    state: SyncState
    queued_at: datetime
    problems: tuple[Problem, ...]


def list_links(*, ended: bool = False) -> list[Link]:
    """Links, the one above first; those that ended too if asked for."""
    rows = LinkRow.objects.order_by("side", "peer", "id")
    return [_with_oldest(row) for row in (rows if ended else rows.filter(state__in=STANDING))]


def get_link(peer: str) -> Link:
    """The standing link with a peer; raises UnknownLink."""
    row = LinkRow.objects.filter(peer=peer, state__in=STANDING).first()
    if row is None:
        raise UnknownLink(link=peer)
    return _with_oldest(row)


def _with_oldest(row: LinkRow) -> Link:
    waiting = PlaceRow.objects.filter(link=row, seq=row.out_acked + 1).values_list("queued_at", flat=True)
    return link_facts(row, waiting.first())


def list_flows(peer: str) -> list[KindFlow]:
    """What went over a link either way, by kind; raises UnknownLink."""
    link = get_link(peer)
    waiting, troubled = Q(seq__gt=link.out_acked), Q(answer__in=[SyncState.HELD, SyncState.REFUSED])
    placed = PlaceRow.objects.filter(link_id=link.id).values("object__kind")
    out = {
        row["object__kind"]: row
        for row in placed.annotate(
            n=Count("id"), w=Count("id", waiting), t=Count("id", troubled), o=Min("queued_at", filter=waiting)
        )
    }
    came = ObjectRow.objects.filter(via_id=link.id).values("kind").annotate(n=Count("id"))
    held = HeldRow.objects.filter(link_id=link.id, state=HeldState.HELD).values("kind").annotate(n=Count("id"))
    received, kept_aside = ({row["kind"]: row["n"] for row in rows} for rows in (came, held))
    none = {"n": 0, "w": 0, "t": 0, "o": None}
    return [
        KindFlow(kind, o["n"], o["w"], o["t"], received.get(kind, 0), kept_aside.get(kind, 0), o["o"])
        for kind in sorted({*out, *received, *kept_aside})
        for o in [out.get(kind, none)]
    ]


def list_places(peer: str, *, troubled: bool = False, limit: int = 100) -> list[Place]:
    """The latest objects of the feed to a peer with their states; only those held or refused there if asked for."""
    link = get_link(peer)
    rows = PlaceRow.objects.filter(link_id=link.id).select_related("object").order_by("-seq")
    rows = rows.filter(answer__in=[SyncState.HELD, SyncState.REFUSED]) if troubled else rows
    return [
        Place(
            row.seq,
            row.object.kind,
            row.object.object_id,
            row.object.version,
            sync_state(row.seq, sent=link.out_sent, acked=link.out_acked, answer=row.answer),
            row.queued_at,
            read_problems(row.problems),
        )
        for row in rows[:limit]
    ]


def list_held(*, peer: str | None = None, state: HeldState | None = HeldState.HELD, limit: int = 200) -> list[Held]:
    """What was not taken in, the latest first; of one state unless None."""
    rows = HeldRow.objects.select_related("link").order_by("-at", "-id")
    rows = rows.filter(state=state) if state else rows
    return [held_facts(row) for row in (rows.filter(link__peer=peer) if peer else rows)[:limit]]


def count_held() -> int:
    """How many objects wait for somebody."""
    return HeldRow.objects.filter(state=HeldState.HELD).count()


def link_state(peer: str) -> dict[str, list[KindState]]:
    """What was ``sent`` to a peer and confirmed, and what was ``received``, by kind: equal on both sides when all is.

    Raises UnknownLink.
    """
    link = get_link(peer)
    sent = ObjectRow.objects.filter(placerow__link_id=link.id, placerow__seq__lte=link.out_acked, current=True)
    received = ObjectRow.objects.filter(via__peer=peer, current=True)
    return {"sent": list(_states(sent)), "received": list(_states(received))}


def _states(rows) -> Iterator[KindState]:  # type: ignore[no-untyped-def]
    for kind in sorted(set(rows.values_list("kind", flat=True))):
        found = rows.filter(kind=kind).order_by("sha256").values_list("sha256", flat=True)
        yield KindState(kind, *state_digest(found.iterator(chunk_size=5000)))


def find_object(kind: str, object_id: str, *, origin: str) -> Kept | None:
    """The latest version of an object, or None."""
    row = ObjectRow.objects.select_related("via").filter(kind=kind, object_id=object_id, origin=origin, current=True)
    found = row.first()
    return kept(found) if found else None


def list_objects(kind: str, *, retracted: bool = False, limit: int = 200) -> list[Kept]:
    """The latest versions of a kind, newest first; those taken back only if asked for."""
    rows = ObjectRow.objects.select_related("via").filter(kind=kind, current=True, retracted=retracted)
    return [kept(row) for row in rows.order_by("-id")[:limit]]


def list_nodes() -> dict[str, str]:
    """Code → name of every node whose word counts here."""
    return dict(NodeRow.objects.filter(standing=True).order_by("code").values_list("code", "name"))


def alarms(now: datetime) -> list[Link]:
    """Open links over which something has waited longer than the node's setting."""
    longest = timedelta(seconds=federation_lag())
    return [link for link in list_links() if link.state is LinkState.ACTIVE and link.lag(now) > longest]


def differences(ours: Mapping[str, list[KindState]], theirs: Mapping[str, list[KindState]]) -> list[str]:
    """Kinds that are not the same on both sides of a link: ours sent against theirs received, and the other way."""
    pairs = (("sent", "received"), ("received", "sent"))
    found = set()
    for here, there in pairs:
        found |= {state.kind for state in set(ours[here]) ^ set(theirs[there])}
    return sorted(found)


def get_held(held: int) -> tuple[Held, str]:
    """One held object with its text as it came; raises UnknownHeld."""
    row = HeldRow.objects.select_related("link").filter(id=held).first()
    if row is None:
        raise UnknownHeld(held=held)
    return held_facts(row), bytes(row.document).decode("utf-8", "replace")
