"""Applications and loans by program: what the portal offers an institution, the same rules and the same evidence."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from xinqiao.lending.applications import decline, offer
from xinqiao.lending.loans import MOST_ROWS, report_loans
from xinqiao.lending.queries import (
    get_application,
    lending_rules,
    list_applications,
    list_steps,
    reconciliation,
    turn_of,
)
from xinqiao.lending.types import (
    Application,
    ApplicationState,
    GapKind,
    GuaranteeCode,
    Holder,
    Offer,
)
from xinqiao.matching.queries import list_products
from xinqiao.matching.rules import condition_document
from xinqiao.matching.types import (
    Product,
)
from xinqiao.parties.types import OrganisationFacts, OrganisationKind
from xinqiao.web.api.v1 import schemas
from xinqiao.web.api.v1.calling import PROBLEMS, Key, admitted, answered_once, caller_of, program
from xinqiao.web.words import is_english, translate

SCOPE = "financing"
MOST = 200
router = Router(tags=["financing"])
Line = schemas.Line


class OfferIn(schemas.Input):
    """What an institution offers. Money in fen, rate in basis points a year, guarantee by the PBoC's code."""

    amount_fen: int = Field(ge=1, le=10**13)
    months: int = Field(ge=1, le=360)
    rate_bp: int = Field(ge=0, le=2400)
    guarantee: GuaranteeCode = Field(strict=False)
    until: date = Field(strict=False)
    note: Line = Field("", max_length=300)


class DeclineIn(schemas.Input):
    """One to four codes of `GET /financing/decline-reasons`."""

    reasons: list[Line] = Field(max_length=20)
    note: Line = Field("", max_length=300)


class OfferOut(Schema):
    """An offer as it was made."""

    amount_fen: int
    months: int
    rate_bp: int
    guarantee: GuaranteeCode
    until: date
    note: str


class TurnOut(Schema):
    """Whose turn it is and until when."""

    holder: Holder
    due_on: date
    elapsed_percent: int
    workdays_left: int
    over: bool
    provisional: bool


class StepOut(Schema):
    """One step of an application."""

    event: str
    state: ApplicationState
    at: datetime


class ApplicationOut(Schema):
    """An application to the caller."""

    id: str
    path: str
    renews: str
    enterprise: str
    enterprise_name: str
    product: str
    product_version: int
    amount_fen: int
    months: int
    purpose: str
    need: str
    note: str
    state: ApplicationState
    since: datetime
    made_at: datetime
    request: str
    authorisation: str
    offer: OfferOut | None
    reasons: list[str]
    turn: TurnOut | None
    steps: list[StepOut] = []


class ApplicationPage(Schema):
    """A page of applications, the newest first; `after` asks for the next one."""

    applications: list[ApplicationOut]
    after: str | None


class ReasonOut(Schema):
    """A coded reason for a refusal, in the language asked for."""

    code: str
    says: str
    next_step: str


class LoansIn(schemas.Input):
    """Loans as the institution feeds them back; money in fen, rates in basis points. Rows without fault are taken."""

    loans: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_ROWS)


class LoansOut(Schema):
    """What came of it: new + changed + same rows were taken; the faults of the others."""

    new: int
    changed: int
    same: int
    problems: list[schemas.ProblemItem]


class GapOut(Schema):
    """Something to feed back or put right."""

    kind: GapKind
    about: str
    enterprise: str
    since: date
    detail: str


class ProductOut(Schema):
    """A product on offer with its conditions."""

    code: str
    version: int
    institution: str
    institution_name: str
    name: str
    amount_from_fen: int
    amount_to_fen: int
    months_from: int
    months_to: int
    rate_from_bp: int
    rate_to_bp: int
    fee_bp: int
    guarantees: list[str]
    decision_workdays: int
    conditions: list[dict[str, Any]]
    windows: list[str]
    offered_from: date
    offered_until: date | None
    sha256: str


def _caller(request: HttpRequest) -> OrganisationFacts:
    return caller_of(request, OrganisationKind.INSTITUTION, scope=SCOPE)


@router.get("/products", response={200: list[ProductOut], **PROBLEMS})
def products(request: HttpRequest) -> list[dict[str, Any]]:
    """The caller's products on offer."""
    caller = _caller(request)
    return [product_out(one) for one in list_products(institution=caller.code, on=timezone.localdate())]


@router.get("/decline-reasons", response={200: list[ReasonOut], **PROBLEMS})
def decline_reasons(request: HttpRequest) -> list[dict[str, str]]:
    """The codes a refusal may give, and what each tells the enterprise to do next."""
    _caller(request)
    return [
        {"code": r.code, "says": r.says_en if is_english() else r.says,
         "next_step": r.next_step_en if is_english() else r.next_step}
        for r in lending_rules().reasons
    ]  # fmt: skip


@router.get("/applications", response={200: ApplicationPage, **PROBLEMS})
def applications(
    request: HttpRequest, state: ApplicationState | None = None, after: str = Query("", max_length=40)
) -> dict[str, Any]:
    """Applications to the caller, the newest first, 200 a page."""
    caller = _caller(request)
    found = list_applications(
        institution=caller.code, states=[state] if state else None, after=after.replace("\x00", ""), limit=MOST + 1
    )
    page = found[:MOST]
    return {"applications": [_out(a) for a in page], "after": page[-1].id if len(found) > MOST else None}


@router.get("/applications/{application}", response={200: ApplicationOut, **PROBLEMS})
def application(request: HttpRequest, application: str) -> dict[str, Any]:
    """One application with its steps and its clock."""
    caller = _caller(request)
    found = get_application(application, institution=caller.code)
    return _out(found) | {"steps": [asdict(step) for step in list_steps(application)]}


@router.post("/applications/{application}/offer", response={200: ApplicationOut, **PROBLEMS})
def make_offer(request: HttpRequest, application: str, body: OfferIn, key: Key) -> HttpResponse:
    """Make an offer within the product and what was asked."""
    caller = admitted(_caller(request))

    def act() -> tuple[int, Any]:
        terms = Offer(body.amount_fen, body.months, body.rate_bp, body.guarantee, body.note, body.until)
        by = {"institution": caller.code, "actor": program(request), "now": timezone.now()}
        return 200, ApplicationOut(**_out(offer(application, terms, **by))).model_dump(mode="json")  # type: ignore[arg-type]

    return answered_once(request, key, request.body, act)


@router.post("/applications/{application}/decline", response={200: ApplicationOut, **PROBLEMS})
def say_no(request: HttpRequest, application: str, body: DeclineIn, key: Key) -> HttpResponse:
    """Refuse with one to four coded reasons."""
    caller = admitted(_caller(request))

    def act() -> tuple[int, Any]:
        by = {"institution": caller.code, "actor": program(request), "now": timezone.now()}
        made = decline(application, reasons=body.reasons, note=body.note, **by)  # type: ignore[arg-type]
        return 200, ApplicationOut(**_out(made)).model_dump(mode="json")

    return answered_once(request, key, request.body, act)


@router.post("/loans", response={200: LoansOut, **PROBLEMS})
def loans(request: HttpRequest, body: LoansIn, key: Key) -> HttpResponse:
    """Feed loans back; the same receipt again continues or corrects it. Fields: see the reference of loan feedback."""
    caller = _caller(request)

    def act() -> tuple[int, Any]:
        made = report_loans(body.loans, institution=caller.code, actor=program(request), now=timezone.now())
        problems = [asdict(p) | {"message": translate(p.message)} for p in made.problems]
        return 200, {"new": made.new, "changed": made.changed, "same": made.same, "problems": problems}

    return answered_once(request, key, request.body, act)


@router.get("/loans/reconciliation", response={200: list[GapOut], **PROBLEMS})
def loans_to_reconcile(request: HttpRequest) -> list[dict[str, Any]]:
    """What is to be fed back or put right today."""
    return [asdict(gap) for gap in reconciliation(_caller(request).code, now=timezone.now())]


def _out(found: Application) -> dict[str, Any]:
    turn = turn_of(found, now=timezone.now())
    made = asdict(found) | {"reasons": list(found.reasons), "turn": asdict(turn) if turn else None}
    return {name: value for name, value in made.items() if name in ApplicationOut.model_fields}


def product_out(one: Product) -> dict[str, Any]:
    """A product as the API tells it."""
    found = {name: getattr(one, name) for name in ProductOut.model_fields if name not in ("conditions", "guarantees")}
    conditions = [condition_document(c) for c in one.all_conditions]
    return found | {"guarantees": [str(g) for g in one.guarantees], "conditions": conditions}
