"""Where an organisation is told of changes, and what became of each notice."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status

from xinqiao.parties.types import OrganisationFacts
from xinqiao.web.api.v1 import schemas
from xinqiao.web.api.v1.calling import PROBLEMS, RECIPIENTS, admitted, caller_of, program
from xinqiao.webhooks.actions import add_endpoint, change_secret, end_endpoint, send_again
from xinqiao.webhooks.queries import list_endpoints, list_messages
from xinqiao.webhooks.types import EndpointFacts, MessageFacts, MessageState

router = Router(tags=["webhooks"])


def _caller(request: HttpRequest) -> OrganisationFacts:
    return caller_of(request, *RECIPIENTS, scope="authorisations")


@router.post("", response={201: schemas.WebhookOut, **PROBLEMS})
def add(request: HttpRequest, body: schemas.WebhookIn) -> Status:
    """Register an address for notices (Standard Webhooks); the secret is in this answer only."""
    caller = _caller(request)
    made, secret = add_endpoint(caller.code, url=body.url, actor=program(request), now=timezone.now())
    return Status(201, {**_endpoint(made), "secret": secret})


@router.get("", response={200: list[schemas.WebhookOut], **PROBLEMS})
def endpoints(request: HttpRequest) -> list[dict[str, Any]]:
    """The caller's addresses, those in use first."""
    return [_endpoint(facts) for facts in list_endpoints(_caller(request).code)]


@router.post("/{int:endpoint}/secret", response={200: schemas.WebhookOut, **PROBLEMS})
def secret(request: HttpRequest, endpoint: int) -> dict[str, Any]:
    """Change the secret; for seven days both sign."""
    caller = _caller(request)
    made = change_secret(endpoint, organisation=caller.code, actor=program(request), now=timezone.now())
    facts = next(e for e in list_endpoints(caller.code) if e.id == endpoint)
    return {**_endpoint(facts), "secret": made}


@router.delete("/{int:endpoint}", response={204: None, **PROBLEMS})
def end(request: HttpRequest, endpoint: int) -> Status:
    """Send nothing more there."""
    caller = _caller(request)
    end_endpoint(endpoint, organisation=caller.code, actor=program(request), now=timezone.now())
    return Status(204, None)


@router.get("/messages", response={200: list[schemas.NoticeOut], **PROBLEMS})
def messages(request: HttpRequest, state: MessageState | None = None) -> list[dict[str, Any]]:
    """The latest notices; `state=dead` are those that could not be delivered in three days."""
    return [_notice(facts) for facts in list_messages(_caller(request).code, state=state)]


@router.post("/messages/{message}/again", response={200: schemas.NoticeOut, **PROBLEMS})
def again(request: HttpRequest, message: str) -> dict[str, Any]:
    """Send a dead letter again; not while the caller is suspended."""
    return _notice(send_again(message, organisation=admitted(_caller(request)).code, now=timezone.now()))


def _endpoint(facts: EndpointFacts) -> dict[str, Any]:
    return {"id": facts.id, "url": facts.url, "added_at": facts.added_at, "ended_at": facts.ended_at}


def _notice(facts: MessageFacts) -> dict[str, Any]:
    return schemas.NoticeOut.from_orm(facts).dict()
