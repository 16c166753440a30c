"""A bank's program asks, the firm decides in its portal, the program polls or is told; no browser of the bank's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.web.conftest import FIRM, Town
from tests.web.test_api import asking, post, refusal
from xinqiao.consent.queries import consent_text
from xinqiao.plumbing import settings as node
from xinqiao.webhooks.queries import list_messages


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A demonstration, in which an endpoint may be on this machine."""
    monkeypatch.setenv("XINQIAO_DEMO", "1")
    node.demo.cache_clear()
    yield
    node.demo.cache_clear()


def _hook(bank: Client) -> dict[str, Any]:
    answer = bank.post(
        "/api/v1/webhooks", json.dumps({"url": "http://127.0.0.1:9/hook"}), content_type="application/json"
    )
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def _decide(town: Town, request: str, answer: str) -> None:
    owner = town.client("owner")
    assert owner.get(reverse("enterprise-decide", args=[request])).status_code == 200
    digest = consent_text(request, locale="zh").sha256
    decided = owner.post(
        reverse("enterprise-decide", args=[request]), {"answer": answer, "locale": "zh", "digest": digest}
    )
    assert decided.status_code == 302


@pytest.mark.usefixtures("demo")
def test_from_the_request_to_the_notice_of_withdrawal(town: Town) -> None:
    """Asked, seen in the inbox, polled, granted, told; withdrawn, told, refused."""
    bank = town.api("bank-a")
    made = _hook(bank)
    assert made["secret"].startswith("whsec_")
    asked = post(bank, "/authorisation-requests", asking(product="A-17")).json()
    assert (asked["state"], asked["poll_after"], asked["product"]) == ("requested", 5, "A-17")
    address = f"/api/v1/authorisation-requests/{asked['id']}"
    assert asked["id"] in town.client("owner").get("/enterprise/authorisations/").content.decode()
    _decide(town, asked["id"], "grant")
    polled = bank.get(address).json()
    assert (polled["state"], polled["poll_after"]) == ("granted", None)
    assert post(bank, "/reports", {"enterprise": FIRM, "purpose": "approval", "authorisation": polled["authorisation"]},
                key="r").status_code == 200  # fmt: skip
    town.client("owner").post(reverse("enterprise-withdraw", args=[polled["authorisation"]]))
    told = bank.get("/api/v1/webhooks/messages").json()
    assert next((n["type"], n["about"]) for n in told) == ("authorisation.withdrawn", asked["id"])
    read = {"enterprise": FIRM, "purpose": "approval", "authorisation": polled["authorisation"]}
    refusal(post(bank, "/reports", read, key="r-2"), 403, "release.refused")


@pytest.mark.usefixtures("demo")
def test_the_firm_says_no(town: Town) -> None:
    """Declined, told, and nothing to read."""
    bank = town.api("bank-a")
    _hook(bank)
    asked = post(bank, "/authorisation-requests", asking()).json()
    _decide(town, asked["id"], "decline")
    assert bank.get(f"/api/v1/authorisation-requests/{asked['id']}").json()["state"] == "declined"
    assert [m.type for m in list_messages("bank-a")] == ["authorisation_request.declined"]


def test_one_request_in_thirty_days_unless_invited(town: Town) -> None:
    """The second is refused with the day it may be; the firm's invitation lets one in."""
    bank = town.api("bank-a")
    asked = post(bank, "/authorisation-requests", asking()).json()
    refusal(post(bank, "/authorisation-requests", asking(), key="k-2"), 409, "consent.already_requested")
    assert town.client("owner").post(reverse("enterprise-invite", args=[asked["id"]])).status_code == 302
    assert post(bank, "/authorisation-requests", asking(), key="k-3").status_code == 201


def test_who_asked_takes_it_back(town: Town) -> None:
    """Cancelled by its asker only; the firm's page then says so."""
    bank = town.api("bank-a")
    asked = post(bank, "/authorisation-requests", asking()).json()
    address = f"/api/v1/authorisation-requests/{asked['id']}"
    refusal(town.api("bank-b").delete(address), 404, "consent.not_found")
    assert bank.delete(address).json()["state"] == "cancelled"
    refusal(bank.delete(address), 409, "state.transition_refused")


@pytest.mark.parametrize(
    "change", [{"type": "payment"}, {"form": "everything"}, {"items": []}, {"purpose": 3}, {"colour": "red"}]
)
def test_a_query_that_is_none_is_refused(town: Town, change: dict[str, Any]) -> None:
    """Another type, form, an unknown member: 422 naming where."""
    found = refusal(post(town.api("bank-a"), "/authorisation-requests", asking(**change)), 422, "api.malformed")
    assert found["problems"]


@pytest.mark.usefixtures("demo")
def test_endpoints_are_their_organisations_own(town: Town) -> None:
    """Another bank cannot see, change, end or send again; a department has none; the secret is shown once."""
    bank, rival = town.api("bank-a"), town.api("bank-b")
    made = _hook(bank)
    assert (
        "secret" not in bank.get("/api/v1/webhooks").json()[0] or not bank.get("/api/v1/webhooks").json()[0]["secret"]
    )
    assert rival.get("/api/v1/webhooks").json() == []
    refusal(rival.post(f"/api/v1/webhooks/{made['id']}/secret"), 404, "webhooks.unknown")
    refusal(rival.delete(f"/api/v1/webhooks/{made['id']}"), 404, "webhooks.unknown")
    refusal(rival.post("/api/v1/webhooks/messages/msg_1/again"), 404, "webhooks.unknown")
    changed = bank.post(f"/api/v1/webhooks/{made['id']}/secret").json()
    assert changed["secret"] != made["secret"]
    assert bank.delete(f"/api/v1/webhooks/{made['id']}").status_code == 204
    refusal(bank.delete(f"/api/v1/webhooks/{made['id']}"), 404, "webhooks.unknown")
    wrong = town.api("tax_bureau").get("/api/v1/webhooks")
    assert wrong.status_code == 403
