"""Pushed requests and codes: what is refused, by topic (exchange of FAPI 2.0 server tests), and what is given."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.kept import laid_down
from tests.machines import ISSUER, assertion, key, post_form, proof, proved, register_client
from tests.web.oauth_flow import (
    DETAIL,
    OTHER,
    PAR,
    Node,
    back,
    code_for,
    decided,
    denied,
    error,
    opened,
    pushed,
    redeemed,
    refreshed,
    small_node,
    using,
    wanted,
)
from xinqiao.consent.queries import get_authorisation, list_requests
from xinqiao.evidence.queries import list_entries
from xinqiao.oauth.models import Pushed
from xinqiao.oauth.rules import digest
from xinqiao.parties.actions import set_admitted


@pytest.fixture
def node(evidence_folder: Path, db: None) -> Node:
    """A small node."""
    return laid_down(small_node, evidence_folder.parent)


def aged(seconds: float) -> None:
    """Let time pass for what was pushed."""
    for row in Pushed.objects.all():
        row.expires_at -= timedelta(seconds=seconds)
        row.save()


def test_par_wrong_http_method(node: Node) -> None:
    """Pushed requests are posted."""
    answer = Client().get("/oauth/par")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_par_reused_request_uri(node: Node) -> None:
    """The address of a pushed request works once."""
    answer, browser = pushed(), node.browser()
    assert opened(browser, answer).status_code == 302
    assert opened(browser, answer).status_code == opened(Client(), answer).status_code == 409


def test_par_expired_request_uri(node: Node) -> None:
    """It lives for a minute."""
    answer = pushed()
    assert answer.status_code == 201 and answer.json()["expires_in"] == 60
    aged(61)
    assert opened(node.browser(), answer).status_code == 409


def test_par_foreign_clients_request_uri(node: Node) -> None:
    """Another client's address opens nothing, and is not used up by the attempt."""
    answer = pushed()
    assert opened(node.browser(), answer, "bank-a").status_code == 409
    assert opened(node.browser(), answer).status_code == 302


def test_par_request_uri_inside_the_pushed_request(node: Node) -> None:
    """A pushed request does not point to another."""
    error(pushed(request_uri=pushed().json()["request_uri"]), 400, "invalid_request")


def test_par_request_object_is_refused(node: Node) -> None:
    """Signed request objects are not offered, so ``request`` is refused rather than ignored."""
    error(pushed(request=assertion("hub")), 400, "invalid_request")
    answer = Client().get("/oauth/authorise", {"client_id": "hub", "request": assertion("hub")})
    assert answer.status_code == 403


def test_par_missing_pkce(node: Node) -> None:
    """No challenge, no code."""
    error(pushed(code_challenge=None), 400, "invalid_request")
    error(pushed(code_challenge_method=None), 400, "invalid_request")


def test_par_plain_pkce(node: Node) -> None:
    """S256 only."""
    error(pushed(code_challenge_method="plain", code_challenge="v" * 43), 400, "invalid_request")


def test_non_par_request(node: Node) -> None:
    """What is sent by the browser itself is refused, however right it looks."""
    answer = node.browser().get("/oauth/authorise", wanted(client_id="hub"))
    assert answer.status_code == 403
    assert list_requests() == []


def test_par_duplicate_parameters(node: Node) -> None:
    """A parameter that comes twice may have been read either way."""
    form = "&".join(f"{k}={v}" for k, v in [("client_id", "hub"), ("client_id", "bank-a")])
    answer = Client().post("/oauth/par", form, content_type="application/x-www-form-urlencoded")
    error(answer, 400, "invalid_request")
    uri = pushed().json()["request_uri"]
    assert Client().get(f"/oauth/authorise?client_id=hub&client_id=hub&request_uri={uri}").status_code == 403


def test_par_unregistered_redirect(node: Node) -> None:
    """Only addresses of the registration, letter by letter."""
    for address in ("https://elsewhere.example/back", "https://platform.example/back/", "https://platform.example"):
        error(pushed(redirect_uri=address), 400, "invalid_request")


def test_par_client_assertion_audience_as_array(node: Node) -> None:
    """The audience is one string."""
    error(pushed(client_assertion=assertion("hub", aud=[ISSUER])), 401, "invalid_client")


def test_par_client_assertion_audience_is_the_par_url(node: Node) -> None:
    """Not the address of an endpoint: another server could have named ours as its own."""
    error(pushed(client_assertion=assertion("hub", aud=PAR)), 401, "invalid_client")


def test_par_client_assertion_audience_is_the_token_url(node: Node) -> None:
    """Nor that of the token endpoint."""
    error(pushed(client_assertion=assertion("hub", aud=f"{ISSUER}/oauth/token")), 401, "invalid_client")


def test_assertion_nbf_8_seconds_ahead_is_accepted(node: Node) -> None:
    """Clocks differ a little."""
    ahead = int(timezone.now().timestamp()) + 8
    assert pushed(client_assertion=assertion("hub", nbf=ahead, iat=ahead)).status_code == 201


def test_assertion_nbf_61_seconds_ahead_is_refused(node: Node) -> None:
    """But not that much."""
    ahead = int(timezone.now().timestamp()) + 61
    error(pushed(client_assertion=assertion("hub", nbf=ahead)), 401, "invalid_client")
    error(pushed(client_assertion=assertion("hub", iat=ahead)), 401, "invalid_client")


def test_response_type_token_is_refused(node: Node) -> None:
    """No token travels through a browser."""
    error(pushed(response_type="token"), 400, "invalid_request")


def test_response_type_code_id_token_is_refused(node: Node) -> None:
    """Nor an identity."""
    error(pushed(response_type="code id_token"), 400, "invalid_request")


def test_long_state_and_nonce(node: Node) -> None:
    """A long state comes back whole; one without measure is refused."""
    browser, state = node.browser(), "é-" + "s" * 900
    assert opened(browser, pushed(state=state, nonce="n" * 900)).status_code == 302
    assert decided(browser)["state"] == state
    error(pushed(state="s" * 1001), 400, "invalid_request")
    error(pushed(nonce="n" * 1001), 400, "invalid_request")


def test_a_form_without_measure_is_refused(node: Node) -> None:
    """Inputs are bounded."""
    error(pushed(padding="x" * 70_000), 400, "invalid_request")


def test_authorization_details_tell_every_fault_at_once(node: Node) -> None:
    """Purpose, items, form, limits and firm together, as all input is checked."""
    wrong = DETAIL | {
        "purpose": "curiosity",
        "items": ["tax.nothing"],
        "form": "all",
        "enterprise": "91",
        "reason": "x",
    }
    body = error(pushed(authorization_details=json.dumps([wrong])), 400, "invalid_authorization_details")
    assert {p["field"] for p in body["problems"]} >= {"purpose", "items", "form"}
    beyond = DETAIL | {"period": 900, "times": 0}
    body = error(pushed(authorization_details=json.dumps([beyond])), 400, "invalid_authorization_details")
    assert "times" in {p["field"] for p in body["problems"]}
    for text in ("{", "[]", "[1]", json.dumps([DETAIL, DETAIL]), json.dumps([DETAIL | {"type": "other"}])):
        assert pushed(authorization_details=text).status_code == 400
    assert list_requests() == []


def test_scope_of_another_purpose_is_refused(node: Node) -> None:
    """The scope of a query is that of its purpose."""
    error(pushed(scope="credit:post_loan"), 400, "invalid_scope")
    assert pushed(scope=None).status_code == 201


def test_a_suspended_platform_cannot_push(node: Node) -> None:
    """It is not admitted, so no enterprise is asked in its name."""
    set_admitted("hub", admitted=False, reason="suspended", actor="t", now=timezone.now())
    error(pushed(), 400, "access_denied")


def test_user_refusal_is_returned_correctly(node: Node) -> None:
    """``access_denied`` with state and issuer, and no code."""
    browser = node.browser()
    opened(browser, pushed())
    answer = decided(browser, answer="decline")
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "s-1", ISSUER)
    assert "code" not in answer
    assert [e.body["reason"] for e in list_entries(event="oauth.request_refused")] == ["request declined"]


def test_the_answer_names_its_issuer_and_the_authorisation(node: Node) -> None:
    """``iss`` against mix-up (RFC 9207); the token says what was agreed to and under which number."""
    browser = node.browser()
    opened(browser, pushed())
    answer = decided(browser)
    assert (answer["iss"], answer["state"]) == (ISSUER, "s-1")
    token = redeemed(answer["code"]).json()
    [detail] = token["authorization_details"]
    assert detail == DETAIL | {"authorisation": detail["authorisation"]}
    assert get_authorisation(detail["authorisation"]).recipient == "hub"
    assert (token["token_type"], token["scope"]) == ("DPoP", "credit:approval")


def test_the_decision_page_lets_its_form_lead_back_to_the_platform_only(node: Node) -> None:
    """Browsers apply the page's policy to the redirect after the form."""
    browser = node.browser()
    opened(browser, pushed())
    page = browser.get(browser.get("/enterprise/oauth/")["Location"])
    assert "form-action 'self' https://platform.example;" in page["Content-Security-Policy"]


def test_only_the_browser_that_was_sent_can_go_on(node: Node) -> None:
    """The link binds the session it was opened in: nobody is led into somebody else's decision."""
    opened(node.browser(), pushed())
    assert node.browser().get("/enterprise/oauth/").status_code == 409


def test_signed_out_owner_signs_in_on_the_way(node: Node) -> None:
    """The request waits in the session while the owner signs in."""
    browser = Client()
    assert opened(browser, pushed()).status_code == 302
    there = browser.get("/enterprise/oauth/")["Location"]
    assert there == "/sign-in/?next=/enterprise/oauth/"
    form = {"username": "owner", "password": "a long pass phrase", "next": "/enterprise/oauth/"}
    assert browser.post("/sign-in/", form)["Location"] == "/enterprise/oauth/"
    assert decided(browser)["code"]


def test_another_enterprise_cannot_decide(node: Node) -> None:
    """Whoever acts for one firm sees nothing of a request to another."""
    browser = node.browser()
    opened(browser, pushed(authorization_details=json.dumps([DETAIL | {"enterprise": OTHER}])))
    assert browser.get("/enterprise/oauth/").status_code == 403
    assert list_requests() == []


def test_a_second_request_within_30_days_goes_back_refused(node: Node) -> None:
    """The rule of consent holds here too, and the platform is told which."""
    code_for(node)
    browser = node.browser()
    opened(browser, pushed())
    answer = back(browser.get("/enterprise/oauth/"))
    assert (answer["error"], answer["error_description"]) == ("access_denied", "consent.already_requested")


def test_starting_again_finds_the_open_request(node: Node) -> None:
    """A window that was closed costs the platform nothing."""
    first, second = node.browser(), node.browser()
    opened(first, pushed())
    there = first.get("/enterprise/oauth/")["Location"]
    opened(second, pushed())
    assert second.get("/enterprise/oauth/")["Location"] == there
    assert decided(second)["code"] and len(list_requests()) == 1


def test_code_reuse_after_one_second_ends_what_it_gave(node: Node) -> None:
    """A code that comes twice was stolen."""
    code = code_for(node)
    first = redeemed(code).json()
    error(redeemed(code), 400, "invalid_grant")
    denied(using(first["access_token"]).get("/api/v1/accesses"), 401, "invalid_token")
    error(refreshed(first["refresh_token"]), 400, "invalid_grant")
    assert list_entries(event="oauth.grant_ended")[0].body["reason"] == "code used again"


def test_expired_code(node: Node) -> None:
    """It lives for a minute."""
    code = code_for(node)
    aged(61)
    error(redeemed(code), 400, "invalid_grant")


def test_code_of_another_client(node: Node) -> None:
    """And the rightful client can still use it."""
    code = code_for(node)
    error(redeemed(code, client_id="bank-a"), 400, "invalid_grant")
    assert redeemed(code).status_code == 200


def test_wrong_verifier(node: Node) -> None:
    """PKCE: who redeems is who pushed."""
    code = code_for(node)
    error(redeemed(code, code_verifier="w" * 43), 400, "invalid_grant")
    error(redeemed(code, code_verifier="é" * 43), 400, "invalid_grant")


def test_missing_verifier(node: Node) -> None:
    """None is as bad as a wrong one."""
    error(redeemed(code_for(node), code_verifier=None), 400, "invalid_grant")


def test_redirect_uri_of_the_code_must_be_the_pushed_one(node: Node) -> None:
    """The same address at both ends."""
    error(redeemed(code_for(node), redirect_uri="https://platform.example/other"), 400, "invalid_grant")


def test_mismatched_dpop_jkt(node: Node) -> None:
    """A code bound to one key is nothing to another."""
    jkt = key("proofs").thumbprint()
    code = code_for(node, dpop_jkt=jkt)
    error(redeemed(code, by=key("thief")), 400, "invalid_grant")
    assert redeemed(code).status_code == 200


def test_dpop_jkt_that_is_not_the_proofs_key(node: Node) -> None:
    """Two statements about the key that differ."""
    made = proof("POST", PAR, by=key("proofs"))
    error(pushed(made=made, dpop_jkt=key("thief").thumbprint()), 400, "invalid_request")


def test_proof_at_par_binds_the_code(node: Node) -> None:
    """The proof sent along is as good as dpop_jkt."""
    browser = node.browser()
    opened(browser, pushed(made=proof("POST", PAR, by=key("proofs"))))
    code = decided(browser)["code"]
    error(redeemed(code, by=key("thief")), 400, "invalid_grant")
    assert redeemed(code).status_code == 200


def test_two_platforms_do_not_see_each_others_requests(node: Node) -> None:
    """A second client of the same organisation is another client."""
    register_client("hub", client_id="hub-two", actor="t", now=node.now)
    answer: Any = post_form("/oauth/par", proved("hub-two", **wanted(code_challenge=digest("x" * 43))))
    assert answer.status_code == 201
    assert opened(node.browser(), answer, "hub").status_code == 409
