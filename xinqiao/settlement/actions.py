"""Verbs of the parties: draft, state terms, hand papers in, take a step, agree, object to proceeding online."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.kernel.errors import NotFound, Phrase, Problem
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.lending.queries import find_loan, get_application
from xinqiao.parties.queries import get_organisation
from xinqiao.plumbing.locks import hold_name
from xinqiao.settlement.models import PaperRow, ProceedingRow, ResultRow
from xinqiao.settlement.moving import SYSTEM, Move, keep_paper, send_beside, set_terms, take_step
from xinqiao.settlement.queries import (
    checks_before,
    facts_of,
    filing_of,
    find_body,
    loan_of,
    paper_facts,
    row_of,
    settlement_rules,
    terms_bytes,
)
from xinqiao.settlement.recording import queue_result
from xinqiao.settlement.refusals import InvalidTerms, NotReady, ProceedingStands
from xinqiao.settlement.rules import (
    BEFORE_BODY,
    EVENTS_SENT,
    OBJECT_ONLINE,
    SUPPLY,
    is_over,
    may_object_online,
    steps_for,
)
from xinqiao.settlement.terms import check_paper, check_reason, check_terms
from xinqiao.settlement.types import (
    DRAFTED,
    OBJECTED_ONLINE,
    TERMS_CHANGED,
    About,
    CheckVerdict,
    Paper,
    Proceeding,
    ProceedingKind,
    ProceedingState,
    Side,
    Terms,
    Told,
)

S = ProceedingState
# Terms are the deed's until it is notarised, and the claim's until it is filed or while it has to be supplemented.
# After a decision only where the debtor is found and served: what is owed is what was decided.
CHANGEABLE = (S.DRAFT, S.NOTARISED, S.DEFAULTED, S.CERTIFICATE_ISSUED, S.RETURNED, S.AWARDED, S.MEDIATED, S.EFFECTIVE)
DECIDED = (S.CERTIFICATE_ISSUED, S.AWARDED, S.MEDIATED, S.EFFECTIVE)
DEED_TERMS = (
    "contract_no", "debt_fen", "rate_bp", "overdue_rate_bp", "payments", "acceptance", "verification", "guarantors",
)  # fmt: skip
MOST_PAPERS = 60


@transaction.atomic
def draft(
    kind: str, *, about: str, number: str, body: str, institution: str, enterprise: str, actor: str, now: datetime
) -> Proceeding:
    """Begin a proceeding about a loan or application of this institution and enterprise; nobody else sees it yet.

    Raises InvalidTerms with every fault, ProceedingStands.
    """
    faults = []
    if kind not in set(ProceedingKind):
        faults.append(Problem("kind", "settlement.field", Phrase("请选择公证、仲裁或诉讼")))
    chosen = find_body(body)
    if chosen is None or (not faults and chosen.kind != kind):
        faults.append(Problem("body", "settlement.field", Phrase("请选择办理此类事项的机构")))
    receipt = _receipt(about, number, institution, enterprise)
    if receipt is None or (about == About.APPLICATION and kind != ProceedingKind.NOTARISATION):
        faults.append(Problem("number", "settlement.field", Phrase("没有与本机构和该企业相符的借据或申请")))
    if faults:
        raise InvalidTerms(faults)
    hold_name(_turn(institution, enterprise))
    row = ProceedingRow(
        id=new_number("Z", now), kind=kind, institution=institution, enterprise=enterprise, about=about,
        number=number, receipt_no=receipt, body=body, state=S.DRAFT, since=now, made_at=now, made_by=actor,
    )  # fmt: skip
    for one in filing_of(facts_of([row])[0], today=beijing_day(now)).others:
        if one.kind == kind and not is_over(one.kind, one.state):
            raise ProceedingStands(proceeding=one.id)
    row.save(force_insert=True)
    _set(row, _first_terms(facts_of([row])[0]), now)
    told = {"proceeding": row.id, "kind": kind, "about": about, "number": number, "body": body}
    record(DRAFTED, actor=actor, subject=enterprise, body=told, now=now)
    return facts_of([row])[0]


def _turn(institution: str, enterprise: str) -> str:
    """What is held while it is checked what else stands between the two: two filings do not overlook each other."""
    return f"settlement {institution} {enterprise}"


def _receipt(about: str, number: str, institution: str, enterprise: str) -> str | None:
    """The receipt of a loan, empty for an application; None when nothing fits."""
    if about == About.LOAN:
        loan = find_loan(number, institution=institution, enterprise=enterprise)
        return loan.report.receipt_no if loan else None
    if about != About.APPLICATION:
        return None
    try:
        get_application(number, institution=institution, enterprise=enterprise)
    except NotFound:
        return None
    return ""


def _first_terms(found: Proceeding) -> Terms:
    """What is known already from the loan as last fed back."""
    loan = loan_of(found)
    if loan is None:
        return Terms()
    report = loan.report
    return Terms(
        contract_no=report.credit_no,
        debt_fen=report.amount_fen,
        principal_fen=report.balance_fen,
        rate_bp=report.rate_bp,
    )


@transaction.atomic
def state_terms(proceeding: str, terms: Terms, *, institution: str, actor: str, now: datetime) -> Proceeding:
    """State or correct the terms. A notarised deed's own terms stay as they are; after a decision all but addresses do.

    Raises UnknownProceeding, InvalidTerms, TransitionRefused where nothing may be changed any more.
    """
    row = row_of(proceeding, institution=institution, lock=True)
    if row.state not in CHANGEABLE:
        raise TransitionRefused(state=Phrase(S(row.state).label), event=Phrase("修改请求内容"), allowed=(Phrase("无"),))
    found = facts_of([row])[0]
    if found.kind is ProceedingKind.NOTARISATION and found.state is not S.DRAFT:
        terms = replace(terms, **{name: getattr(found.terms, name) for name in DEED_TERMS})
    if found.state in DECIDED:
        terms = replace(found.terms, address=terms.address, property_division=terms.property_division)
    good = check_terms(terms, today=beijing_day(now), rules=settlement_rules())
    _set(row, good, now)
    told = {"proceeding": row.id, "terms_sha256": sha256_hex(terms_bytes(good))}
    record(TERMS_CHANGED, actor=actor, subject=row.enterprise, body=told, now=now)
    return facts_of([row])[0]


def _set(row: ProceedingRow, terms: Terms, now: datetime) -> None:
    set_terms(row, terms, now=now)
    row.save(update_fields=["terms"])


@transaction.atomic
def hand_in(
    proceeding: str, kind: str, *, name: str, data: bytes, institution: str, actor: str, now: datetime
) -> Paper:
    """Add a paper of the creditor. Raises UnknownProceeding, InvalidTerms, TransitionRefused when all is over."""
    permitted = check_paper(kind, name, data)
    row = row_of(proceeding, institution=institution, lock=True)
    if is_over(ProceedingKind(row.kind), S(row.state)):
        raise TransitionRefused(state=Phrase(S(row.state).label), event=Phrase("收存材料"), allowed=(Phrase("无"),))
    if row.papers.filter(side=Side.CREDITOR).count() >= MOST_PAPERS:
        raise InvalidTerms([Problem("file", "settlement.field", Phrase("最多 {most} 份材料", most=MOST_PAPERS))])
    by = {"side": Side.CREDITOR, "number": "", "actor": actor, "now": now}
    made: PaperRow = keep_paper(row, permitted, name=name, data=data, **by)
    return paper_facts(made)


@transaction.atomic
def step(
    proceeding: str, event: str, *, institution: str, reason: str = "", court: str = "", actor: str, now: datetime
) -> Proceeding:
    """A step of the creditor, once every check before it passed. ``court`` is where enforcement is asked for.

    Raises UnknownProceeding, TransitionRefused, NotTheirStep, NotReady with every check that failed, StillPending.
    """
    row = row_of(proceeding, institution=institution, lock=True)
    said = check_reason(reason, needed=False)
    if event == "file_enforcement":
        row.court = court
    found = facts_of([row])[0]
    if event in steps_for(found.kind, found.state, Side.CREDITOR):
        hold_name(_turn(institution, row.enterprise))
        _check_ready(found, event, court=row.court, now=now)
    today = beijing_day(now)
    if event == "apply_certificate":
        row.applied_on = today
    if event == "default":
        loan = loan_of(found)
        row.receipt_no = loan.report.receipt_no if loan else ""
    move = Move(event, Side.CREDITOR, actor, today, said, _stated(found))
    made = take_step(row, move, now=now)
    if event == "perform" and ResultRow.objects.filter(step__proceeding=row).exists():
        queue_result(row, made, Told(event, today), decided_by=get_organisation(institution).name, now=now)
    return facts_of([row])[0]


@transaction.atomic
def supply(proceeding: str, *, institution: str, reason: str = "", actor: str, now: datetime) -> Proceeding:
    """Hand the body what papers came in since, while the matter is before it.

    Raises UnknownProceeding, InvalidTerms, TransitionRefused, StillPending.
    """
    said = check_reason(reason, needed=False)
    row = row_of(proceeding, institution=institution, lock=True)
    if row.state not in BEFORE_BODY:
        raise TransitionRefused(
            state=Phrase(S(row.state).label), event=Phrase(EVENTS_SENT[SUPPLY]), allowed=(Phrase("无"),)
        )
    send_beside(row, row.body, Move(SUPPLY, Side.CREDITOR, actor, beijing_day(now), said), now=now)
    return facts_of([row])[0]


def _check_ready(found: Proceeding, event: str, *, court: str, now: datetime) -> None:
    lines = checks_before(found, [event], now=now, court=court)[event]
    failed = [one for one in lines if one.verdict is CheckVerdict.FAILED]
    if failed:
        raise NotReady([Problem(one.code, "settlement.check", one.next_step.zh) for one in failed])


def _stated(found: Proceeding) -> dict[str, str]:
    """What a step of the creditor pins down: the digest of the terms as they were then."""
    return {"terms_sha256": sha256_hex(terms_bytes(found.terms)), **({"court": found.court} if found.court else {})}


@transaction.atomic
def answer(proceeding: str, event: str, *, enterprise: str, reason: str = "", actor: str, now: datetime) -> Proceeding:
    """The enterprise agrees to apply for the notarisation too, or declines.

    Raises UnknownProceeding, TransitionRefused, NotTheirStep.
    """
    row = row_of(proceeding, enterprise=enterprise, lock=True)
    said = check_reason(reason, needed=False)
    take_step(row, Move(event, Side.DEBTOR, actor, beijing_day(now), said), now=now)
    return facts_of([row])[0]


@transaction.atomic
def object_online(proceeding: str, *, enterprise: str, reason: str, actor: str, now: datetime) -> Proceeding:
    """The enterprise expressly objects to arbitrating online; the commission is told and goes on otherwise.

    Raises UnknownProceeding, InvalidTerms, TransitionRefused.
    """
    said = check_reason(reason, needed=True)
    row = row_of(proceeding, enterprise=enterprise, lock=True)
    kind, state = ProceedingKind(row.kind), S(row.state)
    if not may_object_online(kind, state) or row.offline:
        raise TransitionRefused(
            state=Phrase(state.label), event=Phrase(EVENTS_SENT[OBJECT_ONLINE]), allowed=(Phrase("无"),)
        )
    row.offline = True
    row.save(update_fields=["offline"])
    move = Move(OBJECT_ONLINE, Side.DEBTOR, actor, beijing_day(now), said)
    send_beside(row, row.body, move, now=now, queued=True)
    record(OBJECTED_ONLINE, actor=actor, subject=enterprise, body={"proceeding": row.id}, now=now)
    return facts_of([row])[0]


def lapse_due(*, now: datetime) -> int:
    """End what the enterprise did not answer in time; returns how many."""
    rows = ProceedingRow.objects.filter(state=S.PROPOSED, due_on__lt=beijing_day(now))
    numbers = list(rows.values_list("id", flat=True))
    for number in numbers:
        with transaction.atomic():
            row = row_of(number, lock=True)
            if row.state == S.PROPOSED:
                take_step(row, Move("lapse", Side.NODE, SYSTEM, beijing_day(now)), now=now)
    return len(numbers)
