"""Asking sources about one enterprise. Several at once, each within its time; what they say becomes records."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from xinqiao.catalogue.types import Item, Method
from xinqiao.evidence.actions import record
from xinqiao.ingest.actions import Upload, receive, retract_rows
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import new_number
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.plumbing.locks import hold_name
from xinqiao.records.queries import current_rows, is_planted, last_registered_at, read_enterprise
from xinqiao.sources.adapters.service import Service, SignedService
from xinqiao.sources.models import CircuitRow, HeardRow, PastHeardRow
from xinqiao.sources.queries import called, calling, circuit_facts, circuit_of, heard_facts, links
from xinqiao.sources.rules import about, after_call, claim_of, good_until, may_call
from xinqiao.sources.types import (
    CIRCUIT_CLOSED,
    CIRCUIT_OPENED,
    SOURCES_ASKED,
    Connection,
    Heard,
    HeardState,
    Question,
    Reply,
    ReplyState,
    Unreachable,
)

RESTING = "circuit open"
GRACE = 0.5  # seconds beyond a connection's time in which its adapter itself says why there is no answer
ASKED_BY = "查询编号"  # heading under which the number of a question stands in what is kept of its answer
_pool = ThreadPoolExecutor(max_workers=32, thread_name_prefix="sources")


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question on its way: the item, by which connection, and the answer or why there is none."""

    item: Item
    connection: Connection
    question: Question
    reply: Reply | None = None
    failed: str = ""


def ask_sources(
    enterprise: str, items: Iterable[Item], *, actor: str, now: datetime, planted: bool = False
) -> list[Heard]:
    """Ask the source of every item that is called here and of which no answer is good any more.

    Call outside of a transaction: sources are waited for. Gives what was heard anew; that something was not is an
    answer too, believed for some seconds. What an enterprise is asked about at a source is in evidence. No source
    knows an enterprise that the node ``planted``: it is not asked, and what is on record stands as another's would.
    """
    wanted = {item.code: item for item in items}
    here = called(wanted.values())
    fresh = HeardRow.objects.filter(enterprise=enterprise, item__in=list(here), good_until__gt=now)
    known = {row.item for row in fresh}
    if not planted:
        known -= _verified_before(enterprise, wanted, fresh, now)
    stale = [wanted[code] for code in here if code not in known]
    if not stale:
        return []
    if planted:
        found = [_hear(enterprise, item, _as_anybody(item, here[item.code]), "", "", now) for item in stale]
        return _told(enterprise, found, actor, now)
    asked = _ask(enterprise, stale, here, now)
    _settle_circuits(asked, now)
    return _taken(enterprise, asked, actor, now)


def _verified_before(enterprise: str, wanted: Mapping[str, Item], fresh: Iterable[HeardRow], now: datetime) -> set[str]:
    """Items whose verification was about other rows than are on record by now."""
    changed = last_registered_at()
    digests = {
        row.item: row.rows_sha256
        for row in fresh
        if wanted[row.item].method is Method.VERIFY
        and row.state != HeardState.UNREACHABLE
        and (changed is None or changed >= row.asked_at)
    }
    claims = _claims(enterprise, [wanted[code] for code in digests], now)
    return {code for code, digest in digests.items() if _digest_of(claims.get(code, ())) != digest}


def _digest_of(claims: Sequence[str]) -> str:
    return sha256_hex(canonical_bytes(list(claims)))


def _as_anybody(item: Item, connection: Connection) -> HeardState:
    """What is heard of an enterprise that only the node knows: nothing by which it could be told from others."""
    circuit = circuit_of(connection.code)
    if circuit.failures or circuit.opened_at:
        return HeardState.UNREACHABLE
    return HeardState.CONFIRMED if item.method is Method.VERIFY else HeardState.ANSWERED


def _ask(enterprise: str, items: Sequence[Item], here: Mapping[str, Connection], now: datetime) -> list[_Asked]:
    """Every question with its answer, all connections at once."""
    rule, leads = calling(), links()
    used = {here[item.code].code: here[item.code] for item in items}
    open_ = {code: _let_through(code, now) for code in used}
    verified = [item for item in items if item.method is Method.VERIFY]
    claims = _claims(enterprise, verified, now)
    found = [_Asked(item, here[item.code], _question(item, enterprise, claims, now)) for item in items]
    services = {code: SignedService(one, leads[code]) for code, one in used.items()}
    answers: list[_Asked] = []
    for start in range(0, len(found), rule.together):
        part = found[start : start + rule.together]
        sent = [
            _pool.submit(_answer, one, services[one.connection.code]) if open_[one.connection.code] else None
            for one in part
        ]
        began = time.monotonic()
        answers += [_in_time(later, one, began) for one, later in zip(part, sent, strict=True)]
    return answers


def _in_time(later: Future[_Asked] | None, asked: _Asked, began: float) -> _Asked:
    """The answer, waited for as long as the connection's time and no longer, whatever holds it up there."""
    if later is None:
        return _failed(asked, RESTING)
    ends = began + asked.connection.timeout_ms / 1000 + GRACE
    try:
        return later.result(timeout=max(0.0, ends - time.monotonic()))
    except NotInTime:
        later.cancel()
        return _failed(asked, "timed out")


def _question(item: Item, enterprise: str, claims: Mapping[str, tuple[str, ...]], now: datetime) -> Question:
    return Question(new_number("Q", now), item.code, enterprise, str(item.method), claims.get(item.code, ()))


def _answer(asked: _Asked, service: Service) -> _Asked:
    """Runs in a thread of its own: no database here."""
    try:
        reply = service.ask(asked.question)
    except Unreachable as error:
        return _failed(asked, str(error.data["why"]))
    if not about(asked.item, reply.rows, asked.question.enterprise):
        return _failed(asked, "rows about somebody else")
    return _Asked(asked.item, asked.connection, asked.question, reply)


def _failed(asked: _Asked, why: str) -> _Asked:
    return _Asked(asked.item, asked.connection, asked.question, None, why)


def _claims(enterprise: str, items: Sequence[Item], now: datetime) -> dict[str, tuple[str, ...]]:
    """Digests of the rows on record, by item that is to be verified."""
    tables = read_enterprise(enterprise, items, known=now) if items else {}
    return {
        item.code: tuple(sorted(claim_of(item, row) for row in current_rows(tables[item.code], item)))
        for item in items
        if item.code in tables
    }


def _let_through(connection: str, now: datetime) -> bool:
    """Whether to call; after a rest one caller tries while the others go on resting."""
    circuit, rule = circuit_of(connection), calling()
    if not may_call(circuit, rule, now=now):
        return False
    if circuit.opened_at is None:
        return True
    rows = CircuitRow.objects.filter(connection=connection, opened_at=circuit.opened_at)
    return rows.update(opened_at=now) == 1


def _settle_circuits(asked: Sequence[_Asked], now: datetime) -> None:
    """A round in which anything was answered closes a circuit, rounds in a row in which nothing was open it.

    What rested is as it was.
    """
    for connection in {one.connection.code: one.connection for one in asked}.values():
        mine = [one for one in asked if one.connection.code == connection.code and one.failed != RESTING]
        if mine:
            _settle_circuit(connection, next((one for one in mine if one.reply), mine[0]), now)


def _settle_circuit(connection: Connection, asked: _Asked, now: datetime) -> None:
    with transaction.atomic():
        CircuitRow.objects.get_or_create(connection=connection.code)
        before = circuit_facts(CircuitRow.objects.select_for_update().get(connection=connection.code))
        after = after_call(before, calling(), ok=asked.reply is not None, error=asked.failed, now=now)
        CircuitRow.objects.filter(connection=connection.code).update(
            failures=after.failures,
            opened_at=after.opened_at,
            last_ok_at=after.last_ok_at,
            last_error=after.last_error or before.last_error,
        )
        if (before.opened_at is None) is not (after.opened_at is None):
            event = CIRCUIT_CLOSED if after.opened_at is None else CIRCUIT_OPENED
            body = {"connection": connection.code, "error": after.last_error}
            record(event, actor="system:sources", subject="node", body=body, now=now)


def _taken(enterprise: str, asked: Sequence[_Asked], actor: str, now: datetime) -> list[Heard]:
    """Put what was said into the records, then what was heard beside it, with its evidence."""
    return _told(enterprise, [_take(enterprise, one, now) for one in asked], actor, now)


def _told(enterprise: str, found: list[Heard], actor: str, now: datetime) -> list[Heard]:
    body = {heard.item: str(heard.state) for heard in found}
    with transaction.atomic():
        record(SOURCES_ASKED, actor=actor, subject=enterprise, body={"items": body}, now=now)
    return found


def _take(enterprise: str, asked: _Asked, now: datetime) -> Heard:
    reply, item = asked.reply, asked.item
    before = HeardRow.objects.filter(enterprise=enterprise, item=item.code).first()
    digest = before.rows_sha256 if before else ""
    if reply is None:
        return _hear(enterprise, item, HeardState.UNREACHABLE, asked.failed, digest, now)
    if reply.state in (ReplyState.MATCH, ReplyState.MISMATCH):
        matches = reply.state is ReplyState.MATCH
        state = HeardState.CONFIRMED if matches else HeardState.NOT_CONFIRMED
        return _hear(enterprise, item, state, "", _digest_of(asked.question.claims), now)
    said = sha256_hex(canonical_bytes([str(reply.since), *(dict(row) for row in reply.rows)]))
    if before and before.asked_at > now and before.state == HeardState.ANSWERED:
        return heard_facts(before)  # somebody who asked later was answered first
    if said != digest:
        try:
            _record(enterprise, asked, reply, now)
        except XinqiaoError as error:
            return _hear(enterprise, item, HeardState.UNREACHABLE, error.message, digest, now)
    with transaction.atomic():
        hold_name(f"sources.{enterprise}.{item.code}")
        other = HeardRow.objects.filter(enterprise=enterprise, item=item.code).first()
        if said != digest and other and other.rows_sha256 not in (digest, said):
            # Two readers at once took different answers; which of them stands is not known: the next read asks anew.
            _hear(enterprise, item, HeardState.UNREACHABLE, "answers crossed", "", now)
            forget_heard(enterprise=enterprise, item=item.code)
            return heard_facts(HeardRow.objects.get(enterprise=enterprise, item=item.code))
        return _hear(enterprise, item, HeardState.ANSWERED, "", said, now)


def _record(enterprise: str, asked: _Asked, reply: Reply, now: datetime) -> None:
    """The rows as a delivery of their department, and what the source has no more taken out.

    Raises Unreachable when a row is not acceptable: an answer that is there in part is none.
    """
    item, actor = asked.item, f"source:{asked.connection.code}"
    by = {"provider": item.department.code, "actor": actor, "now": now}
    delivery = ""
    if reply.rows:
        upload = Upload(f"{asked.question.id}.csv", _as_csv(item, reply, asked.question))
        outcome = receive(item, [upload], about=enterprise, **by)
        delivery = outcome.delivery
        if outcome.accepted != outcome.delivered:
            why = f"{outcome.delivered - outcome.accepted} of {outcome.delivered} rows returned"
            raise Unreachable(source=asked.connection.name, why=why)
    if any(item.field(code).personal for code in item.key):
        return  # sealed keys cannot be written out
    tables = read_enterprise(enterprise, [item], known=now)
    table = tables.get(item.code)
    if table is None:
        return
    named = (*item.key, item.subject.code)
    # By key and not by delivery alone: of two deliveries of one instant either may be the one whose row stands.
    said = {_key_of(row, named) for row in table.to_pylist() if row["_batch"] == delivery}
    gone = [r for r in current_rows(table, item) if _covered(r, reply) and not is_planted(r)]
    keys = [dict(zip(named, key, strict=True)) for key in (_key_of(row, named) for row in gone) if key not in said]
    if keys:
        retract_rows(item, keys, reason="来源不再提供", **by)


def _key_of(row: Mapping[str, object], named: Sequence[str]) -> tuple[str, ...]:
    return tuple("" if row[code] is None else str(row[code]) for code in named)


def _covered(row: Mapping[str, object], reply: Reply) -> bool:
    """Whether an answer would hold a row if the source still had it."""
    on = row["_occurred_on"]
    return reply.since is None or on is None or str(on) >= reply.since.isoformat()


def _as_csv(item: Item, reply: Reply, question: Question) -> bytes:
    """The rows with the number of the question, so that the same rows said again later are another delivery."""
    out = io.StringIO(newline="")
    names = [field.code for field in item.fields if any(field.code in row for row in reply.rows)]
    writer = csv.DictWriter(out, [*names, ASKED_BY], restval="", extrasaction="ignore", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows({**row, ASKED_BY: question.id} for row in reply.rows)
    return out.getvalue().encode()


def _hear(enterprise: str, item: Item, state: HeardState, detail: str, digest: str, now: datetime) -> Heard:
    """Keep an answer for as long as its kind is believed."""
    rule = calling()
    lasts = good_until(item, rule, now=now)
    if state is HeardState.UNREACHABLE:
        lasts = now + timedelta(seconds=rule.believed_seconds)
    _keep_past(HeardRow.objects.filter(enterprise=enterprise, item=item.code))
    row, _ = HeardRow.objects.update_or_create(
        enterprise=enterprise,
        item=item.code,
        defaults={"state": state, "detail": detail[:200], "asked_at": now, "good_until": lasts, "rows_sha256": digest},
    )
    return heard_facts(row)


def _keep_past(rows: QuerySet[HeardRow]) -> None:
    """Keep answers that are about to give way, so that a reading of their time can be made again."""
    names = ("enterprise", "item", "state", "detail", "asked_at", "good_until")
    PastHeardRow.objects.bulk_create([PastHeardRow(**one) for one in rows.values(*names)])


def forget_heard(*, enterprise: str = "", item: str = "") -> int:
    """Ask anew at the next read about an enterprise, an item, or both; returns how many answers that drops."""
    named = Q(enterprise=enterprise) if enterprise else Q()
    found = HeardRow.objects.filter(named & (Q(item=item) if item else Q()))
    _keep_past(found)
    return found.update(good_until=datetime.fromtimestamp(0).astimezone())
