"""Verbs of an application. Each is one transaction: check, change, step, evidence, notice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from xinqiao.catalogue.types import Openness
from xinqiao.consent.actions import cancel_request, decline_request, request_authorisation, withdraw_authorisation
from xinqiao.consent.powers import invite
from xinqiao.consent.queries import (
    find_authorisation,
    get_request,
)
from xinqiao.consent.types import OPEN_REQUESTS, AlreadyRequested, AuthorisationStatus, Form, RequestFacts
from xinqiao.evaluation.population import comparable
from xinqiao.evidence.actions import record
from xinqiao.evidence.types import Event
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.lending import queries
from xinqiao.lending.models import ApplicationRow, LoanRow, StepRow
from xinqiao.lending.refusals import AppliedAlready, DoesNotFit, NotRenewable, OfferRanOut, TooManyOptIns
from xinqiao.lending.rules import APPLICATION_TRANSITIONS, UNDER_WAY, check_offer, check_reasons
from xinqiao.lending.types import (
    APPLICATION_DECLINED,
    MOVED_ON,
    OFFER_MADE,
    OPTED_IN,
    Answer,
    Application,
    ApplicationState,
    FiveClass,
    Offer,
    Path,
)
from xinqiao.matching.queries import get_need, get_product, list_products, matching_rules
from xinqiao.matching.refusals import NotAnInstitution, UnknownProduct
from xinqiao.matching.rules import fit_of
from xinqiao.matching.types import (
    Basis,
    Firm,
    Outcome,
    Product,
)
from xinqiao.parties.queries import get_enterprise, get_organisation
from xinqiao.plumbing.locks import hold_name
from xinqiao.scenarios.queries import items_for_scores
from xinqiao.sharing.queries import current_list
from xinqiao.webhooks.actions import tell

PURPOSE = "approval"
RENEWAL_MONTHS_BEFORE = 3
CHANGED = "application.changed"


@transaction.atomic
def opt_in(
    product: str, *, need: str, firm: Firm, describe: str = "", actor: str, signatory: int, now: datetime
) -> Application:
    """An enterprise chooses an institution's product for its need; from now on that institution knows who it is.

    ``firm`` is what the conditions are held to (``matching.queries.firm_of``). The institution's request for an
    authorisation is made at once; the enterprise answers it on one screen. Raises UnknownProduct, UnknownNeed,
    DoesNotFit, TooManyOptIns, AppliedAlready, NotAdmitted.
    """
    wanted = get_need(need, enterprise=firm.enterprise)
    chosen = get_product(product)
    if not chosen.on_offer(beijing_day(now)) or not _still_offered(chosen):
        raise UnknownProduct(product=product)
    fit = fit_of(chosen, firm, wanted)
    if fit.outcome is Outcome.FAILED:
        unmet = fit.first_unmet
        assert unmet is not None
        raise DoesNotFit(product=chosen.name, condition=unmet.condition.basis.label)
    hold_name(f"lending.enterprise {firm.enterprise}")
    _check_room(firm.enterprise, chosen.institution, matching_rules(now=now).opt_ins)
    terms = {"amount_fen": wanted.amount_fen, "months": wanted.months, "purpose": wanted.purpose, "need": need}
    row = _new(firm.enterprise, chosen, terms, now)
    return _ask(row, chosen, actor, signatory, now)


def _still_offered(product: Product) -> bool:
    return any(one.code == product.code for one in list_products(institution=product.institution))


def _check_room(enterprise: str, institution: str, most: int) -> None:
    open_ones = ApplicationRow.objects.filter(enterprise=enterprise, state__in=UNDER_WAY, renews="")
    same = open_ones.filter(institution=institution).first()
    if same:
        raise AppliedAlready(application=same.id)
    if open_ones.count() >= most:
        raise TooManyOptIns(most=most, open=open_ones.count())


def _new(enterprise: str, product: Product, terms: dict[str, Any], now: datetime) -> ApplicationRow:
    return ApplicationRow.objects.create(
        id=new_number("A", now),
        enterprise=enterprise,
        enterprise_name=get_enterprise(enterprise).name,
        institution=product.institution,
        product=product.code,
        product_version=product.version,
        product_name=product.name,
        decision_workdays=product.decision_workdays,
        state=ApplicationState.OPTED_IN,
        since=now,
        made_at=now,
        **terms,
    )


def _ask(row: ApplicationRow, product: Product, actor: str, signatory: int, now: datetime) -> Application:
    """The institution's request, as the enterprise's choice brings it about; an open one is not doubled."""
    row.request = _request(row, product, signatory, now).id
    row.save(update_fields=["request"])
    _step(row, "opt_in", actor, now)
    body = {"application": row.id, "institution": row.institution, "product": row.product, "request": row.request}
    record(OPTED_IN, actor=actor, subject=row.enterprise, body=body | {"path": _path(row)}, now=now)
    _notice(row, now)
    return queries.application_facts(row)


def _path(row: ApplicationRow) -> str:
    return str(Path.RENEWAL if row.renews else Path.NEW)


def _request(row: ApplicationRow, product: Product, signatory: int, now: datetime) -> RequestFacts:
    """A request for this application and no other; the enterprise's choice is its invitation to ask again."""
    asked: dict[str, Any] = {
        "enterprise": row.enterprise, "purpose": PURPOSE, "items": items_for(product, now=now), "form": Form.REPORT,
        "reason": f"{product.name} {row.id}", "product": row.id, "actor": f"system:{row.institution}", "now": now,
    }  # fmt: skip
    try:
        return request_authorisation(row.institution, **asked)
    except AlreadyRequested:
        invite(row.enterprise, organisation=row.institution, signatory=signatory, now=now)
        return request_authorisation(row.institution, **asked)


def items_for(product: Product, *, now: datetime) -> list[str]:
    """The non-public items a product's conditions and the institution's models rest on; those of the whole evaluation
    where the product looks at that."""
    facts = comparable(now=now)
    named = {c.indicator for c in product.conditions if c.indicator in facts}
    whole = not named or any(c.basis in (Basis.SCORE, Basis.GRADE, Basis.COVERAGE) for c in product.conditions)
    wanted = {item for code in (facts if whole else named) for item in facts[code].items}
    wanted |= items_for_scores(product.institution, PURPOSE)
    closed = [i.code for i in current_list() if i.openness is not Openness.PUBLIC]
    found = [code for code in closed if code in wanted]
    if found:
        return found
    every = {item for one in facts.values() for item in one.items}
    return [code for code in closed if code in every]


@transaction.atomic
def offer(application: str, terms: Offer, *, institution: str, actor: str, now: datetime) -> Application:
    """An institution's offer. Raises UnknownApplication, TransitionRefused, NotAnInstitution (no longer admitted),
    WrongOffer."""
    offering = get_organisation(institution)
    if not offering.admitted:
        raise NotAnInstitution(organisation=offering.name)
    row = queries.row_of(application, institution=institution, lock=True)
    new_state = APPLICATION_TRANSITIONS.check(ApplicationState(row.state), "offer")
    product = get_product(row.product, version=row.product_version) if row.product else None
    today = beijing_day(now)
    check_offer(terms, product=product, asked_fen=row.amount_fen, today=today, renewing=bool(row.renews))
    row.offer = {
        "amount_fen": terms.amount_fen, "months": terms.months, "rate_bp": terms.rate_bp,
        "guarantee": str(terms.guarantee), "note": terms.note.strip(), "until": terms.until.isoformat(),
    }  # fmt: skip
    row.save(update_fields=["offer"])
    _set(row, "offer", new_state, OFFER_MADE, {"offer": row.offer}, actor, now)
    return queries.application_facts(row)


@transaction.atomic
def decline(
    application: str, *, reasons: Iterable[str], note: str = "", institution: str, actor: str, now: datetime
) -> Application:
    """An institution says no, with one to four coded reasons; the enterprise is shown where else it fits.

    Raises UnknownApplication, TransitionRefused, WrongReasons.
    """
    row = queries.row_of(application, institution=institution, lock=True)
    new_state = APPLICATION_TRANSITIONS.check(ApplicationState(row.state), "decline")
    row.reasons, row.note = list(check_reasons(reasons, queries.lending_rules())), note.strip()[:300]
    row.save(update_fields=["reasons", "note"])
    _set(row, "decline", new_state, APPLICATION_DECLINED, {"reasons": row.reasons}, actor, now)
    asked = get_request(row.request)
    if asked.state in OPEN_REQUESTS and asked.answer_by > now:  # nothing is left to ask for
        cancel_request(asked.id, organisation=institution, reason=row.id, actor=actor, now=now)
    return queries.application_facts(row)


@transaction.atomic
def answer(
    application: str, answer: Answer, *, enterprise: str, signatory: int, actor: str, now: datetime
) -> Application:
    """The enterprise's own step: take an offer, leave it, or take the application back.

    Taking it back also ends the authorisation it was read under, or says no to the request that is open.
    Raises UnknownApplication, TransitionRefused, OfferRanOut.
    """
    row = queries.row_of(application, enterprise=enterprise, lock=True)
    if answer is Answer.ACCEPT and row.offer and row.offer["until"] < beijing_day(now).isoformat():
        raise OfferRanOut(until=row.offer["until"])
    move(row, str(answer), actor, now)
    if answer is Answer.WITHDRAW:
        _take_back(row, signatory, now)
    return queries.application_facts(row)


def _take_back(row: ApplicationRow, signatory: int, now: datetime) -> None:
    given = find_authorisation(row.authorisation) if row.authorisation else None
    if given and given.status is AuthorisationStatus.ACTIVE:
        withdraw_authorisation(given.id, signatory=signatory, reason=f"撤回申请 {row.id}", now=now)
        return
    asked = get_request(row.request)
    if asked.state in OPEN_REQUESTS and asked.answer_by > now:
        decline_request(asked.id, signatory=signatory, reason=f"撤回申请 {row.id}", now=now)


@transaction.atomic
def start_renewal(
    application: str, *, amount_fen: int | None = None, enterprise: str, actor: str, signatory: int, now: datetime
) -> Application:
    """Renewal without repayment: a new application to the same institution that is to settle a running loan.

    From three months before it falls due, while nothing is past due. Raises UnknownApplication, NotRenewable,
    AppliedAlready.
    """
    old = queries.row_of(application, enterprise=enterprise, lock=True)
    loan = next((x for x in queries.list_loans(enterprise=enterprise) if x.report.application == application), None)
    if old.state != ApplicationState.DISBURSED or loan is None or loan.report.settled_on:
        raise NotRenewable(why="贷款未在执行中")
    if loan.report.overdue_days or loan.report.five_class not in (FiveClass.PASS, FiveClass.SPECIAL_MENTION):
        raise NotRenewable(why="贷款有逾期或已列为不良")
    if beijing_day(now) < loan.report.due_on - timedelta(days=31 * RENEWAL_MONTHS_BEFORE):
        raise NotRenewable(why=f"到期前 {RENEWAL_MONTHS_BEFORE} 个月内才能办理")
    again = ApplicationRow.objects.filter(renews=application, state__in=UNDER_WAY).first()
    if again:
        raise AppliedAlready(application=again.id)
    asked = min(amount_fen or loan.report.balance_fen, loan.report.amount_fen)
    terms = {"amount_fen": asked, "months": old.months, "purpose": old.purpose, "renews": old.id}
    product = get_product(old.product, version=old.product_version)
    return _ask(_new(enterprise, product, terms, now), product, actor, signatory, now)


def disbursed(row: ApplicationRow, *, actor: str, now: datetime) -> None:
    """What a reported drawdown means for its application; call in the report's transaction with the row locked."""
    if APPLICATION_TRANSITIONS.can(ApplicationState(row.state), "disburse"):
        move(row, "disburse", actor, now)
        if row.renews:
            old = queries.row_of(row.renews, lock=True)
            if APPLICATION_TRANSITIONS.can(ApplicationState(old.state), "renew"):
                move(old, "renew", actor, now)
    receipts = LoanRow.objects.filter(application=row.id, enterprise=row.enterprise, institution=row.institution)
    settled = not receipts.filter(settled_on=None).exists()
    if settled and APPLICATION_TRANSITIONS.can(ApplicationState(row.state), "repay"):
        move(row, "repay", actor, now)


def move(row: ApplicationRow, event: str, actor: str, at: datetime) -> None:
    """One step of an application; call in a transaction with the row locked. Raises TransitionRefused."""
    new_state = APPLICATION_TRANSITIONS.check(ApplicationState(row.state), event)
    _set(row, event, new_state, MOVED_ON, {}, actor, at)


def _set(
    row: ApplicationRow,
    event: str,
    state: ApplicationState,
    what: Event,
    more: dict[str, Any],
    actor: str,
    at: datetime,
) -> None:
    row.state, row.since = state, at
    row.save(update_fields=["state", "since"])
    _step(row, event, actor, at)
    body = {"application": row.id, "event": event, "state": str(state), **more}
    record(what, actor=actor, subject=row.enterprise, body=body, now=at)
    _notice(row, at)


def _step(row: ApplicationRow, event: str, actor: str, at: datetime) -> None:
    StepRow.objects.create(application=row, event=event, state=row.state, at=at, actor=actor)


def _notice(row: ApplicationRow, now: datetime) -> None:
    """A thin notice: the number and the state; what it is about is read under the institution's own rights."""
    get_organisation(row.institution)
    tell(row.institution, CHANGED, about=row.id, data={"application": row.id, "state": str(row.state)}, now=now)
