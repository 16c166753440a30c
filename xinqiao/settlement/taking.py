"""What bodies decide: taken from their staff in the portal or from their signed events, each with its paper."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import beijing_day
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.money import LIMIT_FEN
from xinqiao.kernel.papers import paper_problems
from xinqiao.settlement.connections import find_connection
from xinqiao.settlement.models import LineRow, ProceedingRow
from xinqiao.settlement.moving import Move, keep_paper, set_presence, take_step
from xinqiao.settlement.queries import facts_of, find_body, row_of
from xinqiao.settlement.recording import queue_result
from xinqiao.settlement.refusals import ByProgram, InvalidTerms, NotTheirStep
from xinqiao.settlement.rules import (
    DECISIONS,
    EVENTS,
    LONGEST_REASON,
    OF_BODIES,
    TAKEN_BY,
    WITH_PAPER,
    WITH_REASON,
    table_of,
)
from xinqiao.settlement.types import PaperKind, Proceeding, ProceedingKind, ProceedingState, Side, Told

PRESENCE = "notarise"
LONGEST = {"document_no": 120, "presence": 200}


@transaction.atomic
def take_event(proceeding: str, told: Told, *, body: str, actor: str, now: datetime) -> Proceeding:
    """Take what a body's staff entered. Raises UnknownProceeding, InvalidTerms, NotTheirStep, TransitionRefused.

    Raises ByProgram for a connected body: its decisions come signed and in order. InvalidBodies while a wrong file
    leaves open whether it is one.
    """
    row = row_of(proceeding, body=body, lock=True)
    if find_connection(body) is not None:
        raise ByProgram(body=body)
    return _take(row, told, body=body, actor=actor, now=now)


@transaction.atomic
def take_statement(line: int, told: Told, *, seq: int, now: datetime) -> Proceeding | None:
    """Take the next signed event of a body, in its order; None when another process took it before.

    Raises like :func:`take_event`; nothing of the event is kept then.
    """
    row = row_of(LineRow.objects.get(pk=line).proceeding_id, lock=True)  # first, as everywhere: no deadlock
    found = LineRow.objects.select_for_update().get(pk=line)
    if found.heard != seq - 1:
        return None
    made = _take(row, told, body=found.body, actor=f"body:{found.body}", now=now)
    found.heard, found.chain = seq, sha256_hex(told.statement.encode())
    found.save(update_fields=["heard", "chain"])
    return made


def _take(row: ProceedingRow, told: Told, *, body: str, actor: str, now: datetime) -> Proceeding:
    good = check_told(told, row, now=now)
    side = TAKEN_BY.get(good.event)
    if side not in (Side.BODY, Side.COURT) or body != (row.body if side is Side.BODY else row.court):
        raise NotTheirStep(event=Phrase(EVENTS.get(good.event, good.event[:40])), side=Phrase(Side.BODY.label))
    table_of(ProceedingKind(row.kind)).check(ProceedingState(row.state), good.event)  # before a paper is kept for it
    facts: dict[str, Any] = {
        name: value for name, value in (
            ("on", good.on.isoformat()), ("document_no", good.document_no), ("amount_fen", good.amount_fen),
            ("presence", good.presence),
            ("perform_by", good.perform_by.isoformat() if good.perform_by else ""),
        ) if value not in ("", None)
    }  # fmt: skip
    if good.data:
        kind = good.paper or PaperKind.NOTICE
        by: dict[str, Any] = {"side": side, "number": good.document_no, "actor": actor, "now": now}
        paper = keep_paper(row, kind, name=good.name or kind.label, data=good.data, **by)
        facts["paper_sha256"] = paper.sha256
    if good.event == PRESENCE:
        set_presence(row, good.presence, now=now)
    row.document_no = good.document_no or row.document_no
    row.perform_by = good.perform_by or row.perform_by
    move = Move(good.event, side, actor, good.on, good.reason, facts, good.statement)
    step = take_step(row, move, now=now)
    if good.event in DECISIONS:
        holder = find_body(body)
        queue_result(row, step, good, decided_by=holder.name if holder else body, now=now)
    return facts_of([row])[0]


def check_told(told: Told, row: ProceedingRow, *, now: datetime) -> Told:
    """The event with white space gone, if it says all that it has to; raises InvalidTerms with every fault."""
    faults: list[Problem] = []

    def say(field: str, text: Phrase) -> None:
        faults.append(Problem(field, "settlement.field", text))

    if not beijing_day(row.made_at) <= told.on <= beijing_day(now):
        say("on", Phrase("日期不能早于立项，也不能晚于今天"))
    reason = told.reason.strip()
    if len(reason) > LONGEST_REASON or (told.event in WITH_REASON and not reason):
        say("reason", Phrase("请填写理由，最多 {most} 字", most=LONGEST_REASON))
    wanted = WITH_PAPER.get(told.event)
    if wanted is not None:
        if told.paper is not wanted or not told.data:
            say("file", Phrase("须附{paper}", paper=Phrase(wanted.label)))
        if not told.document_no.strip():
            say("document_no", Phrase("请填写文书编号"))
    elif told.paper not in (None, *OF_BODIES):
        say("file", Phrase("请从清单中选"))
    for name, most in LONGEST.items():
        if len(getattr(told, name)) > most:
            say(name, Phrase("最多 {most} 字", most=most))
    if told.amount_fen is not None and not 0 <= told.amount_fen <= LIMIT_FEN:
        say("amount_fen", Phrase("金额不合理"))
    if told.data:
        faults.extend(paper_problems(told.name or "file", told.data, code="settlement"))
    if told.perform_by is not None and told.perform_by < told.on:
        say("perform_by", Phrase("履行期限不能早于文书日期"))
    if faults:
        raise InvalidTerms(faults)
    return replace(told, reason=reason, document_no=told.document_no.strip(), presence=told.presence.strip())
