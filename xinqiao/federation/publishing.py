"""Verbs of the sending side: publish objects of this node's own, give out pages, take answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Length

from xinqiao.evidence.actions import record
from xinqiao.federation.keys import sign, sign_object
from xinqiao.federation.kinds import KINDS, check_body
from xinqiao.federation.models import LinkRow, ObjectRow, PlaceRow
from xinqiao.federation.refusals import FeedForked, FeedShorter, InvalidDraft
from xinqiao.federation.rules import (
    LONGEST_ID,
    LONGEST_OBJECT,
    PAGE_OBJECTS,
    entries_of,
    fitting,
    object_bytes,
    origin_of_chain,
    page_bytes,
)
from xinqiao.federation.storage import chunks, give_places, hold_feeds, new_row, open_link, plain_problems
from xinqiao.federation.types import PUBLISHED, Answer, Draft, Envelope, Page, Receipt
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.plumbing import settings as node


@transaction.atomic
def publish(drafts: Iterable[Draft], *, actor: str, now: datetime) -> int:
    """Make objects of this node's own and put them into the feeds they go into; returns how many are new.

    An object that says what its last version says is not made again. Raises InvalidDraft with every fault.
    """
    wanted = list({(draft.kind, draft.id): draft for draft in drafts}.values())
    _check(wanted)
    hold_feeds()
    made = [row for some in chunks(wanted) for row in _versions(some, now)]
    if made:
        give_places(made, came_by=None, now=now)
        kinds = sorted({row.kind for row in made})
        body = {"objects": len(made), "kinds": kinds, "first": made[0].sha256, "last": made[-1].sha256}
        record(PUBLISHED, actor=actor, subject=node.node_code(), body=body, now=now)
    return len(made)


def _check(drafts: Sequence[Draft]) -> None:
    problems: list[Problem] = []
    for draft in drafts:
        where = f"{draft.kind} {draft.id}"[:120]
        if draft.kind not in KINDS:
            problems.append(Problem(where, "federation.unknown_kind", Phrase("没有这个种类")))
            continue
        if not 0 < len(draft.id) <= LONGEST_ID or not draft.id.isprintable():
            problems.append(Problem(where, "federation.text", Phrase("应为不超过 {most} 个字的文本", most=LONGEST_ID)))
        problems += [replace(p, field=f"{where} {p.field}") for p in check_body(draft.kind, draft.body)]
    if problems:
        raise InvalidDraft(problems)


def _versions(drafts: Sequence[Draft], now: datetime) -> list[ObjectRow]:
    """New versions of what says something new, saved; the versions before are no longer current."""
    origin = node.node_code()
    kinds, names = ({getattr(draft, part) for draft in drafts} for part in ("kind", "id"))
    found = ObjectRow.objects.filter(origin=origin, kind__in=kinds, object_id__in=names, current=True)
    before = {(row.kind, row.object_id): row for row in found}
    made = []
    for draft in drafts:
        last = before.get((draft.kind, draft.id))
        if last is not None and last.retracted == draft.retracted and json.loads(last.document)["body"] == draft.body:
            continue
        version = last.version + 1 if last else 1
        made.append(_signed(Envelope(draft.kind, origin, draft.id, version, now, draft.retracted, draft.body), now))
    former = [before[row.kind, row.object_id].pk for row in made if (row.kind, row.object_id) in before]
    ObjectRow.objects.filter(pk__in=former).update(current=False)
    ObjectRow.objects.bulk_create(made)
    return made


def _signed(envelope: Envelope, now: datetime) -> ObjectRow:
    data = object_bytes(envelope)
    if len(data) > LONGEST_OBJECT:
        raise InvalidDraft(
            [Problem(envelope.id, "federation.too_large", Phrase("对象超过 {most} 字节", most=LONGEST_OBJECT))]
        )
    return new_row(envelope, data.decode(), sign_object(data), via=None, now=now)


def next_page(link: LinkRow, after: int, *, now: datetime) -> Page:
    """A page of the feed to a peer behind a place; empty at the end. Raises FeedShorter."""
    if after > link.out_seq:
        raise FeedShorter(link=node.node_name(), cursor=after)
    wanted = PlaceRow.objects.filter(link=link, seq__gt=after, seq__lte=link.out_seq).order_by("seq")
    sizes = wanted.annotate(size=Length("object__document")).values_list("size", flat=True)[:PAGE_OBJECTS]
    rows = list(wanted.select_related("object")[: fitting(sizes)])
    before = _chain_at(link, after)
    page = Page(
        sender=node.node_code(),
        receiver=link.peer,
        after=after,
        before=before,
        entries=entries_of(after + 1, [(row.object.document, row.object.signature) for row in rows]),
        seq=after + len(rows),
        chain=rows[-1].chain if rows else before,
        head=link.out_seq,
        at=now.isoformat(),
        signature="",
    )
    return replace(page, signature=sign(page_bytes(page)))


def _chain_at(link: LinkRow, seq: int) -> str:
    if seq == 0:
        return origin_of_chain(node.node_code(), link.peer)
    return str(PlaceRow.objects.values_list("chain", flat=True).get(link=link, seq=seq))


@transaction.atomic
def give_page(peer: str, after: int, *, replay: bool = False, now: datetime) -> Page:
    """The page a peer below asks for. Asking behind a place says that all before it are kept; a replay says nothing.

    Raises UnknownLink, LinkNotOpen, FeedShorter.
    """
    link = open_link(peer)
    page = next_page(link, after, now=now)
    if not replay:
        link.out_acked, link.out_sent = after, page.seq
    link.contact_at = now
    link.save(update_fields=["out_acked", "out_sent", "contact_at"])
    return page


@transaction.atomic
def note_sent(peer: str, seq: int) -> None:
    """That objects up to a place are on their way."""
    link = open_link(peer)
    link.out_sent = max(link.out_sent, seq)
    link.save(update_fields=["out_sent"])


@transaction.atomic
def note_receipt(peer: str, receipt: Receipt, *, now: datetime) -> None:
    """What the peer kept, by its own word: the next page begins there, whatever was believed before.

    Raises FeedShorter, FeedForked when the peer has another history of this node's feed than the node itself.
    """
    link = open_link(peer)
    if receipt.cursor > link.out_seq:
        raise FeedShorter(link=node.node_name(), cursor=receipt.cursor)
    if receipt.chain != _chain_at(link, receipt.cursor):
        raise FeedForked(link=node.node_name(), seq=receipt.cursor)
    link.out_acked, link.contact_at = receipt.cursor, now
    link.out_sent = max(link.out_sent, link.out_acked)
    link.save(update_fields=["out_acked", "out_sent", "contact_at"])
    _note_answers(link, receipt.answers)


@transaction.atomic
def take_answers(peer: str, answers: Sequence[Answer], *, now: datetime) -> int:
    """What a peer below says became of objects it kept; returns how many. Raises UnknownLink, LinkNotOpen."""
    link = open_link(peer)
    link.contact_at = now
    link.save(update_fields=["contact_at"])
    return _note_answers(link, answers)


def _note_answers(link: LinkRow, answers: Sequence[Answer]) -> int:
    count = 0
    for answer in answers:
        said = {"answer": str(answer.state), "problems": plain_problems(answer.problems)}
        count += PlaceRow.objects.filter(link=link, seq=answer.seq).update(**said)
    return count
