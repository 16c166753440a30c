"""Notarisation, arbitration and litigation by program: an institution files, a body returns what it decided."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router, Schema

from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.parties.types import OrganisationFacts, OrganisationKind
from xinqiao.settlement import actions
from xinqiao.settlement.queries import (
    checks_before,
    get_proceeding,
    list_papers,
    list_proceedings,
    list_steps,
    settlement_rules,
)
from xinqiao.settlement.refusals import InvalidTerms
from xinqiao.settlement.rules import EVENTS_SENT, SUPPLY, steps_for, steps_of_body
from xinqiao.settlement.taking import take_event
from xinqiao.settlement.types import (
    About,
    CheckVerdict,
    Guarantor,
    PaperKind,
    Payment,
    Proceeding,
    ProceedingKind,
    ProceedingState,
    Side,
    Terms,
    Told,
)
from xinqiao.web.api.v1 import schemas
from xinqiao.web.api.v1.calling import PROBLEMS, Key, answered_once, caller_of, program
from xinqiao.web.api.v1.files import bytes_of
from xinqiao.web.templatetags.xinqiao import words
from xinqiao.web.words import translate

SCOPE = "settlement"
MOST_FEN = 10**15
router = Router(tags=["proceedings"])
Line = schemas.Line


class PaymentIn(schemas.Input):
    """A performance period of a deed; money in fen."""

    due_on: date = Field(strict=False)
    principal_fen: int = Field(ge=0, le=MOST_FEN)
    interest_fen: int = Field(ge=0, le=MOST_FEN)


class GuarantorIn(schemas.Input):
    """A guarantor; `in_deed` when the guarantee is part of the notarised deed."""

    name: Line = Field(min_length=1, max_length=100)
    code: Line = Field("", max_length=18)
    in_deed: bool = False


class TermsIn(schemas.Input):
    """What the institution states. Money in fen, rates in basis points a year, interest up to `counted_on`."""

    contract_no: Line = Field("", max_length=60)
    debt_fen: int = Field(0, ge=0, le=MOST_FEN)
    principal_fen: int = Field(0, ge=0, le=MOST_FEN)
    rate_bp: int = Field(0, ge=0, le=100_000)
    overdue_rate_bp: int = Field(0, ge=0, le=100_000)
    payments: list[PaymentIn] = Field([], max_length=360)
    acceptance: bool = False
    verification: Line = Field("", max_length=40)
    guarantors: list[GuarantorIn] = Field([], max_length=20)
    interest_fen: int = Field(0, ge=0, le=MOST_FEN)
    fees_fen: int = Field(0, ge=0, le=MOST_FEN)
    counted_on: date | None = Field(None, strict=False)
    facts: Line = Field("", max_length=4000)
    agreement: Line = Field("", max_length=1000)
    agreed_body: Line = Field("", max_length=40)
    address: Line = Field("", max_length=200)
    property_division: Line = Field("", max_length=6)


class PaperIn(schemas.Input):
    """A paper: PDF, JPG or PNG, at most 5 MB, in base64."""

    kind: PaperKind = Field(strict=False)
    name: Line = Field(min_length=1, max_length=200)
    base64: Line = Field(max_length=7_000_000)


class ProceedingIn(schemas.Input):
    """A proceeding to begin; `about` and `number` name the loan receipt or the application, `body` a code."""

    kind: ProceedingKind = Field(strict=False)
    about: About = Field(strict=False)
    number: Line = Field(min_length=1, max_length=60)
    enterprise: Line
    body: Line = Field(max_length=40)
    terms: TermsIn | None = None
    papers: list[PaperIn] = Field([], max_length=10)


class StepIn(schemas.Input):
    """A step of the institution, of `next`, or `supply` for papers handed in since.

    `court` is the code of the enforcing court for `file_enforcement`.
    """

    step: Line = Field(max_length=24)
    reason: Line = Field("", max_length=500)
    court: Line = Field("", max_length=40)


class EventIn(schemas.Input):
    """What a body decided: an event of `next`, its day, and the document that goes with it."""

    event: Line = Field(max_length=24)
    on: date = Field(strict=False)
    reason: Line = Field("", max_length=500)
    document_no: Line = Field("", max_length=120)
    amount_fen: int | None = Field(None, ge=0, le=MOST_FEN)
    perform_by: date | None = Field(None, strict=False)
    presence: Line = Field("", max_length=200)
    paper: PaperIn | None = None


class ProceedingStepOut(Schema):
    """One step; `statement_sha256` is the digest of the body's signed statement, `entry` the log entry."""

    event: str
    says: str
    state: ProceedingState
    at: datetime
    side: Side
    reason: str
    statement_sha256: str
    entry: int


class PaperOut(Schema):
    """A paper by its digests."""

    id: int
    kind: PaperKind
    name: str
    number: str
    sha256: str
    sm3: str
    size: int
    side: Side
    at: datetime


class CheckOut(Schema):
    """A check before the next step."""

    step: str
    code: str
    verdict: CheckVerdict
    says: str
    clause: str
    next_step: str


class ProceedingOut(Schema):
    """A proceeding as the caller may see it; `next` are the caller's own possible steps."""

    id: str
    kind: ProceedingKind
    about: About
    number: str
    receipt_no: str
    institution: str
    enterprise: str
    body: str
    court: str
    state: ProceedingState
    says: str
    since: datetime
    due_on: date | None
    offline: bool
    perform_by: date | None
    document_no: str
    next: list[str]
    steps: list[ProceedingStepOut]
    papers: list[PaperOut]
    checks: list[CheckOut] = Field(description="Of the caller's next steps; only `failed` stops one")


class BodyOut(Schema):
    """A body that proceedings can be brought to; `divisions` are beginnings of division codes."""

    code: str
    kind: ProceedingKind
    name: str
    divisions: list[str]


def _caller(request: HttpRequest) -> OrganisationFacts:
    return caller_of(request, OrganisationKind.INSTITUTION, OrganisationKind.JUDICIAL, scope=SCOPE)


def _lender(request: HttpRequest) -> OrganisationFacts:
    return caller_of(request, OrganisationKind.INSTITUTION, scope=SCOPE)


@router.get("/bodies", response={200: list[BodyOut], **PROBLEMS})
def bodies(request: HttpRequest) -> list[dict[str, Any]]:
    """Notary offices, arbitration commissions and courts."""
    _caller(request)
    return [
        {"code": one.code, "kind": one.kind, "name": translate(one.name), "divisions": list(one.divisions)}
        for one in settlement_rules().bodies
    ]


@router.get("", response={200: list[ProceedingOut], **PROBLEMS})
def listed(request: HttpRequest) -> list[dict[str, Any]]:
    """The caller's proceedings, the newest first, a hundred at most."""
    caller = _caller(request)
    return [_said(one, caller) for one in list_proceedings(**_mine(caller), limit=100)]


@router.post("", response={201: ProceedingOut, **PROBLEMS})
def begin(request: HttpRequest, body: ProceedingIn, key: Key) -> HttpResponse:
    """Begin a proceeding; nothing is sent and the enterprise sees nothing before its first step."""
    caller, by = _lender(request), {"actor": program(request), "now": timezone.now()}
    where: dict[str, Any] = {"institution": caller.code, **by}
    papers = [(one.kind, one.name, bytes_of(one.base64, one.name, error=InvalidTerms)) for one in body.papers]

    def act() -> tuple[int, Any]:
        code = parse_uscc(body.enterprise).code
        made = actions.draft(body.kind, about=body.about, number=body.number, body=body.body, enterprise=code, **where)
        if body.terms is not None:
            actions.state_terms(made.id, _terms(body.terms), **where)
        for kind, name, data in papers:
            actions.hand_in(made.id, kind, name=name, data=data, **where)
        return 201, _document(get_proceeding(made.id), caller)

    return answered_once(request, key, request.body, act, together=True)


@router.get("/{proceeding}", response={200: ProceedingOut, **PROBLEMS})
def one(request: HttpRequest, proceeding: str) -> dict[str, Any]:
    """One proceeding of the caller."""
    caller = _caller(request)
    return _said(get_proceeding(proceeding, **_mine(caller)), caller)


@router.put("/{proceeding}/terms", response={200: ProceedingOut, **PROBLEMS})
def terms(request: HttpRequest, proceeding: str, body: TermsIn) -> dict[str, Any]:
    """State or correct the terms as a whole; the same again changes nothing."""
    caller, by = _lender(request), {"actor": program(request), "now": timezone.now()}
    return _said(actions.state_terms(proceeding, _terms(body), institution=caller.code, **by), caller)


@router.post("/{proceeding}/papers", response={201: PaperOut, **PROBLEMS})
def paper(request: HttpRequest, proceeding: str, body: PaperIn) -> tuple[int, dict[str, Any]]:
    """Hand a paper in; the same one again is the one that is kept, so it needs no Idempotency-Key."""
    caller, by = _lender(request), {"actor": program(request), "now": timezone.now()}
    data = bytes_of(body.base64, body.name, error=InvalidTerms)
    kept = actions.hand_in(proceeding, body.kind, name=body.name, data=data, institution=caller.code, **by)
    return 201, {name: getattr(kept, name) for name in PaperOut.model_fields}


@router.post("/{proceeding}/steps", response={200: ProceedingOut, **PROBLEMS})
def step(request: HttpRequest, proceeding: str, body: StepIn, key: Key) -> HttpResponse:
    """Take a step, once every check before it passed."""
    caller, by = _lender(request), {"actor": program(request), "now": timezone.now()}
    said = {"reason": body.reason, "court": body.court}

    def act() -> tuple[int, Any]:
        if body.step == SUPPLY:
            made = actions.supply(proceeding, institution=caller.code, reason=body.reason, **by)
        else:
            made = actions.step(proceeding, body.step, institution=caller.code, **said, **by)
        return 200, _document(made, caller)

    return answered_once(request, key, request.body, act, together=True)


@router.post("/{proceeding}/events", response={200: ProceedingOut, **PROBLEMS})
def event(request: HttpRequest, proceeding: str, body: EventIn, key: Key) -> HttpResponse:
    """A body returns what it decided."""
    caller = caller_of(request, OrganisationKind.JUDICIAL, scope=SCOPE)
    plain = body.model_dump(exclude={"paper"})
    data = bytes_of(body.paper.base64, body.paper.name, error=InvalidTerms) if body.paper else b""
    held = {"paper": body.paper.kind, "name": body.paper.name, "data": data} if body.paper else {}

    def act() -> tuple[int, Any]:
        by: dict[str, Any] = {"body": caller.code, "actor": program(request), "now": timezone.now()}
        return 200, _document(take_event(proceeding, Told(**plain, **held), **by), caller)

    return answered_once(request, key, request.body, act, together=True)


def _mine(caller: OrganisationFacts) -> dict[str, str]:
    return {"institution" if caller.kind is OrganisationKind.INSTITUTION else "body": caller.code}


def _terms(body: TermsIn) -> Terms:
    plain = body.model_dump(exclude={"payments", "guarantors"})
    payments = tuple(Payment(**one.model_dump()) for one in body.payments)
    return Terms(**plain, payments=payments, guarantors=tuple(Guarantor(**one.model_dump()) for one in body.guarantors))


def _document(found: Proceeding, caller: OrganisationFacts) -> Any:
    return ProceedingOut(**_said(found, caller)).model_dump(mode="json")


def _said(found: Proceeding, caller: OrganisationFacts) -> dict[str, Any]:
    """The caller's view; an institution does not see the package of evidence, which is the body's."""
    lender = caller.kind is OrganisationKind.INSTITUTION
    own = steps_for(found.kind, found.state, Side.CREDITOR) if lender else steps_of_body(found, caller.code)
    shown = {name: getattr(found, name) for name in ProceedingOut.model_fields if hasattr(found, name)}
    papers = [p for p in list_papers(found.id) if not lender or p.kind is not PaperKind.PACKAGE]
    return {
        **shown,
        "says": translate(found.state.label),
        "next": list(own),
        "steps": [
            {
                **{name: getattr(s, name) for name in ProceedingStepOut.model_fields if name != "says"},
                "says": translate(EVENTS_SENT.get(s.event, s.event)),
            }
            for s in list_steps(found)
        ],
        "papers": [{name: getattr(p, name) for name in PaperOut.model_fields} for p in papers],
        "checks": _checks(found, own) if lender else [],
    }


def _checks(found: Proceeding, steps: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "step": name,
            "code": one.code,
            "verdict": one.verdict,
            "says": words(one.name),
            "clause": words(one.clause),
            "next_step": words(one.next_step),
        }
        for name, lines in checks_before(found, steps, now=timezone.now()).items()
        for one in lines
    ]
