"""Endpoints for programs: metadata, pushed requests, tokens, revocation, introspection."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from xinqiao.consent.queries import get_template
from xinqiao.oauth.jose import ALGORITHMS
from xinqiao.oauth.proving import authenticate, prove
from xinqiao.oauth.pushing import push
from xinqiao.oauth.rules import ACCESS_LIFE, DETAIL_TYPE, PUSHED_LIFE, check_details, scope_names
from xinqiao.oauth.tokens import details_of, introspect, issue_for_client, redeem_code, refresh, revoke
from xinqiao.oauth.types import (
    Caller,
    GrantKind,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    Issued,
    UnsupportedGrant,
)
from xinqiao.parties.types import OrganisationKind
from xinqiao.web.access import public
from xinqiao.web.oauth.calls import endpoint, issuer_of, wire_of
from xinqiao.web.oauth.details import check_query

GRANTS = ("client_credentials", "authorization_code", "refresh_token")
METHODS = ["private_key_jwt"]


@public
@require_GET
def metadata(request: HttpRequest) -> HttpResponse:
    """What this authorisation server does, and nothing else (RFC 8414)."""
    issuer = issuer_of(request)
    kinds = (OrganisationKind.DEPARTMENT, OrganisationKind.INSTITUTION)
    addresses = {
        "authorization_endpoint": "oauth-authorise",
        "token_endpoint": "oauth-token",
        "pushed_authorization_request_endpoint": "oauth-par",
        "revocation_endpoint": "oauth-revoke",
        "introspection_endpoint": "oauth-introspect",
    }
    body: dict[str, Any] = {"issuer": issuer, **{k: issuer + reverse(name) for k, name in addresses.items()}}
    for name in ("token", "revocation", "introspection"):
        body[f"{name}_endpoint_auth_methods_supported"] = METHODS
        body[f"{name}_endpoint_auth_signing_alg_values_supported"] = list(ALGORITHMS)
    body |= {
        "scopes_supported": [s for kind in kinds for s in scope_names(kind, get_template().purposes)],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_details_types_supported": [DETAIL_TYPE],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "require_pushed_authorization_requests": True,
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "service_documentation": f"{issuer}/docs/errors",
    }
    return JsonResponse(body)


def _caller(request: HttpRequest, form: dict[str, str]) -> Caller:
    return authenticate(form, issuer=issuer_of(request), now=timezone.now())


@endpoint
def par(request: HttpRequest, form: dict[str, str]) -> HttpResponse:
    """Keep a platform's request for an enterprise's consent (RFC 9126). A DPoP proof sent along binds the code."""
    wire, now = wire_of(request), timezone.now()
    jkt = prove(wire, now=now) if wire.proofs else ""
    caller = _caller(request, form)
    details = check_query(_details(form), caller.client.organisation)
    uri = push(caller, form, details=details, jkt=jkt, now=now)
    body = {"request_uri": uri, "expires_in": int(PUSHED_LIFE.total_seconds())}
    return JsonResponse(body, status=201)


def _details(form: dict[str, str]) -> dict[str, Any]:
    if "request" in form or "request_uri" in form:
        raise InvalidRequest(why="request and request_uri are not accepted in a pushed request")
    try:
        return check_details(json.loads(form.get("authorization_details", "")))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(why="authorization_details is not JSON") from error


@endpoint
def token(request: HttpRequest, form: dict[str, str]) -> HttpResponse:
    """Tokens for an assertion, a code or a refresh token, bound to the key of the DPoP proof."""
    kind = form.get("grant_type", "")
    if not kind:
        raise InvalidRequest(why="grant_type is missing")
    if kind not in GRANTS:
        raise UnsupportedGrant(why=f"grant_type is one of {', '.join(GRANTS)}")
    if not form.get("client_assertion"):
        raise InvalidClient(why="client_assertion of type jwt-bearer is missing")
    # The proof first: a client that lacks the nonce may send its assertion again.
    jkt = prove(wire_of(request), now=timezone.now())
    return _token_answer(_issue(kind, _caller(request, form), form, jkt))


def _issue(kind: str, caller: Caller, form: dict[str, str], jkt: str) -> Issued:
    now, scope = timezone.now(), form.get("scope")
    if kind == "client_credentials":
        if "authorization_details" in form:
            raise InvalidRequest(why="authorization_details need the enterprise's consent: push them")
        return issue_for_client(caller, scope=scope, jkt=jkt, now=now)
    if kind == "refresh_token":
        return refresh(caller, text=form.get("refresh_token", ""), scope=scope, jkt=jkt, now=now)
    missing = [name for name in ("code", "redirect_uri", "code_verifier") if not form.get(name)]
    if missing:
        raise InvalidGrant(why=f"{missing[0]} is missing")
    return redeem_code(
        caller, code=form["code"], redirect_uri=form["redirect_uri"], verifier=form["code_verifier"], jkt=jkt, now=now
    )


def _token_answer(issued: Issued) -> HttpResponse:
    body: dict[str, Any] = {
        "access_token": issued.access,
        "token_type": "DPoP",
        "expires_in": int(ACCESS_LIFE.total_seconds()),
        "scope": " ".join(issued.facts.scopes),
    }
    if issued.facts.kind is GrantKind.CONSENT:
        body |= {"refresh_token": issued.refresh, "authorization_details": details_of(issued.facts)}
    return JsonResponse(body)


@endpoint
def revocation(request: HttpRequest, form: dict[str, str]) -> HttpResponse:
    """End a token (RFC 7009): 200 also for one that is unknown or ended already."""
    caller = _caller(request, form)
    if not form.get("token"):
        raise InvalidRequest(why="token is missing")
    revoke(caller, text=form["token"], now=timezone.now())
    return JsonResponse({})


@endpoint
def introspection(request: HttpRequest, form: dict[str, str]) -> HttpResponse:
    """What one of the client's own tokens is (RFC 7662)."""
    caller = _caller(request, form)
    if not form.get("token"):
        raise InvalidRequest(why="token is missing")
    found = introspect(caller, text=form["token"], now=timezone.now())
    return JsonResponse(found | ({"iss": issuer_of(request)} if found["active"] else {}))
