"""Verbs of reconciliation: take a signed day in, open the buckets that differ, make a case of what stays different."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from xinqiao.client.daybook import TYPE, bucket_of, in_buckets, received_line, tree_root
from xinqiao.consent.queries import withdrawals
from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import BEIJING, beijing_day, new_number
from xinqiao.oauth.jose import Unreadable, candidates, claims_of, header_of
from xinqiao.oauth.queries import list_clients
from xinqiao.parties.queries import get_organisation, list_organisations
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.locks import hold_name
from xinqiao.reconciliation.models import DayRow, HandInRow, MismatchRow
from xinqiao.reconciliation.queries import all_mismatches, hand_in_facts, terms
from xinqiao.reconciliation.rules import (
    bounds_of,
    check_lines,
    check_roots,
    check_uses,
    compare_received,
    compare_uses,
    differs,
    fault,
    read_statement,
)
from xinqiao.reconciliation.types import (
    COMPARED,
    HANDED_IN,
    DayNotOver,
    DayState,
    HandIn,
    Mismatch,
    NotTheNextRevision,
    Statement,
    Superseded,
    UnknownHandIn,
)
from xinqiao.release.queries import answers_to, released_lines
from xinqiao.webhooks.actions import tell

LONGEST = 220


def read_signed(signed: str, *, organisations: Sequence[str]) -> Statement:
    """The statement, if a key in use of one of the organisations signed it; ``organisations`` are the caller and those
    whose traffic it carries. Raises InvalidDaybook."""
    try:
        header = header_of(signed)
        if header.get("typ") != TYPE:
            raise Unreadable(f"typ is {TYPE}")
        for client in (c for code in organisations for c in list_clients(organisation=code) if not c.ended_at):
            keys = [(key.kid, key.jwk) for key in client.keys if key.ended_at is None and key.kid == header.get("kid")]
            for jwk in candidates(keys, header):
                claims = claims_of(signed, jwk)
                return _of(read_statement(claims, signed=signed, client=client.client_id), organisations)
        raise Unreadable("the key that signed it is not registered for this organisation")
    except Unreadable as error:
        raise fault("statement", str(error)) from error


def _of(statement: Statement, organisations: Sequence[str]) -> Statement:
    if statement.organisation not in organisations:
        raise fault("organisation", statement.organisation)
    return statement


def hand_in(body: Mapping[str, Any], *, organisations: Sequence[str], actor: str, now: datetime) -> HandIn:
    """Take a signed day in and compare its roots; the answer names the buckets whose lines are wanted.

    ``body`` is what ``Daybook.signed`` made. The same statement again is answered as before. Raises InvalidDaybook,
    DayNotOver, NotTheNextRevision.
    """
    signed = str(body["statement"])
    statement = read_signed(signed, organisations=organisations)
    roots, uses = check_roots(body["roots"], statement), check_uses(body["used"], statement)
    opens = bounds_of(statement.day)[1] + terms().opens_after
    if now < opens:
        raise DayNotOver(opens_at=opens.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M"))
    ours = _expected(statement.organisation, statement.day, statement.depth)
    asked = [n for n, root in enumerate(roots) if tree_root(ours[n]) != root]
    found = _compare_uses(statement, uses)
    with transaction.atomic():
        hold_name(f"reconciliation {statement.organisation} {statement.day}")
        day = _day(statement.organisation, statement.day, now)
        last = HandInRow.objects.filter(day=day, revision=day.revision).first() if day.pk else None
        if last is not None and last.sha256 == statement.sha256:
            return hand_in_facts(last)
        if statement.revision != day.revision + 1:
            raise NotTheNextRevision(expected=day.revision + 1)
        row = _entered(day, statement, signed, roots, asked, actor, now)
        _keep(row, found)
        _settle(row, actor, now)
        return hand_in_facts(row)


def _expected(organisation: str, day: date, depth: int, *, only: Iterable[int] | None = None) -> list[set[str]]:
    """The lines that a day should hold, by bucket."""
    since, until = bounds_of(day)
    rows = released_lines(organisation, since=since, until=until, channels=terms().channels)
    return in_buckets((received_line(*row) for row in rows), depth, only=only)


def _compare_uses(statement: Statement, uses: Sequence[str]) -> list[Mismatch]:
    released = answers_to(statement.organisation, (line.split("\t")[1] for line in uses))
    named = sorted({one.authorisation for one in released.values() if one.authorisation})
    taken: dict[str, datetime] = {}
    for start in range(0, len(named), 500):
        taken |= withdrawals(named[start : start + 500])
    return compare_uses(uses, day=statement.day, released=released, withdrawn=taken, uses=terms().uses)


def _day(organisation: str, day: date, now: datetime) -> DayRow:
    """The row of a day, made when it is the first that is heard of it."""
    found = DayRow.objects.select_for_update().filter(organisation=organisation, day=day).first()
    if found is not None:
        return found
    due = work_calendar().add(day, terms().due_workdays).on
    return DayRow(organisation=organisation, day=day, state=DayState.OPENING, due_on=due)


def _entered(
    day: DayRow, statement: Statement, signed: str, roots: Sequence[bytes], asked: list[int], actor: str, now: datetime
) -> HandInRow:
    today = beijing_day(now)
    if day.revision == 0:
        day.late = today > day.due_on
        day.correct_by = max(day.due_on, work_calendar().add(today, terms().correct_workdays).on)
    day.revision = statement.revision
    if not day.case:
        day.state = DayState.OPENING
    day.save()
    row = HandInRow(id=new_number("D", now), day=day, revision=statement.revision, statement=signed)
    row.sha256, row.client, row.depth = statement.sha256, statement.client, statement.depth
    row.received, row.used, row.roots = statement.received, statement.used, b"".join(roots)
    row.open, row.opened, row.handed_at, row.handed_by = asked, len(asked), now, actor
    row.save(force_insert=True)
    body = {"hand_in": row.id, "day": str(day.day), "revision": row.revision, "statement_sha256": row.sha256}
    body |= {"received": row.received, "used": row.used, "asked": len(asked), "late": day.late}
    record(HANDED_IN, actor=actor, subject=day.organisation, body=body, now=now)
    return row


def open_buckets(
    hand_in: str, buckets: Mapping[int, Sequence[str]], *, organisations: Sequence[str], actor: str, now: datetime
) -> HandIn:
    """Take the lines of buckets that were asked for and compare them line by line; others are passed over.

    Raises UnknownHandIn, Superseded, InvalidDaybook when lines are not those that were signed.
    """
    with transaction.atomic():
        rows = HandInRow.objects.select_for_update(of=("self",)).select_related("day")
        row = rows.filter(id=hand_in, day__organisation__in=list(organisations)).first()
        if row is None:
            raise UnknownHandIn(hand_in=hand_in)
        hold_name(f"reconciliation {row.day.organisation} {row.day.day}")
        row.day.refresh_from_db()
        if row.revision != row.day.revision:
            raise Superseded(hand_in=hand_in)
        wanted = {number: buckets[number] for number in row.open if number in buckets}
        if wanted:
            _keep(row, _compare_buckets(row, wanted))
            row.open = [number for number in row.open if number not in wanted]
            row.save(update_fields=["open"])
            _settle(row, actor, now)
        return hand_in_facts(row)


def _compare_buckets(row: HandInRow, buckets: Mapping[int, Sequence[str]]) -> list[Mismatch]:
    roots, listed = bytes(row.roots), set[str]()
    for number, lines in buckets.items():
        found = check_lines(lines, used=False, field="buckets")
        if any(bucket_of(line.split("\t")[1], row.depth) != number for line in found):
            raise fault("buckets", f"a line does not belong into bucket {number}")
        if tree_root(found) != roots[32 * number : 32 * (number + 1)]:
            raise fault("buckets", f"the lines of bucket {number} are not those that were signed")
        listed |= found
    day, organisation = row.day.day, row.day.organisation
    ours = _expected(organisation, day, row.depth, only=buckets)
    expected = set().union(*(ours[number] for number in buckets))
    return compare_received(listed, expected, day=day, elsewhere=lambda names: answers_to(organisation, names))


def _keep(row: HandInRow, found: Sequence[Mismatch]) -> None:
    MismatchRow.objects.bulk_create(
        [
            MismatchRow(hand_in=row, kind=m.kind, access=m.access, listed=m.listed[:LONGEST], released=m.released)
            for m in found
        ],
        batch_size=500,
    )


def _settle(row: HandInRow, actor: str, now: datetime) -> None:
    """Once nothing is asked any more: how the day stands, recorded and told."""
    if row.open:
        return
    day, found = row.day, all_mismatches(row)
    if not day.case:
        day.state = DayState.DIFFERS if differs(found, terms()) else DayState.AGREED
        day.save(update_fields=["state"])
    kinds = Counter(str(m.kind) for m in found)
    lines = [[str(m.kind), m.access, m.listed, m.released] for m in found]
    body = {"hand_in": row.id, "day": str(day.day), "state": str(day.state), "mismatches": dict(kinds)}
    body |= {"lines_sha256": sha256_hex(canonical_bytes(lines))}
    record(COMPARED, actor=actor, subject=day.organisation, body=body, now=now)
    data = {"hand_in": row.id, "day": str(day.day), "state": str(day.state)}
    tell(day.organisation, "reconciliation.compared", about=row.id, data=data, now=now)


def read_file(data: bytes) -> dict[str, Any]:
    """A day as a file that somebody uploads (``Daybook.file``); raises InvalidDaybook."""
    try:
        raw = json.loads(data)
        parts = {name: [str(x) for x in raw[name]] for name in ("roots", "used", "lines")}
        return {"statement": str(raw["statement"]), **parts}
    except (ValueError, TypeError, KeyError) as error:
        raise fault(
            "file", "a JSON file with statement, roots, used and lines, made by `xinqiao daybook make`"
        ) from error


def hand_in_file(data: bytes, *, organisations: Sequence[str], actor: str, now: datetime) -> HandIn:
    """Take a day in from a file: only the buckets that differ are read. Raises as ``hand_in`` and ``open_buckets``."""
    body = read_file(data)
    found = hand_in(body, organisations=organisations, actor=actor, now=now)
    if not found.open:
        return found
    statement = read_signed(body["statement"], organisations=organisations)
    lines = in_buckets(check_lines(body["lines"], used=False, field="file"), statement.depth, only=found.open)
    chosen = {number: sorted(lines[number]) for number in found.open}
    return open_buckets(found.id, chosen, organisations=organisations, actor=actor, now=now)


def hands_in_for(organisation: str) -> tuple[str, ...]:
    """Whose days an organisation hands in: its own, and those of the platforms whose traffic it carries."""
    found = get_organisation(organisation)
    return (found.code, *(o.code for o in list_organisations() if o.via == found.code))


def since_when(now: datetime) -> date:
    """The first day that is looked back to; none before daybooks were asked for."""
    return max(terms().since, beijing_day(now) - timedelta(days=terms().look_back_days))
