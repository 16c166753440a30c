"""Verbs of the receiving side: take a page in together with its cursor, or nothing of it; settle what was held."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from xinqiao.admission.rules import check_said
from xinqiao.evidence.actions import record
from xinqiao.federation.effects import apply_effects, context_problems, retry_codes, waiting_for
from xinqiao.federation.keys import signed_by, verifying
from xinqiao.federation.kinds import KINDS
from xinqiao.federation.models import HeldRow, LinkRow, NodeRow, ObjectRow
from xinqiao.federation.refusals import InvalidPage, NoWayBack, UnknownHeld, fault
from xinqiao.federation.rules import OBJECT_CONTEXT, check_page, judge, page_bytes, read_object
from xinqiao.federation.storage import give_places, held_facts, hold_feeds, new_row, open_link, plain_problems
from xinqiao.federation.types import (
    DROPPED,
    FORKED,
    HELD,
    RECEIVED,
    RELEASED,
    Answer,
    Entry,
    Envelope,
    Held,
    HeldState,
    Page,
    Receipt,
    Side,
    SyncState,
    Verdict,
)
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Problem
from xinqiao.plumbing import settings as node

Name = tuple[str, str, str]


@transaction.atomic
def receive_page(peer: str, page: Page, *, now: datetime) -> Receipt:
    """Take a page of a peer's feed in: objects, what is held, what goes further and the cursor, all at once or none.

    What was received before is recognised, so a page may come again. Raises UnknownLink, LinkNotOpen, InvalidPage,
    FeedGap, FeedForked; a bad object raises nothing: it is held and the feed goes on.
    """
    hold_feeds()
    link = open_link(peer)
    check_page(page, sender=peer, receiver=node.node_code(), cursor=link.in_seq, chain=link.in_chain)
    if not signed_by(verifying(link.keys), page.signature, page_bytes(page)):
        raise InvalidPage([fault("signature", "签名不是对方节点的", "bad_signature")])
    taken = _take(link, page.entries, now=now)
    if page.seq > link.in_seq:
        link.in_seq, link.in_chain = page.seq, page.chain
    link.behind, link.contact_at = max(0, page.head - link.in_seq), now
    link.save(update_fields=["in_seq", "in_chain", "behind", "contact_at"])
    if taken.rows:
        body = {"after": page.after, "seq": page.seq, "chain": page.chain, "objects": len(taken.rows)}
        record(RECEIVED, actor=f"federation:{peer}", subject=peer, body=body, now=now)
    arrived = [envelope for _, envelope in taken.latest.values()]
    for row in waiting_for(link, retry_codes(arrived)):
        _retry(row, f"federation:{peer}", now)
    return Receipt(link.in_seq, link.in_chain, tuple(taken.answers))


@dataclass(slots=True)
class _Taken:
    """What becomes of entries: objects to keep, those of them that are the latest, what is held, what is answered."""

    link: LinkRow
    now: datetime
    keys: Mapping[str, list[tuple[str, Any]]]
    versions: dict[Name, dict[int, str]]
    rows: list[ObjectRow] = field(default_factory=list)
    latest: dict[Name, tuple[ObjectRow, Envelope]] = field(default_factory=dict)
    fresh: list[ObjectRow] = field(default_factory=list)
    held: list[HeldRow] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def take(self, entry: Entry, envelope: Envelope | None, problems: list[Problem]) -> None:
        """Decide about one entry."""
        if envelope is None or problems:
            return self._hold(entry, envelope, problems)
        if problems := self._not_theirs(entry, envelope):
            return self._hold(entry, envelope, problems)
        known, digest = self.versions.setdefault(envelope.name, {}), sha256_hex(entry.object.encode())
        verdict = judge(known, envelope.version, digest)
        if verdict is Verdict.FORKED:
            problem = fault("version", "版本 {version} 已有内容不同的对象", "forked", version=envelope.version)
            return self._hold(entry, envelope, [problem], refused=True)
        if verdict is Verdict.NEW and (problems := context_problems(self.link, envelope, self.latest)):
            return self._hold(entry, envelope, problems)
        self.marks.append(mark_of(entry))
        if verdict is not Verdict.KNOWN:
            self._keep(entry, envelope, latest=verdict is Verdict.NEW)
            known[envelope.version] = digest
        if verdict is Verdict.OLDER:
            self.answers.append(Answer(entry.seq, SyncState.ACKNOWLEDGED))
        return None

    def _not_theirs(self, entry: Entry, envelope: Envelope) -> list[Problem]:
        """Whether the peer may send this at all, and whether its origin signed it."""
        kind, sender = KINDS[envelope.kind], Side(self.link.side)
        if (Side.ABOVE if sender is Side.BELOW else Side.BELOW) not in kind.goes:
            return [fault("kind", "这一种类不从{side}来", "wrong_way", side=sender.label)]
        if envelope.origin not in self.keys:
            return [fault("origin", "节点 {origin} 未由对方引入", "unknown_origin", origin=envelope.origin)]
        if not signed_by(self.keys[envelope.origin], entry.signature, OBJECT_CONTEXT + entry.object.encode()):
            return [fault("signature", "签名不是来源节点的", "bad_signature")]
        return []

    def _keep(self, entry: Entry, envelope: Envelope, *, latest: bool) -> None:
        row = new_row(envelope, entry.object, entry.signature, via=self.link, now=self.now)
        row.current = latest
        self.rows.append(row)
        if latest:
            if envelope.name in self.latest:
                self.latest[envelope.name][0].current = False
            self.latest[envelope.name] = (row, envelope)
            self.fresh.append(row)

    def _hold(self, entry: Entry, envelope: Envelope | None, problems: list[Problem], *, refused: bool = False) -> None:
        state = HeldState.REFUSED if refused else HeldState.HELD
        row = HeldRow(link=self.link, seq=entry.seq, mark=mark_of(entry), state=state, at=self.now)
        row.document, row.signature = _raw(entry.object), _raw(entry.signature)
        row.problems = plain_problems(problems)
        if envelope is not None:
            row.kind, row.origin, row.object_id, row.version = *envelope.name, envelope.version
        if refused:
            row.settled_at = self.now
        self.held.append(row)
        self.answers.append(Answer(entry.seq, SyncState.REFUSED if refused else SyncState.HELD, tuple(problems)))


def _take(link: LinkRow, entries: Sequence[Entry], *, now: datetime) -> _Taken:
    """Decide about entries and write what was decided. Call with the link and the feeds held."""
    read = [(entry, *read_object(entry.object)) for entry in entries]
    found = [envelope for _, envelope, _ in read if envelope is not None]
    taken = _Taken(link, now, _keys(link, found), _versions(found))
    for entry, envelope, problems in read:
        taken.take(entry, envelope, problems)
    _write(taken)
    return taken


def _keys(link: LinkRow, found: Sequence[Envelope]) -> dict[str, list[tuple[str, Any]]]:
    """Keys of the origins that may come over the link: the peer's own and those of nodes it has vouched for."""
    origins = {envelope.origin for envelope in found}
    rows = NodeRow.objects.filter(code__in=origins, peer=link.peer, standing=True)
    return {row.code: verifying(row.keys) for row in rows}


def _versions(found: Sequence[Envelope]) -> dict[Name, dict[int, str]]:
    """Known versions of each name with their digests."""
    rows = _named({envelope.name for envelope in found})
    known: dict[Name, dict[int, str]] = {}
    for kind, origin, name, version, digest in rows.values_list("kind", "origin", "object_id", "version", "sha256"):
        known.setdefault((kind, origin, name), {})[version] = digest
    return known


def _named(names: Collection[Name]) -> QuerySet[ObjectRow]:
    """Rows under these names, and perhaps under others that mix their parts; every part is given, for the index."""
    kinds, origins, own = ({name[part] for name in names} for part in range(3))
    return ObjectRow.objects.filter(origin__in=origins, kind__in=kinds, object_id__in=own)


def _write(taken: _Taken) -> None:
    names = [name for name in taken.latest if len(taken.versions[name]) > 1]
    if names:
        former = _named(names).filter(current=True)
        found = [row.pk for row in former if (row.kind, row.origin, row.object_id) in taken.latest]
        ObjectRow.objects.filter(pk__in=found).update(current=False)
    ObjectRow.objects.bulk_create(taken.rows)
    apply_effects(taken.link, list(taken.latest.values()), now=taken.now)
    give_places(taken.fresh, came_by=taken.link, now=taken.now)
    _settle(taken)
    _record_held(taken)


def _settle(taken: _Taken) -> None:
    """What was held and has now come right, or has a later version, waits no more."""
    waiting = HeldRow.objects.filter(link=taken.link, state=HeldState.HELD)
    for row in waiting if taken.marks and waiting.exists() else ():
        if row.mark in taken.marks:
            row.state = HeldState.RELEASED
        elif max(taken.versions.get((row.kind, row.origin, row.object_id), {}), default=0) > row.version > 0:
            row.state = HeldState.SUPERSEDED
        else:
            continue
        row.settled_at, row.told = taken.now, False
        row.save(update_fields=["state", "settled_at", "told"])


def _record_held(taken: _Taken) -> None:
    """Keep what is held, each once, with its evidence."""
    marks = {row.mark for row in taken.held}
    before = set(HeldRow.objects.filter(link=taken.link, mark__in=marks).values_list("mark", flat=True))
    new = list({row.mark: row for row in taken.held if row.mark not in before}.values())
    HeldRow.objects.bulk_create(new)
    for row in new:
        event = FORKED if row.state == HeldState.REFUSED else HELD
        body = {"seq": row.seq, "sha256": row.mark, "problems": [one["code"] for one in row.problems][:20]}
        body |= {"kind": row.kind, "origin": row.origin, "id": row.object_id, "version": row.version}
        peer = taken.link.peer
        record(event, actor=f"federation:{peer}", subject=peer, body=body, now=taken.now)


@transaction.atomic
def try_again(held: int, *, actor: str, now: datetime) -> Held:
    """Take a held object in after all if nothing is wrong with it any more; else its problems are those of now.

    Raises UnknownHeld, NoWayBack, LinkNotOpen.
    """
    hold_feeds()
    row = _held(held)
    return held_facts(_retry(row, actor, now))


@transaction.atomic
def try_all_again(peer: str, *, actor: str, now: datetime) -> int:
    """The same for everything held of a link, in the order it came; returns how many were taken in."""
    hold_feeds()
    rows = HeldRow.objects.select_related("link").filter(link__peer=peer, state=HeldState.HELD).order_by("seq", "id")
    return sum(_retry(row, actor, now).state == HeldState.RELEASED for row in rows)


def _retry(row: HeldRow, actor: str, now: datetime) -> HeldRow:
    link = open_link(row.link.peer)
    entry = Entry(row.seq, _text(row.document), _text(row.signature))
    taken = _take(link, [entry], now=now)
    row.refresh_from_db()
    if taken.held:
        [again] = taken.held
        row.problems, row.kind, row.origin = again.problems, again.kind, again.origin
        row.object_id, row.version, row.told = again.object_id, again.version, False
        if again.state == HeldState.REFUSED:
            row.state, row.settled_at = HeldState.REFUSED, now
        row.save()
    else:
        body = {"held": row.id, "seq": row.seq, "sha256": row.mark}
        record(RELEASED, actor=actor, subject=link.peer, body=body, now=now)
    return row


@transaction.atomic
def give_up(held: int, *, reason: str, actor: str, now: datetime) -> Held:
    """A person decides that a held object is not taken in, and why. Raises UnknownHeld, NoWayBack, ReasonNeeded."""
    row, said = _held(held), check_said(reason)
    row.state, row.settled_at, row.reason = HeldState.DROPPED, now, said
    row.save(update_fields=["state", "settled_at", "reason"])
    body = {"held": row.id, "seq": row.seq, "sha256": row.mark, "reason": row.reason}
    record(DROPPED, actor=actor, subject=row.link.peer, body=body, now=now)
    return held_facts(row)


def _held(held: int) -> HeldRow:
    row = HeldRow.objects.select_for_update(of=("self",)).select_related("link").filter(id=held).first()
    if row is None:
        raise UnknownHeld(held=held)
    if row.state != HeldState.HELD:
        raise NoWayBack(held=held, state=HeldState(row.state).label)
    return row


def mark_of(entry: Entry) -> str:
    """What an entry is known by as it came, text and signature together."""
    return sha256_hex(_raw(entry.object) + b"\n" + _raw(entry.signature))


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return bytes(raw).decode("utf-8", "surrogatepass")
