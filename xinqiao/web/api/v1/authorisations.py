"""Asking an enterprise for its authorisation: ask, poll or be told, take back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from xinqiao.consent.actions import cancel_request, request_authorisation
from xinqiao.consent.queries import get_request, list_requests
from xinqiao.consent.types import OPEN_REQUESTS, AuthorisationNotFound, Form, RequestFacts
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.web.api.v1 import schemas
from xinqiao.web.api.v1.calling import PROBLEMS, RECIPIENTS, Key, answered_once, caller_of, program

POLL_SECONDS = 5
SCOPE = "authorisations"
router = Router(tags=["authorisations"])


@router.post("", response={201: schemas.AuthorisationRequestOut, **PROBLEMS})
def ask(request: HttpRequest, body: schemas.AuthorisationRequestIn, key: Key) -> HttpResponse:
    """Ask by a `credit_query` (RFC 9396); it lands in the enterprise's inbox, and the enterprise decides.

    Poll the request, or register a webhook and be told. One request per enterprise and 30 days, unless the enterprise
    invites another. Institutions and platforms only.
    """
    caller, asked = caller_of(request, *RECIPIENTS, scope=SCOPE), body.authorization_details[0]
    code = parse_uscc(asked.enterprise).code

    def act() -> tuple[int, Any]:
        made = request_authorisation(
            caller.code,
            enterprise=code,
            purpose=asked.purpose,
            items=asked.items,
            form=Form(asked.form),
            reason=asked.reason,
            days=asked.period,
            times=asked.times,
            product=asked.product,
            actor=program(request),
            now=timezone.now(),
        )
        return 201, request_out(made)

    return answered_once(request, key, request.body, act)


@router.get("", response={200: list[schemas.AuthorisationRequestOut], **PROBLEMS})
def asked(request: HttpRequest) -> list[dict[str, Any]]:
    """The caller's latest requests, newest first."""
    caller = caller_of(request, *RECIPIENTS, scope=SCOPE)
    return [request_out(facts) for facts in list_requests(organisation=caller.code)]


@router.get("/{request_id}", response={200: schemas.AuthorisationRequestOut, **PROBLEMS})
def asked_one(request: HttpRequest, request_id: str) -> dict[str, Any]:
    """Where one request stands."""
    caller = caller_of(request, *RECIPIENTS, scope=SCOPE)
    facts = get_request(request_id)
    if facts.scope.organisation != caller.code:
        raise AuthorisationNotFound(authorisation=request_id)
    return request_out(facts)


@router.delete("/{request_id}", response={200: schemas.AuthorisationRequestOut, **PROBLEMS})
def cancel(request: HttpRequest, request_id: str) -> dict[str, Any]:
    """Take back a request that the enterprise has not answered."""
    caller = caller_of(request, *RECIPIENTS, scope=SCOPE)
    actor = program(request)
    return request_out(cancel_request(request_id, organisation=caller.code, actor=actor, now=timezone.now()))


def request_out(facts: RequestFacts) -> dict[str, Any]:
    """A request as the API tells it."""
    scope = facts.scope
    return {
        "id": facts.id,
        "state": str(facts.state),
        "enterprise": scope.enterprise,
        "purpose": scope.purpose,
        "items": list(scope.items),
        "form": str(scope.form),
        "requested_at": facts.requested_at,
        "answer_by": facts.answer_by,
        "answered_at": facts.answered_at,
        "answer_reason": facts.answer_reason,
        "authorisation": facts.authorisation,
        "product": scope.product,
        "poll_after": POLL_SECONDS if facts.state in OPEN_REQUESTS else None,
    }
