"""Deciding whose row it is, and taking a decision back. Records are only ever appended to; every step is evidence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
from django.db import transaction

from xinqiao.catalogue.schema import key_columns
from xinqiao.catalogue.types import Item
from xinqiao.evidence.actions import record
from xinqiao.ingest.accepting import check_context, new_number, raise_problems, status_of, with_system_columns
from xinqiao.ingest.checks import check
from xinqiao.ingest.keeping import as_matches
from xinqiao.ingest.models import Delivery, RowMatch
from xinqiao.ingest.rules import MATCH_TRANSITIONS
from xinqiao.ingest.types import (
    ROW_ATTACHED,
    ROW_DETACHED,
    ROW_RETURNED,
    DeliveryErased,
    KeyTaken,
    Match,
    MatchState,
    NothingDecided,
    UnknownMatch,
)
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.records.actions import register_file, write_file
from xinqiao.records.queries import read_enterprise, stored_schema
from xinqiao.records.types import FileKind, Op
from xinqiao.sharing.queries import current_list, item_ever
from xinqiao.subjects.queries import get_subject
from xinqiao.subjects.types import IdentifierKind, UnknownSubject

DECIDED = "subject.decided"
Row = dict[str, Any]


@transaction.atomic
def attach_row(match: int, *, code: str, provider: str | None = None, actor: str, now: datetime) -> Match:
    """Say that a waiting row is about the subject with this code; it is checked again and enters the records.

    ``provider`` None: whoever decides does so for the node. Raises UnknownMatch, TransitionRefused, NothingDecided,
    UnknownSubject, KeyTaken, DeliveryErased, Invalid.
    """
    entry, delivery = _locked(match, provider)
    state = MATCH_TRANSITIONS.check(MatchState(entry.state), "attach")
    if not code.strip():
        raise _undecided("code", Phrase("没有选择主体"))
    subject, kind = get_subject(code)
    if kind is not IdentifierKind.CODE:
        raise UnknownSubject(text=code[:40])
    item = current_list().item(entry.item)
    [kept] = as_matches([entry])
    if kept.erased:
        raise DeliveryErased(delivery=entry.delivery)
    batch = new_number(now)
    table = _checked_row(item, kept, subject.code, batch, now)
    _refuse_older(item, table.to_pylist()[0], delivery.received_at, now)
    facts = write_file(item, table, batch=batch, now=now)
    entry.state, entry.code, entry.batch = state, subject.code, batch
    entry.decided_by, entry.decided_at, entry.note = actor, now, ""
    entry.automatic = False
    entry.save()
    _count(delivery, waiting=-1, accepted=1, flagged=1)
    chosen = next((c for c in kept.candidates if c.code == subject.code), None)
    body = {
        **_body(entry),
        "enterprise": subject.code,
        "probability_ppm": int(chosen.probability * 1_000_000) if chosen else 0,
        "candidates": [c.code for c in kept.candidates],
        "batch": batch,
    }
    record(ROW_ATTACHED, actor=actor, subject=entry.provider, body=body, now=now)
    register_file(item.code, facts, batch=batch, kind=FileKind.DELIVERY, actor=actor, now=now)
    return as_matches([entry])[0]


@transaction.atomic
def send_back(
    match: int, *, none_of_them: bool, note: str, provider: str | None = None, actor: str, now: datetime
) -> Match:
    """Return a waiting row to its department: it is about none of the candidates, or must come again with a code.

    Raises UnknownMatch, TransitionRefused, NothingDecided.
    """
    entry, delivery = _locked(match, provider)
    entry.state = MATCH_TRANSITIONS.check(MatchState(entry.state), "send_back")
    entry.none_of_them, entry.note = none_of_them, _reason(note) if not none_of_them else note.strip()[:500]
    entry.decided_by, entry.decided_at = actor, now
    entry.save()
    _count(delivery, waiting=-1, returned=1)
    body = {**_body(entry), "none_of_them": none_of_them, "reason": entry.note}
    record(ROW_RETURNED, actor=actor, subject=entry.provider, body=body, now=now)
    return as_matches([entry])[0]


@transaction.atomic
def undo_decision(match: int, *, reason: str, provider: str | None = None, actor: str, now: datetime) -> Match:
    """Let a row wait again. An attached one leaves the records: it is retracted, or what it superseded is put back.

    Raises UnknownMatch, TransitionRefused, NothingDecided.
    """
    entry, delivery = _locked(match, provider)
    attached = entry.state == MatchState.ATTACHED
    state = MATCH_TRANSITIONS.check(MatchState(entry.state), "detach" if attached else "reopen")
    body = {**_body(entry), "was": entry.state, "enterprise": entry.code, "reason": _reason(reason)}
    if attached:
        body["undone"] = _withdraw(entry, actor, now)
        _count(delivery, waiting=1, accepted=-1, flagged=-1)
    else:
        _count(delivery, waiting=1, returned=-1)
    entry.state, entry.code, entry.batch, entry.automatic = state, "", "", False
    entry.decided_by, entry.decided_at, entry.note = actor, now, reason.strip()[:500]
    entry.save()
    record(ROW_DETACHED, actor=actor, subject=entry.provider, body=body, now=now)
    return as_matches([entry])[0]


def _locked(match: int, provider: str | None) -> tuple[RowMatch, Delivery]:
    rows = RowMatch.objects.select_for_update().filter(pk=match)
    found = (rows.filter(provider=provider) if provider else rows).first()
    if found is None:
        raise UnknownMatch(match=match)
    return found, Delivery.objects.select_for_update().get(pk=found.delivery)


def _undecided(field: str, message: str) -> NothingDecided:
    return NothingDecided([Problem(field=field, code="ingest.nothing_decided", message=message)])


def _reason(text: str) -> str:
    if not text.strip():
        raise _undecided("reason", Phrase("没有写明理由"))
    return text.strip()[:500]


def _body(entry: RowMatch) -> dict[str, object]:
    return {"delivery": entry.delivery, "row": entry.row, "item": entry.item}


def _count(delivery: Delivery, *, waiting: int = 0, accepted: int = 0, returned: int = 0, flagged: int = 0) -> None:
    """Move a row from one account of its delivery to another; their sum stays."""
    delivery.waiting += waiting
    delivery.accepted += accepted
    delivery.returned += returned
    delivery.flagged += flagged
    delivery.status = status_of(delivery.delivered, delivery.returned, delivery.waiting)
    delivery.save(update_fields=["waiting", "accepted", "returned", "flagged", "status"])


def _checked_row(item: Item, kept: Match, code: str, batch: str, now: datetime) -> pa.Table:
    """The row as it was delivered, with its subject, through the same checks."""
    values: Mapping[str, str] = {**kept.values, item.subject.code: code}
    table = pa.table({name: pa.array([value], pa.string()) for name, value in values.items()})
    checked = check(item, table, {n: n for n in values}, pa.array([kept.row], pa.int32()), check_context(now))
    raise_problems(item, checked)
    rows = with_system_columns(item, checked.accepted, batch, now)
    flags = ";".join(filter(None, (rows.column("_flags")[0].as_py(), DECIDED)))
    return rows.set_column(rows.schema.get_field_index("_flags"), "_flags", pa.array([flags], pa.string()))


def _key(item: Item, row: Row) -> tuple[object, ...]:
    return tuple(row[c] if row[c] is not None else row[other] for c, other in key_columns(item))


def _of_enterprise(item: Item, code: str, now: datetime) -> list[Row]:
    """Every recorded row of an enterprise, oldest first."""
    table = read_enterprise(code, [item], known=now).get(item.code)
    order = [("_recorded_at", "ascending"), ("_batch", "ascending"), ("_row", "ascending")]
    return table.sort_by(order).to_pylist() if table is not None else []


def _refuse_older(item: Item, row: Row, delivered_at: datetime, now: datetime) -> None:
    """A row that waited must not go before one that came in since."""
    if any(field.personal for field in map(item.field, item.key)):
        return  # sealed keys cannot be compared before the row is stored; the newest row stands, as always
    same = [r for r in _of_enterprise(item, row["_enterprise"], now) if _key(item, r) == _key(item, row)]
    if not same or same[-1]["_op"] != Op.PUT:
        return
    # One that was put back came in when it was first recorded.
    first = min(r["_recorded_at"] for r in same if (r["_batch"], r["_row"]) == (same[-1]["_batch"], same[-1]["_row"]))
    if first > delivered_at:
        raise KeyTaken()


def _withdraw(entry: RowMatch, actor: str, now: datetime) -> str:
    """Take an attached row out of the records; says what that took: retracted, restored or superseded."""
    item = item_ever(entry.item)
    rows = _of_enterprise(item, entry.code, now)
    ours = [r for r in rows if (r["_batch"], r["_row"]) == (entry.batch, entry.row)]
    if not ours:
        return "absent"  # a batch that was withdrawn with its delivery
    same = [r for r in rows if _key(item, r) == _key(item, ours[-1])]
    if same[-1] is not ours[-1]:
        return "superseded"  # a later row stands already
    before = [r for r in same if (r["_batch"], r["_row"]) != (entry.batch, entry.row)]
    restored = bool(before) and before[-1]["_op"] == Op.PUT
    row = {**before[-1], "_recorded_at": now} if restored else {**ours[-1], "_op": str(Op.RETRACT), "_recorded_at": now}
    batch = new_number(now)
    table = pa.Table.from_pylist([row], schema=stored_schema(item))
    facts = write_file(item, table, batch=batch, kind=FileKind.RETRACTION, now=now)
    register_file(item.code, facts, batch=batch, kind=FileKind.RETRACTION, actor=actor, now=now)
    return "restored" if restored else "retracted"
