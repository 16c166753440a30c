"""One round with the node above: hand over what waits, fetch what is new, tell what was held. No page is kept in memory
but one, and no transaction is open while the other is waited for."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.federation.adapters import Above, above
from xinqiao.federation.models import HeldRow, LinkRow
from xinqiao.federation.publishing import next_page, note_receipt, note_sent
from xinqiao.federation.receiving import receive_page
from xinqiao.federation.refusals import ReplayBeyond, UnknownLink
from xinqiao.federation.rules import wait_after
from xinqiao.federation.storage import link_facts, open_link, plain_problems, read_problems
from xinqiao.federation.types import REPLAYED, Answer, HeldState, Link, LinkState, Side, SyncState
from xinqiao.kernel.errors import Phrase, Problem, XinqiaoError

Clock = Callable[[], datetime]
PAGES = 20  # each way in one round, before what happened here is looked at again
TOLD = 200


def link_above() -> Link | None:
    """The open link with the node above, or None."""
    row = LinkRow.objects.filter(side=Side.ABOVE, state=LinkState.ACTIVE).first()
    return link_facts(row) if row else None


def is_due(link: Link, now: datetime) -> bool:
    """Whether it is time to call again after a failure."""
    return link.next_at is None or link.next_at <= now


def sync(link: Link, port: Above, *, clock: Clock) -> int:
    """A round; returns how many objects went either way. Raises what the peer or a rule refuses, after noting it.

    A page up, a page down, and again: neither way waits for the other. A page that got through ends a row of failures.
    """
    moved = 0
    try:
        for _ in range(PAGES):
            step = _push(link.peer, port, clock) + _pull(link.peer, port, clock)
            moved += step
            if not step:
                break
        _tell(link.peer, port)
    except XinqiaoError as error:
        note_trouble(link.peer, error, now=clock())
        raise
    _note_well(link.peer, clock())
    return moved


def _push(peer: str, port: Above, clock: Clock) -> int:
    """Hand one page over; how many objects it had."""
    row = LinkRow.objects.filter(peer=peer, state=LinkState.ACTIVE).first()
    if row is None or row.out_acked == row.out_seq:
        return 0
    page = next_page(row, row.out_acked, now=clock())
    note_sent(peer, page.seq)
    note_receipt(peer, port.push(page), now=clock())
    _end_failures(row)
    return len(page.entries)


def _pull(peer: str, port: Above, clock: Clock) -> int:
    """Fetch one page; how many objects it had."""
    row = LinkRow.objects.filter(peer=peer, state=LinkState.ACTIVE).first()
    if row is None:
        return 0
    page = port.pull(row.in_seq)
    if page.entries or page.head != row.in_seq:
        receive_page(peer, page, now=clock())
        _end_failures(row)
    return len(page.entries)


def _end_failures(row: LinkRow) -> None:
    if row.failures:
        LinkRow.objects.filter(pk=row.pk).update(failures=0)


def _tell(peer: str, port: Above) -> None:
    """Tell the node above what of its objects is held or refused here, and what no longer is."""
    rows = list(HeldRow.objects.filter(link__peer=peer, link__state=LinkState.ACTIVE, told=False)[:TOLD])
    if rows:
        port.answer([_said(row) for row in rows])
        HeldRow.objects.filter(pk__in=[row.pk for row in rows]).update(told=True)


def _said(row: HeldRow) -> Answer:
    states = {HeldState.RELEASED: SyncState.APPLIED, HeldState.REFUSED: SyncState.REFUSED}
    states[HeldState.SUPERSEDED] = SyncState.ACKNOWLEDGED
    return Answer(row.seq, states.get(HeldState(row.state), SyncState.HELD), read_problems(row.problems))


@transaction.atomic
def note_trouble(peer: str, error: XinqiaoError, *, now: datetime) -> None:
    """Keep why a round failed, and when the next may begin."""
    row = LinkRow.objects.select_for_update().filter(peer=peer, state=LinkState.ACTIVE).first()
    if row is None:
        return
    row.failures += 1
    row.tried_at, row.next_at = now, now + wait_after(row.failures, chance=random.random())
    said = Phrase(error.title, **{name: str(value)[:300] for name, value in error.data.items()})
    row.trouble = plain_problems([Problem("", error.code, said)])
    row.save(update_fields=["failures", "tried_at", "next_at", "trouble"])


def _note_well(peer: str, now: datetime) -> None:
    well = {"failures": 0, "tried_at": now, "contact_at": now, "next_at": None, "trouble": []}
    LinkRow.objects.filter(peer=peer, state=LinkState.ACTIVE).update(**well)


def replay(peer: str, *, start: int, actor: str, clock: Clock) -> int:
    """Go through both feeds of the link above again from a place on; returns how many objects were looked at.

    What each side has is recognised, what it lacks is taken in; cursors do not move back. Raises UnknownLink,
    ReplayBeyond, and what a round raises.
    """
    link = link_above()
    if link is None or link.peer != peer:
        raise UnknownLink(link=peer)
    if not 0 <= start <= max(link.in_seq, link.out_seq):
        problem = Phrase("应在 0 到 {most} 之间", most=max(link.in_seq, link.out_seq))
        raise ReplayBeyond([Problem("from", "federation.replay_beyond", problem)])
    port = above(link)
    seen = _replay_down(link, port, start, clock) + _replay_up(link, port, start, clock)
    with transaction.atomic():
        record(REPLAYED, actor=actor, subject=peer, body={"from": start, "objects": seen}, now=clock())
    return seen


def _replay_down(link: Link, port: Above, start: int, clock: Clock) -> int:
    after = min(start, link.in_seq)
    seen = 0
    while after < link.in_seq:
        page = port.pull(after, replay=True)
        if not page.entries:
            break
        receive_page(link.peer, page, now=clock())
        after, seen = page.seq, seen + len(page.entries)
    return seen


def _replay_up(link: Link, port: Above, start: int, clock: Clock) -> int:
    after = min(start, link.out_acked)
    seen = 0
    while after < link.out_acked:
        with transaction.atomic():
            page = next_page(open_link(link.peer), after, now=clock())
        note_receipt(link.peer, port.push(page), now=clock())
        after, seen = page.seq, seen + len(page.entries)
    return seen
