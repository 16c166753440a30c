"""Tokens: client authentication, proofs, refresh, revocation; what is refused, by topic."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.kept import laid_down
from tests.machines import ISSUER, Machine, assertion, key, post_form, proof, proved, public, signed
from tests.web.oauth_flow import (
    FIRM,
    OTHER,
    TOKEN,
    Node,
    asked_with,
    code_for,
    decided,
    denied,
    error,
    fetched,
    opened,
    pushed,
    redeemed,
    refreshed,
    small_node,
    using,
)
from xinqiao.consent.actions import withdraw_authorisation
from xinqiao.evidence.queries import list_entries
from xinqiao.oauth.actions import add_key, end_client, end_key
from xinqiao.oauth.models import Grant, Spent, Token
from xinqiao.oauth.proving import fresh_nonce
from xinqiao.oauth.queries import get_client
from xinqiao.oauth.tokens import sweep
from xinqiao.parties.actions import set_admitted
from xinqiao.release.queries import list_accesses

ACCESSES = f"{ISSUER}/api/v1/accesses"


@pytest.fixture
def node(evidence_folder: Path, db: None) -> Node:
    """A small node."""
    return laid_down(small_node, evidence_folder.parent)


def seconds(ahead: float) -> int:
    """A moment from now as tokens write it."""
    return int(time.time() + ahead)


def token(**form: Any) -> str:
    """A token of the platform's own."""
    return str(fetched(**form).json()["access_token"])


def revoked(text: str, client_id: str = "hub") -> Any:
    """The answer to a revocation."""
    return post_form("/oauth/revoke", proved(client_id, token=text))


def asked(text: str, client_id: str = "hub") -> dict[str, Any]:
    """What introspection says."""
    return dict(post_form("/oauth/introspect", proved(client_id, token=text)).json())


def report(machine: Machine, **changes: Any) -> Any:
    """A query for a report."""
    body = {"enterprise": FIRM, "purpose": "approval", "form": "report"} | changes
    return machine.post("/api/v1/reports", body, content_type="application/json", headers={"Idempotency-Key": "k"})


@pytest.mark.parametrize(("kind", "alg"), [("EC", "ES256"), ("RSA", "PS256"), ("OKP", "Ed25519")])
def test_the_algorithms_of_the_profile_are_accepted(node: Node, kind: str, alg: str) -> None:
    """For assertion and proof alike."""
    pair = key(f"by {kind}", kind)
    add_key("hub", jwk=public(pair), actor="t", now=timezone.now())
    made = proof("POST", TOKEN, by=pair, alg=alg)
    assert fetched(made=made, client_assertion=assertion("hub", by=pair, alg=alg)).status_code == 200


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_the_older_name_of_ed25519_is_accepted(node: Node) -> None:
    """``EdDSA``, as most clients still write."""
    pair = key("by OKP", "OKP")
    add_key("hub", jwk=public(pair), actor="t", now=timezone.now())
    made = proof("POST", TOKEN, by=pair, alg="EdDSA")
    assert fetched(made=made, client_assertion=assertion("hub", by=pair, alg="EdDSA")).status_code == 200


def test_assertion_rs256(node: Node) -> None:
    """The key is registered, the algorithm is not accepted."""
    pair = key("by RSA", "RSA")
    add_key("hub", jwk=public(pair), actor="t", now=timezone.now())
    error(fetched(client_assertion=assertion("hub", by=pair, alg="RS256")), 401, "invalid_client")


def test_assertion_without_signature(node: Node) -> None:
    """``none`` proves nothing."""
    head, body, _ = assertion("hub").split(".")
    for text in (f"eyJhbGciOiJub25lIn0.{body}.", f"{head}.{body}.", "x", "a.b.c", "é.é.é"):
        error(fetched(client_assertion=text), 401, "invalid_client")


def test_assertion_of_another_key(node: Node) -> None:
    """Its kid may say what it likes."""
    thief, mine = key("thief"), key("hub")
    claims = {"iss": "hub", "sub": "hub", "aud": ISSUER, "exp": seconds(60), "jti": "1"}
    forged = signed({"alg": "ES256", "kid": mine.thumbprint()}, claims, thief)
    error(fetched(client_assertion=forged), 401, "invalid_client")


def test_missing_client_id_is_read_from_the_assertion(node: Node) -> None:
    """RFC 7521 (4.2) makes client_id optional beside an assertion; without both nobody is known."""
    form = {"grant_type": "client_credentials", **proved("hub")}
    form.pop("client_id")
    assert post_form("/oauth/token", form, proof=proof("POST", TOKEN, by=key("proofs"))).status_code == 200
    form["client_assertion"] = assertion("hub", drop="sub")
    error(post_form("/oauth/token", form, proof=proof("POST", TOKEN, by=key("proofs"))), 401, "invalid_client")


def test_client_id_of_another_client(node: Node) -> None:
    """The assertion is the bank's, the name the platform's."""
    error(fetched("hub", client_assertion=assertion("bank-a")), 401, "invalid_client")


def test_missing_client_assertion(node: Node) -> None:
    """No other way of authentication exists."""
    error(fetched(client_assertion=None), 401, "invalid_client")
    error(fetched(client_assertion=None, client_secret="x"), 401, "invalid_client")


def test_assertion_expired_five_minutes_ago(node: Node) -> None:
    """An old one is worth nothing."""
    error(fetched(client_assertion=assertion("hub", exp=seconds(-300))), 401, "invalid_client")


def test_assertion_that_never_expires(node: Node) -> None:
    """Nor one that lives for long, or for ever."""
    error(fetched(client_assertion=assertion("hub", exp=seconds(3600))), 401, "invalid_client")
    error(fetched(client_assertion=assertion("hub", drop="exp")), 401, "invalid_client")


def test_assertion_without_sub(node: Node) -> None:
    """Issuer and subject are both the client."""
    error(fetched(client_assertion=assertion("hub", drop="sub")), 401, "invalid_client")
    error(fetched(client_assertion=assertion("hub", iss="bank-a")), 401, "invalid_client")


def test_assertion_with_a_wrong_audience(node: Node) -> None:
    """Made for another server."""
    for audience in ("https://other.example", TOKEN, [ISSUER], f"{ISSUER}/", None):
        error(fetched(client_assertion=assertion("hub", aud=audience)), 401, "invalid_client")


def test_assertion_used_twice(node: Node) -> None:
    """Its jti is spent."""
    made = assertion("hub")
    assert fetched(client_assertion=made).status_code == 200
    error(fetched(client_assertion=made), 401, "invalid_client")
    error(fetched(client_assertion=assertion("hub", drop="jti")), 401, "invalid_client")


def test_unknown_grant_type_and_scope(node: Node) -> None:
    """Named as OAuth names them."""
    error(fetched(grant_type="password"), 400, "unsupported_grant_type")
    error(post_form("/oauth/token", proved("hub")), 400, "invalid_request")
    error(fetched(scope="deliver"), 400, "invalid_scope")


def test_scope_order_does_not_matter(node: Node) -> None:
    """Any order asked for, one order given; fewer than registered is fine."""
    one, two = fetched(scope="credit:approval accesses"), fetched(scope="accesses credit:approval")
    assert one.json()["scope"] == two.json()["scope"] == "accesses credit:approval"


def test_a_token_opens_what_its_scope_says(node: Node) -> None:
    """A report of a purpose needs the scope of that purpose."""
    machine = using(token(scope="credit:post_loan"))
    denied(report(machine), 403, "insufficient_scope")
    denied(machine.get("/api/v1/accesses"), 403, "insufficient_scope")


def test_proof_is_required_at_the_token_endpoint(node: Node) -> None:
    """A token for nobody in particular is not issued."""
    error(fetched(made=""), 400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    "claims", [{"htm": "GET"}, {"htu": f"{ISSUER}/oauth/par"}, {"htu": "https://testserver/oauth/token"}]
)
def test_proof_for_another_call(node: Node, claims: dict[str, str]) -> None:
    """Wrong htm, wrong htu."""
    error(fetched(made=proof("POST", TOKEN, by=key("proofs"), **claims)), 400, "invalid_dpop_proof")


def test_proof_htu_is_compared_as_an_address(node: Node) -> None:
    """Case of scheme and host, default port, query and fragment do not count (RFC 9449, 4.3)."""
    for url in ("HTTP://TestServer/oauth/token", "http://testserver:80/oauth/token", f"{TOKEN}?a=1#b"):
        assert fetched(made=proof("POST", url, by=key("proofs"))).status_code == 200


@pytest.mark.parametrize("ahead", [-10, 8])
def test_proof_iat_within_ten_seconds_is_accepted(node: Node, ahead: int) -> None:
    """Clocks differ a little."""
    assert fetched(made=proof("POST", TOKEN, by=key("proofs"), iat=seconds(ahead))).status_code == 200


@pytest.mark.parametrize("ahead", [-300, 60])
def test_proof_iat_far_off_is_refused(node: Node, ahead: int) -> None:
    """But not by minutes."""
    error(fetched(made=proof("POST", TOKEN, by=key("proofs"), iat=seconds(ahead))), 400, "invalid_dpop_proof")


def test_proof_nbf_and_exp(node: Node) -> None:
    """Heeded where they stand."""
    good = {"nbf": seconds(8), "exp": seconds(60)}
    assert fetched(made=proof("POST", TOKEN, by=key("proofs"), **good)).status_code == 200
    for claims in ({"nbf": seconds(120)}, {"exp": seconds(-120)}, {"exp": "soon"}):
        error(fetched(made=proof("POST", TOKEN, by=key("proofs"), **claims)), 400, "invalid_dpop_proof")


def test_proof_jti_replay(node: Node) -> None:
    """One proof, one call."""
    made = proof("POST", TOKEN, by=key("proofs"))
    assert fetched(made=made).status_code == 200
    error(fetched(made=made), 400, "invalid_dpop_proof")


def test_proof_of_the_wrong_type_or_with_a_private_key(node: Node) -> None:
    """An assertion is no proof; a key that was sent is no secret."""
    pair = key("proofs")
    claims = {"htm": "POST", "htu": TOKEN, "iat": seconds(0), "jti": "1", "nonce": fresh_nonce(timezone.now())}
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": pair.as_dict(private=False)}
    for wrong in (
        header | {"typ": "JWT"},
        header | {"jwk": pair.as_dict(private=True)},
        {k: v for k, v in header.items() if k != "jwk"},
    ):
        error(fetched(made=signed(wrong, claims, pair)), 400, "invalid_dpop_proof")
    error(fetched(made=signed(header, claims, key("thief"))), 400, "invalid_dpop_proof")
    rsa = key("by RSA", "RSA")
    error(fetched(made=proof("POST", TOKEN, by=rsa, alg="RS256")), 400, "invalid_dpop_proof")


def test_two_proofs_are_one_too_many(node: Node) -> None:
    """Two programs on the way may each have checked another of the two."""
    both = ", ".join(proof("POST", TOKEN, by=key("proofs")) for _ in range(2))
    error(fetched(made=both), 400, "invalid_dpop_proof")


def test_nonce_is_asked_for_and_then_accepted(node: Node) -> None:
    """The refusal carries it; the assertion sent along was not spent by that."""
    made = assertion("hub")
    answer = fetched(made=proof("POST", TOKEN, by=key("proofs"), nonce=None), client_assertion=made)
    error(answer, 400, "use_dpop_nonce")
    again = proof("POST", TOKEN, by=key("proofs"), nonce=answer["DPoP-Nonce"])
    assert fetched(made=again, client_assertion=made).status_code == 200


def test_nonce_stale_foreign_or_over_length(node: Node) -> None:
    """An old one, one of another making, one without measure."""
    old = fresh_nonce(timezone.now() - timedelta(minutes=10))
    for nonce in (old, "1.2", "x", fresh_nonce(timezone.now())[:-1] + "x"):
        error(fetched(made=proof("POST", TOKEN, by=key("proofs"), nonce=nonce)), 400, "use_dpop_nonce")
    for nonce in ("n" * 256, 5):
        error(fetched(made=proof("POST", TOKEN, by=key("proofs"), nonce=nonce)), 400, "invalid_dpop_proof")


def test_nonce_is_asked_for_at_the_resource(node: Node) -> None:
    """With 401 and the header that clients look for."""
    text = token()
    answer = asked_with(text, made=proof("GET", ACCESSES, by=key("proofs"), token=text, nonce=None))
    denied(answer, 401, "use_dpop_nonce")
    again = proof("GET", ACCESSES, by=key("proofs"), token=text, nonce=answer["DPoP-Nonce"])
    assert asked_with(text, made=again).status_code == 200


def test_holder_of_key_is_required_at_the_resource(node: Node) -> None:
    """A stolen token without the key: no proof, another key's proof, a proof for another token."""
    text, other = token(), token()
    denied(Client().get("/api/v1/accesses", headers={"Authorization": f"DPoP {text}"}), 401, "invalid_dpop_proof")
    denied(asked_with(text, made=proof("GET", ACCESSES, by=key("thief"), token=text)), 401, "invalid_token")
    denied(asked_with(text, made=proof("GET", ACCESSES, by=key("proofs"), token=other)), 401, "invalid_dpop_proof")
    denied(asked_with(text, made=proof("GET", ACCESSES, by=key("proofs"))), 401, "invalid_dpop_proof")
    made = proof("GET", ACCESSES, by=key("proofs"), token=text)
    assert asked_with(text, made=made).status_code == 200
    denied(asked_with(text, made=made), 401, "invalid_dpop_proof")


def test_case_rules_of_token_type_and_scheme(node: Node) -> None:
    """The scheme in any case; ``Bearer`` never, though the proof be right."""
    text = token()
    for scheme in ("DPoP", "dpop", "DPOP"):
        made = proof("GET", ACCESSES, by=key("proofs"), token=text)
        assert asked_with(text, made=made, scheme=scheme).status_code == 200
    made = proof("GET", ACCESSES, by=key("proofs"), token=text)
    denied(asked_with(text, made=made, scheme="Bearer"), 401, "invalid_token")


def test_a_token_in_the_address_is_not_one(node: Node) -> None:
    """Addresses are logged."""
    assert Client().get(f"/api/v1/accesses?access_token={token()}").status_code == 401


def test_exchange_8_21_a_forged_client_certificate_header_is_ignored(node: Node) -> None:
    """No proxy, no certificate: such headers prove nothing and change nothing."""
    headers = {"X-Client-Cert": "CN=hub", "X-SSL-Client-Verify": "SUCCESS", "X-Forwarded-Client-Cert": "CN=hub"}
    assert Client(headers=headers).get("/api/v1/accesses").status_code == 401
    answer = Client(headers=headers).post(
        "/oauth/token", "grant_type=client_credentials&client_id=hub", content_type="application/x-www-form-urlencoded"
    )
    error(answer, 401, "invalid_client")


def test_an_access_token_lives_five_minutes(node: Node) -> None:
    """And not a second longer."""
    answer = fetched().json()
    assert answer["expires_in"] == 300
    Token.objects.update(expires_at=timezone.now())
    denied(using(answer["access_token"]).get("/api/v1/accesses"), 401, "invalid_token")


def test_only_digests_of_tokens_are_kept(node: Node) -> None:
    """A copy of the database opens nothing."""
    answer = redeemed(code_for(node)).json()
    kept = {row.token_sha256 for row in Token.objects.all()}
    assert len(kept) == 2 and not kept & {answer["access_token"], answer["refresh_token"]}


def test_refresh_keeps_the_binding(node: Node) -> None:
    """Another key's proof is refused, the same key's is not; scope and details stay."""
    first = redeemed(code_for(node)).json()
    error(refreshed(first["refresh_token"], by=key("thief")), 400, "invalid_grant")
    second = refreshed(first["refresh_token"]).json()
    assert second["authorization_details"] == first["authorization_details"]
    assert asked(second["access_token"])["cnf"] == {"jkt": key("proofs").thumbprint()}
    denied(using(second["access_token"], proof_key=key("thief")).get("/api/v1/accesses"), 401, "invalid_token")


def test_refresh_token_used_again_ends_the_grant(node: Node) -> None:
    """Rotation: the second use tells that somebody else has it."""
    first = redeemed(code_for(node)).json()
    second = refreshed(first["refresh_token"]).json()
    error(refreshed(first["refresh_token"]), 400, "invalid_grant")
    error(refreshed(second["refresh_token"]), 400, "invalid_grant")
    assert not asked(second["access_token"])["active"]


def test_refresh_token_of_another_client(node: Node) -> None:
    """And it stays good for its own."""
    first = redeemed(code_for(node)).json()
    error(refreshed(first["refresh_token"], client_id="bank-a"), 400, "invalid_grant")
    assert refreshed(first["refresh_token"]).status_code == 200


def test_an_access_token_is_no_refresh_token_and_the_other_way(node: Node) -> None:
    """Each opens one door."""
    first = redeemed(code_for(node)).json()
    error(refreshed(first["access_token"]), 400, "invalid_grant")
    denied(using(first["refresh_token"]).get("/api/v1/accesses"), 401, "invalid_token")


def test_exchange_8_02_no_refresh_after_revocation(node: Node) -> None:
    """Nothing is issued after the arrangement was revoked."""
    first = redeemed(code_for(node)).json()
    assert revoked(first["refresh_token"]).status_code == 200
    error(refreshed(first["refresh_token"]), 400, "invalid_grant")
    assert not asked(first["access_token"])["active"]


def test_exchange_8_03_a_second_revoke_is_200(node: Node) -> None:
    """As for a token that never was; only the first leaves an entry."""
    text = token()
    assert [revoked(text).status_code for _ in range(2)] == [200, 200]
    assert revoked("nothing").status_code == 200
    assert len(list_entries(event="oauth.grant_ended")) == 1
    denied(using(text).get("/api/v1/accesses"), 401, "invalid_token")


def test_a_client_revokes_its_own_tokens_only(node: Node) -> None:
    """Another's is left alone, and it is not said that it exists."""
    text = token()
    assert revoked(text, "bank-a").status_code == 200
    assert using(text).get("/api/v1/accesses").status_code == 200


def test_introspection_is_for_the_client_s_own_tokens(node: Node) -> None:
    """To all others a token is not active."""
    text = token(scope="accesses")
    found = asked(text)
    assert (found["active"], found["scope"], found["sub"], found["iss"]) == (True, "accesses", "hub", ISSUER)
    assert asked(text, "bank-a") == asked("nothing") == {"active": False}
    error(post_form("/oauth/introspect", {"client_id": "hub", "token": text}), 401, "invalid_client")


def test_exchange_8_01_a_revoked_client_s_token_opens_no_new_consent(node: Node) -> None:
    """Neither the API nor a pushed request nor a code that is on its way."""
    text, code = token(), code_for(node)
    browser = node.browser()
    end_client("hub", actor="t", now=timezone.now())
    query = {"type": "credit_query", "enterprise": FIRM, "purpose": "approval", "items": ["tax.payment"], "reason": "x"}
    body, headers = {"authorization_details": [query]}, {"Idempotency-Key": "k"}
    answer = using(text).post("/api/v1/authorisation-requests", body, content_type="application/json", headers=headers)
    denied(answer, 401, "invalid_token")
    error(pushed(), 401, "invalid_client")
    error(redeemed(code), 401, "invalid_client")
    assert browser.get("/enterprise/oauth/").status_code == 409


def test_deleting_a_client_ends_its_grants(node: Node) -> None:
    """Tokens and refresh tokens, with an entry that names them."""
    first = redeemed(code_for(node)).json()
    end_client("hub", actor="t", now=timezone.now())
    assert set(Grant.objects.values_list("ended_reason", flat=True)) == {"client ended"}
    assert list_entries(event="oauth.grant_ended")[0].body["grants"]
    denied(using(first["access_token"]).get("/api/v1/accesses"), 401, "invalid_token")


def test_a_token_of_consent_opens_what_the_enterprise_agreed_to_only(node: Node) -> None:
    """Another firm, another authorisation, another purpose, the ledger: refused before the gate is asked."""
    machine = using(redeemed(code_for(node)).json()["access_token"])
    for changes in ({"enterprise": OTHER}, {"authorisation": "A-other"}):
        assert denied(report(machine, **changes), 403, "insufficient_scope")["code"] == "oauth.beyond_details"
    for answer in (report(machine, purpose="post_loan"), machine.get("/api/v1/accesses")):
        assert denied(answer, 403, "insufficient_scope")["code"] == "oauth.insufficient_scope"


def test_withdrawal_works_on_the_next_call(node: Node) -> None:
    """The token stands, what it was given for does not: the gate says so, by its hard line for platforms."""
    first = redeemed(code_for(node)).json()
    [detail] = first["authorization_details"]
    withdraw_authorisation(detail["authorisation"], signatory=node.owner, now=timezone.now())
    document = report(using(first["access_token"])).json()
    assert (document["status"], document["code"]) == (403, "release.refused")
    assert list_accesses(enterprise=FIRM)[0].rule == "platform-no-authorisation"


def test_a_decided_request_cannot_be_decided_again(node: Node) -> None:
    """Neither refused after consent nor granted twice."""
    browser = node.browser()
    opened(browser, pushed())
    decided(browser)
    assert browser.get("/enterprise/oauth/").status_code == 409


def test_rotation_overlaps_and_the_ended_key_opens_nothing(node: Node) -> None:
    """Both keys work; once the old one is ended, it and the tokens it fetched are useless at once."""
    new = key("next")
    old = get_client("hub").keys[0].kid
    by_old = token()
    add_key("hub", jwk=public(new), actor="t", now=timezone.now())
    by_new = token(client_assertion=assertion("hub", by=new))
    end_key("hub", kid=old, actor="t", now=timezone.now())
    error(fetched(), 401, "invalid_client")
    denied(using(by_old).get("/api/v1/accesses"), 401, "invalid_token")
    assert using(by_new).get("/api/v1/accesses").status_code == 200


def test_suspension_works_on_the_next_call(node: Node) -> None:
    """The token stands, the gate does not open, and the enterprise sees that it was tried."""
    machine = using(token())
    set_admitted("hub", admitted=False, reason="suspended", actor="t", now=timezone.now())
    answer = machine.get(f"/api/v1/enterprises/{FIRM}/public")
    assert (answer.status_code, answer.json()["code"]) == (403, "release.refused")


def test_discovery_is_truthful(node: Node) -> None:
    """Every address answers, every claim is kept."""
    found = Client().get("/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == ISSUER and found["require_pushed_authorization_requests"] is True
    for name in ("token", "pushed_authorization_request", "revocation", "introspection"):
        answer = Client().post(found[f"{name}_endpoint"].removeprefix(ISSUER), {}, content_type="text/plain")
        error(answer, 400, "invalid_request")
    assert Client().get(found["authorization_endpoint"].removeprefix(ISSUER)).status_code == 403
    assert "RS256" not in found["token_endpoint_auth_signing_alg_values_supported"]
    assert found["code_challenge_methods_supported"] == ["S256"] and found["response_types_supported"] == ["code"]
    assert {"credit:approval", "deliver", "accesses"} <= set(found["scopes_supported"])


def test_what_has_expired_is_swept(node: Node) -> None:
    """Marks, tokens and requests go; what still works stays; the log keeps its entries."""
    keep, entries = token(), len(list_entries(limit=1000))
    gone = redeemed(code_for(node)).json()["access_token"]
    pushed()
    later = timezone.now() + timedelta(days=31)
    assert sweep(now=timezone.now()) == 0 and using(keep).get("/api/v1/accesses").status_code == 200
    assert sweep(now=later) > 0
    assert not Spent.objects.exists() and not Token.objects.exists() and not Grant.objects.exists()
    assert not asked(gone)["active"] and len(list_entries(limit=1000)) > entries
