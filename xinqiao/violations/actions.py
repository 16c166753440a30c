"""Verbs of the register: open a case, hear the other side, decide, carry out by two, answer an appeal by a third."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction

from xinqiao.admission.queries import find_member
from xinqiao.evidence.actions import record
from xinqiao.evidence.types import Event
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.parties.queries import get_organisation
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.locks import hold_name
from xinqiao.violations.effects import take_back, take_effect
from xinqiao.violations.models import CaseRow
from xinqiao.violations.queries import case_facts, register
from xinqiao.violations.rules import (
    CASE_TRANSITIONS,
    check_kind,
    check_measures,
    check_other_person,
    check_words,
)
from xinqiao.violations.types import (
    CASE_APPEALED,
    CASE_CARRIED_OUT,
    CASE_CLOSED,
    CASE_DECIDED,
    CASE_NOTIFIED,
    CASE_OPENED,
    CASE_OVERTURNED,
    CASE_SENT_BACK,
    CASE_STATED,
    CASE_TAKEN_UP,
    CASE_UNFOUNDED,
    CASE_UNHEARD,
    CASE_UPHELD,
    ENDED,
    AppealLate,
    Case,
    CaseState,
    Finding,
    NotAgainstTheNode,
    StatementStillOpen,
    UnknownCase,
)
from xinqiao.webhooks.actions import tell


@transaction.atomic
def open_case(found: Finding, *, actor: str, now: datetime) -> Case:
    """Enter a case; the one that was opened on the same thing before is returned instead.

    Raises InvalidCase, NotAgainstTheNode, PartyNotFound.
    """
    said, kind = check_words(found.summary, field="summary"), check_kind(found.kind, register())
    organisation = get_organisation(found.organisation)
    if organisation.kind is OrganisationKind.NODE:
        raise NotAgainstTheNode()
    hold_name(f"violations.open {found.source} {found.reference}")
    standing = CaseRow.objects.filter(source=found.source, reference=found.reference).first()
    if standing is not None:
        return case_facts(standing)
    row = CaseRow(id=new_number("V", now), kind=kind, organisation=organisation.code)
    row.organisation_name, row.source, row.reference = organisation.name, found.source, found.reference
    row.party, row.enterprise, row.summary = found.party, found.enterprise, said
    row.facts, row.state, row.opened_at, row.opened_by = dict(found.facts), CaseState.OPENED, now, actor
    row.due_on = _due(CaseState.OPENED, now)
    row.save(force_insert=True)
    body = {"source": str(found.source), "reference": found.reference, "kind": kind, "facts": dict(found.facts)}
    return _noted(row, CASE_OPENED, {**body, "summary": said}, actor, now)


def take_up(case: str, *, actor: str, now: datetime) -> Case:
    """Begin to investigate. Raises UnknownCase, TransitionRefused."""
    with transaction.atomic():
        row = _moved(case, "take_up", now)
        return _noted(row, CASE_TAKEN_UP, {}, actor, now)


def notify(case: str, *, notice: str, actor: str, now: datetime) -> Case:
    """Tell the organisation what is held against it; it may speak until ``due_on``.

    Raises UnknownCase, TransitionRefused, InvalidCase.
    """
    said = check_words(notice, field="notice")
    with transaction.atomic():
        row = _moved(case, "notify", now)
        row.notice = said
        return _noted(row, CASE_NOTIFIED, {"notice": said, "due_on": str(row.due_on)}, actor, now, told=True)


def give_statement(case: str, *, organisation: str, text: str, actor: str, now: datetime) -> Case:
    """The organisation's word. Raises UnknownCase (also for another's case), TransitionRefused, InvalidCase."""
    said = check_words(text, field="text")
    with transaction.atomic():
        row = _moved(case, "state", now, organisation=organisation)
        row.statement, row.statement_by, row.statement_at = said, actor, now
        return _noted(row, CASE_STATED, {"text": said}, actor, now)


def lapse_hearing(case: str, *, actor: str, now: datetime) -> Case:
    """Go on without a statement once the time for it has passed.

    Raises UnknownCase, TransitionRefused, StatementStillOpen.
    """
    with transaction.atomic():
        row = _row(case)
        CASE_TRANSITIONS.check(CaseState(row.state), "lapse")
        if row.due_on is not None and beijing_day(now) <= row.due_on:
            raise StatementStillOpen(due_on=row.due_on.isoformat())
        return _noted(_moved(case, "lapse", now), CASE_UNHEARD, {}, actor, now)


def decide(case: str, *, measures: tuple[str, ...], reason: str, document: str = "", actor: str, now: datetime) -> Case:
    """Decide which measures follow; nothing is carried out yet. ``document`` is the number of a letter of referral.

    Raises UnknownCase, TransitionRefused, InvalidCase.
    """
    said = check_words(reason)
    with transaction.atomic():
        row = _moved(case, "decide", now)
        member = find_member(row.organisation) is not None
        found = check_measures(measures, register(), document=document, party=row.party, member=member)
        row.measures, row.document, row.decision = [m.code for m in found], document.strip()[:120], said
        row.decided_by, row.decided_at = actor, now
        body = {"measures": row.measures, "document": row.document, "reason": said}
        return _noted(row, CASE_DECIDED, body, actor, now)


def carry_out(case: str, *, actor: str, now: datetime) -> Case:
    """Carry the measures out; where one is severe, only by somebody else than who decided.

    Raises UnknownCase, TransitionRefused, OtherPersonDecides and what the effect itself raises.
    """
    with transaction.atomic():
        row = _moved(case, "carry_out", now)
        found = check_measures(row.measures, register(), document=row.document, party=row.party)
        if any(m.severe for m in found):
            check_other_person(actor, before=[row.decided_by])
        row.carried_out_by, row.carried_out_at = actor, now
        row.freeze = take_effect(row, found, actor=actor, now=now)
        return _noted(row, CASE_CARRIED_OUT, {"measures": row.measures}, actor, now, told=True)


def send_back(case: str, *, reason: str, actor: str, now: datetime) -> Case:
    """Do not carry a decision out: it is to be taken again. Raises UnknownCase, TransitionRefused, InvalidCase."""
    said = check_words(reason)
    with transaction.atomic():
        row = _moved(case, "send_back", now)
        body = {"measures": row.measures, "reason": said}
        row.measures, row.document, row.decision = [], "", ""
        return _noted(row, CASE_SENT_BACK, body, actor, now)


def appeal_case(case: str, *, organisation: str, text: str, actor: str, now: datetime) -> Case:
    """The organisation's objection to the measures, within the time for it.

    Raises UnknownCase, TransitionRefused, InvalidCase, AppealLate.
    """
    said = check_words(text, field="text")
    with transaction.atomic():
        row = _row(case, organisation=organisation)
        CASE_TRANSITIONS.check(CaseState(row.state), "appeal")
        if row.due_on is not None and beijing_day(now) > row.due_on:
            raise AppealLate(due_on=row.due_on.isoformat())
        row = _moved(case, "appeal", now)
        row.appeal, row.appealed_by, row.appealed_at = said, actor, now
        return _noted(row, CASE_APPEALED, {"text": said}, actor, now)


def answer_appeal(case: str, *, overturn: bool, reason: str, actor: str, now: datetime) -> Case:
    """Uphold the measures, or overturn them; only by somebody who neither decided nor carried out.

    Overturned, a freeze is lifted at once and the end of a suspension is proposed in admission, for a second person.
    Raises UnknownCase, TransitionRefused, OtherPersonDecides, InvalidCase.
    """
    said = check_words(reason)
    with transaction.atomic():
        row = _moved(case, "overturn" if overturn else "uphold", now)
        check_other_person(actor, before=[row.decided_by, row.carried_out_by])
        if overturn:
            take_back(row, reason=said, actor=actor, now=now)
        row.outcome = said
        event = CASE_OVERTURNED if overturn else CASE_UPHELD
        return _noted(row, event, {"reason": said, "measures": row.measures}, actor, now, told=True)


def close_case(case: str, *, reason: str, actor: str, now: datetime) -> Case:
    """End a case whose measures are carried out. Raises UnknownCase, TransitionRefused, InvalidCase."""
    return _end(case, "close", CASE_CLOSED, reason, actor, now)


def dismiss_case(case: str, *, reason: str, actor: str, now: datetime) -> Case:
    """Find that nothing unlawful was done. Raises UnknownCase, TransitionRefused, InvalidCase."""
    return _end(case, "dismiss", CASE_UNFOUNDED, reason, actor, now)


def _end(case: str, step: str, event: Event, reason: str, actor: str, now: datetime) -> Case:
    said = check_words(reason)
    with transaction.atomic():
        row = _moved(case, step, now)
        row.outcome = said
        return _noted(row, event, {"reason": said}, actor, now, told=bool(row.notice))


def _moved(case: str, step: str, now: datetime, *, organisation: str | None = None) -> CaseRow:
    """The case, held, in the state that a step leads to, with the deadline of the next one."""
    row = _row(case, organisation=organisation)
    state = CASE_TRANSITIONS.check(CaseState(row.state), step)
    row.state, row.due_on = state, _due(state, now)
    if state in ENDED:
        row.ended_at = now
    return row


def _due(state: CaseState, now: datetime) -> date | None:
    if state in ENDED:
        return None
    calendar = work_calendar()
    return calendar.add(beijing_day(now), register().workdays[state]).on


def _row(case: str, *, organisation: str | None = None) -> CaseRow:
    rows = CaseRow.objects.select_for_update().filter(id=case)
    row = (rows.filter(organisation=organisation).exclude(notice="") if organisation is not None else rows).first()
    if row is None:
        raise UnknownCase(case=case)
    return row


def _noted(row: CaseRow, event: Event, body: dict[str, Any], actor: str, now: datetime, *, told: bool = False) -> Case:
    """Save and record a step; ``told``: put a thin notice into the organisation's queue."""
    row.save()
    record(event, actor=actor, subject=row.organisation, body={"case": row.id, **body}, now=now)
    if told:
        data = {"case": row.id, "state": str(row.state)}
        tell(row.organisation, "violation.changed", about=row.id, data=data, now=now)
    return case_facts(row)
