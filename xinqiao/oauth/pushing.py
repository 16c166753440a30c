"""A platform's request for consent: pushed, opened once, put before the enterprise, answered by a code."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.evidence.types import Event
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.oauth.models import Client, Pushed
from xinqiao.oauth.queries import pushed_facts
from xinqiao.oauth.rules import CODE_LIFE, DECIDE_LIFE, PUSHED_LIFE, check_pushed, same
from xinqiao.oauth.types import (
    CODE_ISSUED,
    REQUEST_ASKED,
    REQUEST_OPENED,
    REQUEST_PUSHED,
    REQUEST_REFUSED,
    Caller,
    InvalidRequest,
    InvalidScope,
    LinkSpent,
    PushedFacts,
    PushedState,
)

URN = "urn:ietf:params:oauth:request_uri:"


@transaction.atomic
def push(caller: Caller, form: Mapping[str, str], *, details: Mapping[str, Any], jkt: str, now: datetime) -> str:
    """Keep a pushed request; returns its ``request_uri``, good once and for a minute, for this client only.

    ``details`` is the checked ``credit_query``; ``jkt`` the thumbprint of the proof sent along, if any.
    Raises InvalidRequest, InvalidScope.
    """
    check_pushed(form, redirect_uris=caller.client.redirect_uris)
    scope = f"credit:{details['purpose']}"
    if scope not in caller.client.scopes or set(form.get("scope", scope).split()) != {scope}:
        raise InvalidScope(why="the scope of a credit_query is credit: and its purpose, registered for the client")
    named = form.get("dpop_jkt", "")
    if jkt and named and not same(jkt, named):
        raise InvalidRequest(why="dpop_jkt is not the key of the DPoP proof")
    if len(named) not in (0, 43) or not named.isascii():
        raise InvalidRequest(why="dpop_jkt is not a thumbprint")
    uri = URN + secrets.token_urlsafe(32)
    row = Pushed.objects.create(
        reference=_reference(uri),
        client=Client.objects.select_related("organisation").get(client_id=caller.client.client_id),
        state=PushedState.PUSHED,
        redirect_uri=form["redirect_uri"],
        client_state=form.get("state", ""),
        challenge=form["code_challenge"],
        details=dict(details),
        jkt=jkt or named,
        pushed_at=now,
        expires_at=now + PUSHED_LIFE,
    )
    body = {"purpose": details["purpose"], "items": details["items"], "form": details["form"]}
    _record(REQUEST_PUSHED, row, body=body, now=now)
    return uri


@transaction.atomic
def open_pushed(request_uri: str, *, client_id: str, now: datetime) -> PushedFacts:
    """Use the address of a pushed request, once; raises LinkSpent, also for another client's."""
    row = _locked(_reference(request_uri))
    fresh = row is not None and row.state == PushedState.PUSHED and row.expires_at > now
    if row is None or not fresh or row.client.client_id != client_id or row.client.ended_at is not None:
        raise LinkSpent()
    row.state, row.expires_at = PushedState.OPENED, now + DECIDE_LIFE
    row.save(update_fields=["state", "expires_at"])
    _record(REQUEST_OPENED, row, body={}, now=now)
    return pushed_facts(row)


@transaction.atomic
def note_asked(reference: str, *, request: str, now: datetime) -> PushedFacts:
    """Tie the consent request that was made of it to a pushed request; raises LinkSpent when it is past."""
    row = _locked(reference)
    if row is None or row.state != PushedState.OPENED or row.expires_at <= now:
        raise LinkSpent()
    row.state, row.request = PushedState.ASKED, request
    row.save(update_fields=["state", "request"])
    _record(REQUEST_ASKED, row, body={"request": request}, now=now)
    return pushed_facts(row)


@transaction.atomic
def answer_granted(reference: str, *, authorisation: str, issuer: str, now: datetime) -> str:
    """The address that takes the browser back with a code; raises LinkSpent unless it was asked and not answered."""
    row = _open(reference, now)
    code = secrets.token_urlsafe(32)
    row.state, row.code_sha256, row.authorisation = PushedState.GRANTED, sha256_hex(code.encode()), authorisation
    row.expires_at = now + CODE_LIFE
    row.save(update_fields=["state", "code_sha256", "authorisation", "expires_at"])
    _record(CODE_ISSUED, row, body={"authorisation": authorisation}, now=now)
    return _back(row, issuer, code=code)


@transaction.atomic
def answer_refused(reference: str, *, why: str, issuer: str, now: datetime) -> str:
    """The address that takes the browser back with ``access_denied``; ``why`` is ASCII. Raises LinkSpent."""
    row = _open(reference, now)
    row.state = PushedState.REFUSED
    row.save(update_fields=["state"])
    _record(REQUEST_REFUSED, row, body={"reason": why}, now=now)
    return _back(row, issuer, error="access_denied", error_description=why)


def _open(reference: str, now: datetime) -> Pushed:
    row = _locked(reference)
    if row is None or row.state not in (PushedState.OPENED, PushedState.ASKED) or row.expires_at <= now:
        raise LinkSpent()
    return row


def _back(row: Pushed, issuer: str, **answer: str) -> str:
    """The redirect address with the answer, the client's state and who answers (RFC 9207)."""
    pairs = answer | ({"state": row.client_state} if row.client_state else {}) | {"iss": issuer}
    return f"{row.redirect_uri}{'&' if '?' in row.redirect_uri else '?'}{urlencode(pairs)}"


def _locked(reference: str) -> Pushed | None:
    rows = Pushed.objects.select_for_update(of=("self",)).select_related("client__organisation")
    return rows.filter(reference=reference).first()


def _reference(request_uri: str) -> str:
    return sha256_hex(request_uri.encode("utf-8", "replace"))


def _record(event: Event, row: Pushed, *, body: Mapping[str, Any], now: datetime) -> None:
    """Evidence under the enterprise's code: it is the one that was asked about."""
    named = {"client": row.client.client_id, "pushed": row.reference[:16], **body}
    actor = f"client:{row.client.client_id}"
    record(event, actor=actor, subject=row.details["enterprise"], body=named, now=now)
