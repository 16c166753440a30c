"""Every route says who may open it; without signing in there is nothing but public pages."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from tests.web.conftest import FIRM, Town, visitor
from xinqiao.web.access import AccessRule, Portal
from xinqiao.web.api.v1.endpoints import api
from xinqiao.web.routing import list_routes

# Django's own view: it sets a cookie and shows nothing.
WITHOUT_RULE = {"set_language"}
OPEN = {"home", "healthz", "readyz", "sign-in", "sign-out", "choose", "care", "catalogue", "item", "template"}
OPEN |= {"oauth-metadata", "oauth-authorise", "oauth-par", "oauth-token", "oauth-revoke", "oauth-introspect"}
OPEN |= {"sign-in-code", "sign-in-provincial", "sign-in-provincial-back"}
OPEN |= {"guideline", "guideline-json", "guideline-md", "evidence", "errors", "log-file", "members"}
OPEN |= {
    "list-versions",
    "list-signed",
    "on-time",
    "on-time-file",
    "products",
    "product",
    "statistics",
    "violations",
    "statistics-file",
    "body-call-back",
}
ANY_VALUE = {"code": "tax.credit_rating", "uscc": FIRM, "path": "checkpoint", "person": 1, "alert": 1}
ANY_VALUE |= {"number": 1, "proposal": "L", "finding": 1, "match": 1, "membership": 1, "held": 1, "model": "m"}
ANY_VALUE |= {"formula": "F", "file": 1, "notice": 1, "paper": 1, "proceeding": "Z"}
OWN = {"account", "account-password", "account-factor", "account-unlink"}
OPEN_OPERATIONS = {("GET", "/catalogue"), ("GET", "/catalogue/{code}")}


def all_routes() -> dict[str, URLPattern]:
    """Name → route, the API apart."""
    return {str(route.name): route for _, route in list_routes()}


def rule_of(route: URLPattern) -> AccessRule | None:
    """The rule a view carries."""
    return getattr(route.callback, "access_rule", None)


def test_every_route_names_its_access_rule() -> None:
    """A view without a rule is open to everybody by mistake."""
    assert {name for name, route in all_routes().items() if rule_of(route) is None} == WITHOUT_RULE


def test_only_these_routes_are_public() -> None:
    """A page becomes public by a change here, never by forgetting."""
    without = {name: rule for name, route in all_routes().items() if (rule := rule_of(route)) and rule.portal is None}
    assert {name for name, rule in without.items() if not rule.signed_in} == OPEN
    assert {name for name, rule in without.items() if rule.signed_in} == OWN


def test_a_route_of_a_portal_has_the_rule_of_that_portal() -> None:
    """No enterprise page that a bank may open, no node page for a department."""
    for name, route in all_routes().items():
        rule = rule_of(route)
        if rule and rule.portal:
            assert route.pattern.describe().split("'")[1].startswith(f"{rule.portal}/"), name
            assert rule.roles, name
    named = [rule_of(route) for route in all_routes().values()]
    assert {rule.portal for rule in named if rule} == {None, *Portal}


@pytest.mark.parametrize("method", ["get", "post"])
def test_signed_out_people_get_the_sign_in_page_and_no_content(town: Town, method: str) -> None:
    """Every page of every portal, by both methods: a redirect with an empty body."""
    for name, route in all_routes().items():
        rule = rule_of(route)
        if rule is None or (rule.portal is None and not rule.signed_in):
            continue
        values = {key: ANY_VALUE.get(key, "x") for key in route.pattern.converters}
        answer = getattr(visitor(), method)(reverse(name, kwargs=values))
        assert (answer.status_code, answer.content) == (302, b""), name
        assert answer["Location"].startswith("/sign-in/?next="), name


def test_every_operation_of_the_api_but_the_catalogue_needs_a_token(town: Town) -> None:
    """Asked without a token, with a wrong one and with a session: 401 each time."""
    session = town.client("operator")
    seen = set()
    for path, view in api.default_router.path_operations.items():
        for operation in view.operations:
            for method in operation.methods:
                seen.add((method, path))
                if (method, path) in OPEN_OPERATIONS:
                    continue
                address = "/api/v1" + path.replace("{", "").replace("}", "")
                for client in (Client(), Client(headers={"Authorization": "DPoP wrong"}), session):
                    assert client.generic(method, address).status_code == 401, (method, path)
    assert seen > OPEN_OPERATIONS


def test_a_person_of_another_role_is_refused_like_a_stranger(town: Town) -> None:
    """The portal is right, the role is not: 404."""
    assert town.client("operator").get("/node/runs/").status_code == 200
    assert town.client("auditor").get("/node/").status_code == 200
    assert town.client("auditor").get("/node/runs/").status_code == 404
    assert town.client("auditor").post("/node/runs/").status_code == 404


@pytest.mark.parametrize("page", ["/", "/sign-in/", "/catalogue/", "/evidence/", "/no-such-page/"])
def test_a_page_may_run_nothing_and_load_nothing_foreign(page: str, db: None) -> None:
    """Every page says so to the browser; for an enterprise's own pages it matters most."""
    assert "default-src 'none'" in visitor().get(page)["Content-Security-Policy"]


def test_an_enterprises_pages_may_run_nothing(town: Town) -> None:
    """Its report, the list of who looked, and the page on which it agrees."""
    asked = town.ask()
    for page in ("/enterprise/", "/enterprise/report/", "/enterprise/accesses/", f"/enterprise/requests/{asked.id}/"):
        answer = town.client("owner").get(page)
        assert answer.status_code == 200
        assert "script-src" not in answer["Content-Security-Policy"]
        assert "default-src 'none'" in answer["Content-Security-Policy"]
