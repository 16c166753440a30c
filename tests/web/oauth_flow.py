"""What tests of the authorisation server share: a small node, a pushed request, a decision, a code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from tests.factories import uscc
from tests.machines import BACK, ISSUER, Machine, key, post_form, proof, proved, register_client
from xinqiao.consent.queries import consent_text
from xinqiao.evidence.chain_keys import chain_key
from xinqiao.oauth.rules import digest
from xinqiao.parties.actions import (
    add_member,
    register_enterprise,
    register_organisation,
    register_person,
    set_admitted,
)
from xinqiao.parties.types import OrganisationKind, Role

FIRM, OTHER = uscc(1), uscc(2)
VERIFIER = "v" * 43
TOKEN, PAR = f"{ISSUER}/oauth/token", f"{ISSUER}/oauth/par"
DETAIL = {
    "type": "credit_query", "enterprise": FIRM, "purpose": "approval", "items": ["tax.payment"], "form": "report",
    "period": 30, "times": 3, "reason": "loan application A-1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Node:
    """A node with a platform (``hub``), a bank (``bank-a``), two firms and the owner of the first."""

    now: datetime
    owner: int

    def browser(self) -> Client:
        """The owner's browser, signed in."""
        found = Client(headers={"Accept-Language": "en"})
        found.force_login(get_user_model().objects.get(pk=self.owner))
        return found


def small_node() -> Node:
    """Organisations, clients, firms and one person; no records."""
    now = timezone.now() - timedelta(hours=2)
    by = {"actor": "t", "now": now}
    for code, kind in (("hub", OrganisationKind.PLATFORM), ("bank-a", OrganisationKind.INSTITUTION)):
        register_organisation(code, kind=kind, name=code.title(), **by)
        set_admitted(code, admitted=True, reason="assessed", **by)
        register_client(code, **by)
    for number in (1, 2):
        register_enterprise(uscc(number), name=f"Example {number}", **by)
    owner = register_person("owner", name="Owner", password="a long pass phrase", **by)
    add_member(owner, role=Role.OWNER, enterprise=FIRM, **by)
    chain_key()  # an RSA key: made with the others
    return Node(now, owner)


def wanted(**changes: Any) -> dict[str, Any]:
    """The parameters of a pushed request as they should be, with changes; None drops one."""
    form = {
        "response_type": "code", "redirect_uri": BACK, "code_challenge": digest(VERIFIER), "state": "s-1",
        "code_challenge_method": "S256", "scope": "credit:approval", "authorization_details": json.dumps([DETAIL]),
    }  # fmt: skip
    return {k: v for k, v in (form | changes).items() if v is not None}


def pushed(client_id: str = "hub", *, made: str | None = None, **changes: Any) -> Any:
    """The answer to a pushed request; ``made`` is a DPoP proof to send along."""
    return post_form("/oauth/par", proved(client_id, **wanted(**changes)), proof=made)


def opened(browser: Client, answer: Any, client_id: str = "hub") -> Any:
    """The browser follows the platform's link."""
    return browser.get("/oauth/authorise", {"client_id": client_id, "request_uri": answer.json()["request_uri"]})


def decided(browser: Client, *, answer: str = "grant") -> dict[str, str]:
    """The owner decides on the page that is shown; what the platform gets back."""
    page = browser.get("/enterprise/oauth/")
    assert page.status_code == 302, page.content.decode()
    request = page["Location"].rstrip("/").rsplit("/", 1)[1]
    assert browser.get(page["Location"]).status_code == 200
    shown = consent_text(request, locale="en")
    form = {"answer": answer, "locale": "en", "digest": shown.sha256}
    return back(browser.post(page["Location"], form))


def back(answer: Any) -> dict[str, str]:
    """The parameters of the redirect to the platform."""
    assert answer.status_code == 303, answer.content.decode()
    parts = urlsplit(answer["Location"])
    assert answer["Location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def code_for(node: Node, **changes: Any) -> str:
    """A code, from push to agreement."""
    browser = node.browser()
    assert opened(browser, pushed(**changes)).status_code == 302
    return decided(browser)["code"]


def redeemed(code: str, *, client_id: str = "hub", by: Any = None, **changes: Any) -> Any:
    """The token endpoint's answer to a code."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    made = proof("POST", TOKEN, by=by or key("proofs"))
    return post_form("/oauth/token", proved(client_id, **(form | changes)), proof=made)


def refreshed(text: str, *, client_id: str = "hub", by: Any = None) -> Any:
    """The token endpoint's answer to a refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": text}
    return post_form("/oauth/token", proved(client_id, **form), proof=proof("POST", TOKEN, by=by or key("proofs")))


def fetched(client_id: str = "hub", *, made: str | None = None, **form: Any) -> Any:
    """The token endpoint's answer to client credentials."""
    made = proof("POST", TOKEN, by=key("proofs")) if made is None else made
    return post_form("/oauth/token", {"grant_type": "client_credentials", **proved(client_id, **form)}, proof=made)


def using(token: str, client_id: str = "hub", *, proof_key: Any = None) -> Machine:
    """A program that calls with that token."""
    machine = Machine(client_id, proof_key=proof_key)
    machine.token = token
    return machine


def asked_with(token: str, *, made: str, scheme: str = "DPoP", path: str = "/api/v1/accesses") -> Any:
    """A call to the API with headers of the test's own."""
    return Client().get(path, headers={"Authorization": f"{scheme} {token}", "DPoP": made})


def error(answer: Any, status: int, name: str) -> dict[str, Any]:
    """The refusal of the authorisation server: its form is the same everywhere."""
    assert answer.status_code == status, answer.content.decode()
    body: dict[str, Any] = answer.json()
    assert body["error"] == name, body
    assert body["error_description"].isascii() and answer["Cache-Control"] == "no-store"
    return body


def denied(answer: Any, status: int, name: str) -> dict[str, Any]:
    """The refusal of the API: a problem document, and the header that says what is wanted."""
    assert answer.status_code == status, answer.content.decode()
    assert answer["WWW-Authenticate"].startswith(f'DPoP error="{name}"'), answer["WWW-Authenticate"]
    document: dict[str, Any] = answer.json()
    return document
