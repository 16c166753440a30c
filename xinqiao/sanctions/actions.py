"""Verbs of sanctions: enter from a document, hear, put in force by another person, end."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.evidence.types import Event
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.locks import hold_name
from xinqiao.sanctions.models import SanctionRow
from xinqiao.sanctions.queries import place_of, sanction_facts, sanction_list
from xinqiao.sanctions.rules import SANCTION_TRANSITIONS, check_determination, check_said
from xinqiao.sanctions.types import (
    ANNULLED,
    APPROVED,
    DROPPED,
    ENTERED,
    EXPIRED,
    LIFTED,
    NOTIFIED,
    STATED,
    UNHEARD,
    Determination,
    EnteredBefore,
    InvalidDetermination,
    MayStillSpeak,
    ReviewedByAnother,
    Sanction,
    SanctionState,
    UnknownSanction,
)
from xinqiao.vault.keeping import keep_sealed
from xinqiao.vault.types import enterprise_subject

SYSTEM = "system:sanctions"
FOLDER = "determinations"


@transaction.atomic
def enter(found: Determination, *, name: str, data: bytes, actor: str, now: datetime) -> Sanction:
    """Enter a determination with its document; nobody is told yet and nothing follows from it.

    Raises InvalidDetermination with every fault, EnteredBefore.
    """
    good = check_determination(found, sanction_list(), name=name, data=data, today=beijing_day(now))
    hold_name(f"sanctions {good.enterprise} {good.document_no}")
    before = SanctionRow.objects.filter(enterprise=good.enterprise, document_no=good.document_no).first()
    if before is not None:
        raise EnteredBefore(sanction=before.id)
    row = SanctionRow(id=new_number("S", now), **{**asdict(good), "measures": list(good.measures)})
    row.state, row.entered_at, row.entered_by = SanctionState.ENTERED, now, actor
    row.name, row.sha256 = name[-120:], sha256_hex(data)
    subject = enterprise_subject(row.enterprise)
    row.path = keep_sealed(subject, data, folder=FOLDER, name=row.id, place=place_of(row.id), now=now)
    row.save(force_insert=True)
    body = {"document_no": good.document_no, "document_kind": good.document_kind, "document_sha256": row.sha256}
    return _noted(row, ENTERED, {**body, "measures": row.measures}, actor, now)


@transaction.atomic
def notify(sanction: str, *, actor: str, now: datetime) -> Sanction:
    """Tell the enterprise what is intended and on which document; it may speak until ``due_on``."""
    row = _moved(sanction, "notify")
    row.told, row.due_on = True, _after(now, sanction_list().statement_workdays)
    return _noted(row, NOTIFIED, {"due_on": row.due_on.isoformat()}, actor, now)


@transaction.atomic
def give_statement(sanction: str, *, enterprise: str, text: str, actor: str, now: datetime) -> Sanction:
    """The enterprise's word. Raises UnknownSanction (also for another's), TransitionRefused, InvalidDetermination."""
    said = check_said(text, field="text")
    row = _moved(sanction, "state", enterprise=enterprise)
    row.statement, row.statement_by, row.statement_at = said, actor, now
    row.due_on = _after(now, sanction_list().review_workdays)
    return _noted(row, STATED, {"text": said}, actor, now)


@transaction.atomic
def lapse_statement(sanction: str, *, actor: str, now: datetime) -> Sanction:
    """Go on without a statement once its time has passed. Raises TransitionRefused, MayStillSpeak."""
    row = _moved(sanction, "lapse")
    if row.due_on is not None and beijing_day(now) <= row.due_on:
        raise MayStillSpeak(due_on=row.due_on.isoformat())
    row.due_on = _after(now, sanction_list().review_workdays)
    return _noted(row, UNHEARD, {}, actor, now)


@transaction.atomic
def approve(sanction: str, *, actor: str, now: datetime) -> Sanction:
    """Put it in force after review, by another person than who entered it; the records follow within a minute.

    Raises UnknownSanction, TransitionRefused, ReviewedByAnother, InvalidDetermination (its last day has passed).
    """
    row = _moved(sanction, "approve")
    if actor == row.entered_by:
        raise ReviewedByAnother()
    if row.ends_on <= beijing_day(now):
        ended = Phrase("惩戒已于 {on} 期满", on=row.ends_on.isoformat())
        raise InvalidDetermination([Problem("ends_on", "sanctions.field", ended)])
    row.approved_by, row.approved_at, row.due_on = actor, now, row.ends_on
    return _noted(row, APPROVED, {"measures": row.measures, "ends_on": row.ends_on.isoformat()}, actor, now)


@transaction.atomic
def drop(sanction: str, *, reason: str, actor: str, now: datetime) -> Sanction:
    """Let it be, before or after the statement. Raises UnknownSanction, TransitionRefused, InvalidDetermination."""
    return _ended(_moved(sanction, "drop"), DROPPED, reason, "", actor, now)


@transaction.atomic
def lift(sanction: str, *, reason: str, document: str, actor: str, now: datetime) -> Sanction:
    """End a sanction because the duty was done or the credit repaired, by a document's number."""
    return _ended(_moved(sanction, "lift"), LIFTED, reason, check_said(document, field="document"), actor, now)


@transaction.atomic
def annul(sanction: str, *, reason: str, document: str, actor: str, now: datetime) -> Sanction:
    """End a sanction because its document was withdrawn or wrong, by a document's number."""
    return _ended(_moved(sanction, "annul"), ANNULLED, reason, check_said(document, field="document"), actor, now)


def expire_sanctions(*, now: datetime) -> int:
    """End what has passed its last day; returns how many."""
    rows = SanctionRow.objects.filter(state=SanctionState.IN_FORCE, ends_on__lt=beijing_day(now))
    numbers = list(rows.values_list("id", flat=True))
    for number in numbers:
        with transaction.atomic():
            row = _moved(number, "expire")
            row.ended_at, row.due_on = now, None
            _noted(row, EXPIRED, {"ends_on": row.ends_on.isoformat()}, SYSTEM, now)
    return len(numbers)


def _ended(row: SanctionRow, event: Event, reason: str, document: str, actor: str, now: datetime) -> Sanction:
    row.outcome, row.outcome_document = check_said(reason), document[:120]
    row.ended_at, row.due_on = now, None
    return _noted(row, event, {"reason": row.outcome, "document": row.outcome_document}, actor, now)


def _after(now: datetime, workdays: int) -> date:
    return work_calendar().add(beijing_day(now), workdays).on


def _moved(sanction: str, step: str, *, enterprise: str | None = None) -> SanctionRow:
    """The sanction, held, in the state that a step leads to."""
    rows = SanctionRow.objects.select_for_update().filter(id=sanction)
    row = (rows.filter(enterprise=enterprise, told=True) if enterprise is not None else rows).first()
    if row is None:
        raise UnknownSanction(sanction=sanction)
    row.state = SANCTION_TRANSITIONS.check(SanctionState(row.state), step)
    return row


def _noted(row: SanctionRow, event: Event, body: dict[str, Any], actor: str, now: datetime) -> Sanction:
    row.save()
    record(event, actor=actor, subject=row.enterprise, body={"sanction": row.id, **body}, now=now)
    return sanction_facts(row)
