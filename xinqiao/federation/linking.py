"""Verbs of links: one person proposes with the peer's card, another confirms with the fingerprint heard elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from xinqiao.admission.queries import is_open
from xinqiao.admission.rules import check_other_person, check_said
from xinqiao.consent.types import NotAdmitted
from xinqiao.evidence.actions import record
from xinqiao.evidence.types import Event
from xinqiao.federation.kinds import KINDS
from xinqiao.federation.models import LinkRow, NodeRow, ObjectRow
from xinqiao.federation.publishing import publish
from xinqiao.federation.refusals import FingerprintDiffers, InvalidCard, LinkExists
from xinqiao.federation.rules import (
    LINK_TRANSITIONS,
    fingerprint,
    origin_of_chain,
    read_card,
    same_fingerprint,
)
from xinqiao.federation.storage import CHUNK, append, goes_over, hold_feeds, link_facts, standing_link
from xinqiao.federation.types import (
    LINK_CONFIRMED,
    LINK_DECLINED,
    LINK_ENDED,
    LINK_PAUSED,
    LINK_PROPOSED,
    LINK_RESUMED,
    STANDING,
    Draft,
    Link,
    LinkState,
    Side,
)
from xinqiao.kernel.canonical import read_base64, sha256_hex
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.oauth.actions import add_client
from xinqiao.oauth.jose import ed25519_jwk
from xinqiao.oauth.queries import find_client
from xinqiao.parties.queries import get_organisation
from xinqiao.plumbing import settings as node

SCOPE = "federation"


@transaction.atomic
def propose_link(card: bytes, *, side: Side, kinds: Collection[str] | None = None, actor: str, now: datetime) -> Link:
    """Ask a second person to confirm a link with the node of a card; nothing passes yet.

    ``side`` is where the peer stands. A node below must be an admitted platform of this node whose code is the card's.
    Raises InvalidCard, LinkExists, PartyNotFound, NotAdmitted.
    """
    found = read_card(card, here=node.node_code())
    if side is Side.ABOVE and not found.url:
        raise InvalidCard([Problem("url", "federation.url", Phrase("上级节点的名片须有地址"))])
    if side is Side.BELOW:
        _check_member(found.node)
    hold_feeds()
    standing = LinkRow.objects.filter(state__in=STANDING)
    clash = standing.filter(peer=found.node).first()
    clash = clash or (standing.filter(side=Side.ABOVE).first() if side is Side.ABOVE else None)
    if clash is not None:
        raise LinkExists(link=clash.name)
    row = LinkRow(peer=found.node, name=found.name, side=side, state=LinkState.PROPOSED, level=found.level)
    row.division, row.url, row.keys = found.division, found.url, [asdict(key) for key in found.keys]
    row.fingerprint = fingerprint(found)
    row.kinds = sorted(code for code, kind in KINDS.items() if side in kind.goes and (kinds is None or code in kinds))
    row.in_chain = origin_of_chain(found.node, node.node_code())
    row.out_chain = origin_of_chain(node.node_code(), found.node)
    row.proposed_by, row.proposed_at = actor, now
    row.save(force_insert=True)
    body = {"peer": row.peer, "side": str(side), "fingerprint": row.fingerprint, "kinds": row.kinds}
    record(LINK_PROPOSED, actor=actor, subject=row.peer, body=body, now=now)
    return link_facts(row)


def _check_member(code: str) -> None:
    organisation = get_organisation(code)
    if not is_open(code):
        raise NotAdmitted(organisation=organisation.name)


@transaction.atomic
def confirm_link(peer: str, *, fingerprint: str, actor: str, now: datetime) -> Link:
    """Open a proposed link: by somebody else, with the fingerprint heard from the peer by another way than the card.

    Raises UnknownLink, TransitionRefused, OtherPersonNeeded, FingerprintDiffers, NotAdmitted.
    """
    hold_feeds()
    row = standing_link(peer)
    state = LINK_TRANSITIONS.check(LinkState(row.state), "confirm")
    check_other_person(actor, before=[row.proposed_by])
    if not same_fingerprint(fingerprint, row.fingerprint):
        raise FingerprintDiffers(link=row.name)
    if row.side == Side.BELOW:
        _check_member(peer)
        _let_call(row, actor, now)
    row.state, row.confirmed_by, row.confirmed_at = state, actor, now
    row.save(update_fields=["state", "confirmed_by", "confirmed_at"])
    NodeRow.objects.update_or_create(
        code=peer,
        defaults={
            "name": row.name,
            "level": row.level,
            "division": row.division,
            "keys": row.keys,
            "peer": peer,
            "standing": True,
        },
    )
    record(LINK_CONFIRMED, actor=actor, subject=peer, body={"peer": peer, "fingerprint": row.fingerprint}, now=now)
    _fill(row, now=now)
    publish([_introduction(row, standing=True)], actor=actor, now=now)
    return link_facts(row)


def client_id(peer: str, key: str) -> str:
    """Under which name the node of a code and first public key (base64) calls the one above it.

    A new key is a new program: one that was ended is never let in again under its name.
    """
    return f"node-{peer}-{sha256_hex(key.encode())[:8]}"


def jwk_of(row: LinkRow) -> dict[str, str]:
    """The peer's first key as the authorisation server knows keys."""
    return ed25519_jwk(read_base64(row.keys[0]["key"]))


def _let_call(row: LinkRow, actor: str, now: datetime) -> None:
    """Register the peer as a program of its organisation, for this protocol and nothing else."""
    name = client_id(row.peer, row.keys[0]["key"])
    known = find_client(name)
    if known is None or known.ended_at is not None:
        by = {"actor": actor, "now": now}
        add_client(name, organisation=row.peer, name=name, jwk=jwk_of(row), scopes=[SCOPE], allowed=[SCOPE], **by)


def _introduction(row: LinkRow, *, standing: bool) -> Draft:
    """This node's word to its other peers for the node of a link."""
    keys = [f"{key['suite']}:{key['key']}" for key in row.keys]
    body = {"code": row.peer, "name": row.name, "level": row.level, "keys": keys, "standing": standing}
    return Draft("node", row.peer, body | ({"division": row.division} if row.division else {}))


def _fill(link: LinkRow, *, now: datetime) -> None:
    """Begin the feed with everything that stands: made here, or come from the other side and to be passed on."""
    rows = ObjectRow.objects.select_related("via").filter(current=True, kind__in=link.kinds).order_by("id")
    waiting: list[ObjectRow] = []
    for row in rows.iterator(chunk_size=CHUNK):
        if goes_over(row, link, row.via):
            waiting.append(row)
        if len(waiting) == CHUNK:
            append(link, waiting, now=now)
            waiting = []
    append(link, waiting, now=now)


@transaction.atomic
def decline_link(peer: str, *, reason: str, actor: str, now: datetime) -> Link:
    """Let a proposed link fall. Raises UnknownLink, TransitionRefused, ReasonNeeded."""
    return _move(peer, "decline", reason, LINK_DECLINED, actor, now)


@transaction.atomic
def pause_link(peer: str, *, reason: str, actor: str, now: datetime) -> Link:
    """Let nothing pass until :func:`resume_link`: one person is enough to stop. What is made meanwhile waits in line.

    Raises UnknownLink, TransitionRefused, ReasonNeeded.
    """
    return _move(peer, "pause", reason, LINK_PAUSED, actor, now)


@transaction.atomic
def resume_link(peer: str, *, reason: str, actor: str, now: datetime) -> Link:
    """Let objects pass again. Raises UnknownLink, TransitionRefused, ReasonNeeded, NotAdmitted."""
    if standing_link(peer).side == Side.BELOW:
        _check_member(peer)
    return _move(peer, "resume", reason, LINK_RESUMED, actor, now)


@transaction.atomic
def end_link(peer: str, *, reason: str, actor: str, now: datetime) -> Link:
    """End a link for good: no call of the peer is heard, its word for others ends. What came over it stays.

    A new link begins with a card and two people again, and knows what was received before. Raises UnknownLink,
    TransitionRefused, ReasonNeeded.
    """
    row = _move(peer, "end", reason, LINK_ENDED, actor, now)
    NodeRow.objects.filter(peer=peer).update(standing=False)
    publish([_introduction(LinkRow.objects.get(pk=row.id), standing=False)], actor=actor, now=now)
    return row


def _move(peer: str, event: str, reason: str, what: Event, actor: str, now: datetime) -> Link:
    hold_feeds()
    row, said = standing_link(peer), check_said(reason)
    row.state, row.reason = LINK_TRANSITIONS.check(LinkState(row.state), event), said[:500]
    row.save(update_fields=["state", "reason"])
    record(what, actor=actor, subject=peer, body={"peer": peer, "reason": said}, now=now)
    return link_facts(row)
