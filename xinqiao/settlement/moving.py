"""How a proceeding moves: one step, its evidence, its clock, what a body is to learn; papers. Inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex, sm3_hex
from xinqiao.kernel.dated import new_number
from xinqiao.kernel.errors import Phrase
from xinqiao.settlement.connections import works_by_hand
from xinqiao.settlement.models import ActRow, LineRow, PaperRow, ProceedingRow, StepRow
from xinqiao.settlement.queries import (
    paper_place,
    presence_place,
    settlement_rules,
    step_place,
    terms_bytes,
    terms_place,
)
from xinqiao.settlement.refusals import StillPending
from xinqiao.settlement.rules import EVENTS_SENT, PACKED, check_side, due_after, receiver_of, table_of
from xinqiao.settlement.types import (
    HANDED_OVER,
    PAPER_KEPT,
    STEPPED,
    PaperKind,
    ProceedingKind,
    ProceedingState,
    SendState,
    Side,
    Terms,
)
from xinqiao.vault.keeping import keep_sealed
from xinqiao.vault.sealing import seal_for
from xinqiao.vault.types import enterprise_subject
from xinqiao.webhooks.actions import tell

FOLDER = "settlement"
SYSTEM = "system:settlement"
CHANGED = "proceeding.changed"


@dataclass(frozen=True, slots=True)
class Move:
    """A step to take: who, why, on which day, what else was told."""

    event: str
    side: Side
    actor: str
    on: date
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    statement: str = ""


def sealed(enterprise: str, data: bytes, *, place: str, now: datetime) -> bytes:
    """Bytes under the enterprise's key."""
    return seal_for(enterprise_subject(enterprise), data, place=place, now=now)


def set_presence(row: ProceedingRow, presence: str, *, now: datetime) -> None:
    """Put how the debtor took part into a row, sealed; the caller saves."""
    row.presence = sealed(row.enterprise, presence.encode(), place=presence_place(row.id), now=now) if presence else b""


def set_terms(row: ProceedingRow, terms: Terms, *, now: datetime) -> None:
    """Put terms into a row, sealed; the caller saves."""
    row.terms = sealed(row.enterprise, terms_bytes(terms), place=terms_place(row.id), now=now)


def take_step(row: ProceedingRow, move: Move, *, now: datetime) -> StepRow:
    """Move a locked proceeding by one step. Raises NotTheirStep, TransitionRefused, StillPending.

    A step that a body has to learn of waits for the one before it to have arrived.
    """
    kind, before = ProceedingKind(row.kind), ProceedingState(row.state)
    after = table_of(kind).check(before, move.event)
    check_side(move.event, move.side)
    receiver = receiver_of(move.event, before, body=row.body, court=row.court)
    if receiver:
        _check_arrived(row)
    if move.event == "withdraw" and not was_brought(row, receiver):
        receiver = ""  # nobody is told of a draft that nobody ever saw
    stood = row.since, row.due_on
    row.state, row.since = after, now
    row.due_on = due_after(move.event, kind, on=move.on, rules=settlement_rules())
    row.save()
    made = note_step(row, move, now=now)
    if receiver:
        enqueue(row, receiver, move, made, before=before, stood=stood, now=now)
    return made


def note_step(row: ProceedingRow, move: Move, *, now: datetime) -> StepRow:
    """Write a step down with its evidence; what was told is sealed, its digest is in the log."""
    number = StepRow.objects.filter(proceeding=row).count() + 1
    told = canonical_bytes({"reason": move.reason, "facts": dict(move.facts), "statement": move.statement})
    digest = sha256_hex(move.statement.encode()) if move.statement else ""
    body = {
        "proceeding": row.id, "event": move.event, "state": row.state, "side": str(move.side),
        "on": move.on.isoformat(), "told_sha256": sha256_hex(told), "statement_sha256": digest,
    }  # fmt: skip
    if move.side is not Side.CREDITOR:
        tell(row.institution, CHANGED, about=row.id, data={"proceeding": row.id}, now=now)
    entry = record(STEPPED, actor=move.actor, subject=row.enterprise, body=body, now=now)
    place = step_place(row.id, number)
    return StepRow.objects.create(
        proceeding=row, number=number, event=move.event, state=row.state, at=now, side=move.side, actor=move.actor,
        told=sealed(row.enterprise, told, place=place, now=now), statement_sha256=digest, entry=entry.id,
    )  # fmt: skip


def enqueue(
    row: ProceedingRow,
    receiver: str,
    move: Move,
    made: StepRow,
    *,
    before: ProceedingState,
    stood: tuple[datetime, date | None],
    now: datetime,
) -> ActRow:
    """Put an act for a body into the queue, in the transaction of the step. ``stood``: since when, and due when."""
    LineRow.objects.get_or_create(proceeding=row, body=receiver)
    # Staff in a portal have at once what nothing has to be packed for; a program has to be called.
    by_hand = move.event not in PACKED and works_by_hand(receiver)
    act = ActRow.objects.create(
        id=new_number("A", now), proceeding=row, body=receiver, act=move.event, before=before, after=row.state,
        said_by=move.side, step=made.number, stood_since=stood[0], stood_due=stood[1], made_at=now,
        state=SendState.SENT if by_hand else SendState.WAITING, next_at=None if by_hand else now,
    )  # fmt: skip
    if by_hand:
        note_arrival(act, "", actor=move.actor, now=now)
    return act


def note_arrival(act: ActRow, receipt_sha256: str, *, actor: str, now: datetime) -> None:
    """That a body has an act, in the log."""
    told = {"proceeding": act.proceeding_id, "act": act.id, "to": act.body, "what": act.act}
    body = {**told, "receipt_sha256": receipt_sha256}
    record(HANDED_OVER, actor=actor, subject=act.proceeding.enterprise, body=body, now=now)


def send_beside(row: ProceedingRow, receiver: str, move: Move, *, now: datetime, queued: bool = False) -> ActRow:
    """An act that leaves the proceeding where it stands. Raises StillPending unless it may queue behind another."""
    if not queued:
        _check_arrived(row)
    made = note_step(row, move, now=now)
    return enqueue(row, receiver, move, made, before=ProceedingState(row.state), stood=(row.since, row.due_on), now=now)


def was_brought(row: ProceedingRow, body: str) -> bool:
    """Whether an act about it has reached this body."""
    return ActRow.objects.filter(proceeding=row, body=body, state=SendState.SENT).exists()


def keep_paper(
    row: ProceedingRow, kind: PaperKind, *, name: str, data: bytes, side: Side, number: str, actor: str, now: datetime
) -> PaperRow:
    """Keep a paper, sealed; the same one again is the one that is kept."""
    digest = sha256_hex(data)
    found = PaperRow.objects.filter(proceeding=row, kind=kind, sha256=digest).first()
    if found is not None:
        return found
    path = keep_sealed(
        enterprise_subject(row.enterprise), data, folder=FOLDER, name=f"{row.id}-{kind}-{digest[:16]}",
        place=paper_place(row.id, digest), now=now,
    )  # fmt: skip
    about = {"proceeding": row.id, "kind": str(kind), "sha256": digest, "sm3": sm3_hex(data), "size": len(data)}
    entry = record(PAPER_KEPT, actor=actor, subject=row.enterprise, body={**about, "side": str(side)}, now=now)
    return PaperRow.objects.create(
        proceeding=row, kind=kind, name=name[-200:], sha256=digest, sm3=about["sm3"], size=len(data), side=side,
        number=number, path=path, at=now, entry=entry.id,
    )  # fmt: skip


def _check_arrived(row: ProceedingRow) -> None:
    waiting = ActRow.objects.filter(proceeding=row, state=SendState.WAITING).order_by("step").first()
    if waiting is not None:
        raise StillPending(act=Phrase(EVENTS_SENT.get(waiting.act, waiting.act)))
