"""The node watches and stops by two people; whoever is stopped reads why and appeals, and everything else is closed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import uscc
from tests.web.conftest import PASSWORD, Town
from xinqiao.parties.actions import add_member, register_person
from xinqiao.parties.types import Role
from xinqiao.release.queries import list_accesses
from xinqiao.supervision.actions import approve_freeze, propose_freeze
from xinqiao.supervision.canaries import plant_canaries
from xinqiao.supervision.queries import get_freeze, list_alerts, list_freezes
from xinqiao.supervision.types import AlertState, FreezeState
from xinqiao.supervision.watch import watch


@pytest.fixture
def guessed(town: Town) -> int:
    """A bank's program has tried codes out; the number of the alert."""
    machine = town.api("bank-a")
    for n in range(6):
        assert machine.get(f"/api/v1/enterprises/{uscc(4000 + n)}/public").status_code == 404
    return next(a.id for a in watch(now=timezone.now()) if a.sentinel == "enumeration")


def stop(town: Town, party: str) -> str:
    """A freeze by two people."""
    by: dict[str, Any] = {"now": timezone.now()}
    made = propose_freeze(party, organisation="bank-a", reason="tries codes out", actor="person:901", **by)
    return approve_freeze(made.id, actor="person:902", **by).id


def steps(client: Client, number: str, step: str, reason: str = "seen and judged") -> Any:
    return client.post(f"/node/supervision/freezes/{number}/", {"step": step, "reason": reason})


def test_a_look_for_a_code_that_nobody_has_is_a_refusal_with_a_receipt(town: Town) -> None:
    """Whoever tries codes out leaves a trace, and holds the same proof of it as of any other refusal."""
    answer = town.api("bank-a").get(f"/api/v1/enterprises/{uscc(4000)}/public")
    problem = answer.json()
    assert answer.status_code == 404 and problem["code"] == "release.not_registered"
    assert problem["receipt"]["leaf"] and problem["disclosure"]["subject"]["content"] == uscc(4000)
    line = list_accesses(recipient="bank-a")[0]
    assert (line.id, line.allowed, line.actor) == (problem["access"], False, "api:bank-a")


def test_from_the_alert_to_a_freeze_by_two_people(town: Town, guessed: int) -> None:
    operator, guard = town.client("operator"), town.client("guard")
    assert "逐个试探" in operator.get("/node/supervision/").content.decode()
    page = operator.get(f"/node/supervision/alerts/{guessed}/").content.decode()
    assert "api:bank-a" in page and uscc(4000) in page
    operator.post(f"/node/supervision/alerts/{guessed}/", {"step": "freeze", "reason": "tries codes out"})
    (freeze,) = list_freezes()
    assert steps(operator, freeze.id, "approve").status_code == 403, "the same person is no second person"
    machine = town.api("bank-a")
    assert machine.get("/api/v1/accesses").status_code == 200
    assert steps(town.client("auditor"), freeze.id, "approve").status_code == 404, "an auditor changes nothing"
    assert steps(guard, freeze.id, "approve").status_code == 302
    refused = machine.get("/api/v1/accesses")
    assert refused.status_code == 403 and refused.json()["code"] == "oauth.client_frozen", "the token in hand is dead"
    assert machine.fetch().json()["error"] == "unauthorized_client", "and there is no new one"
    assert town.api("bank-b").get("/api/v1/accesses").status_code == 200


def test_a_freeze_of_a_client_says_so_only_to_who_proved_to_be_it(town: Town) -> None:
    """A stranger that names the client learns nothing of its case."""
    stop(town, "api:bank-a")
    machine = town.api("bank-a")
    answer = machine.fetch(client_assertion="e30.e30.e30")
    assert answer.status_code == 401 and answer.json()["error"] == "invalid_client"


def test_the_organisation_reads_why_and_appeals(town: Town) -> None:
    number = stop(town, "api:bank-a")
    banker = town.client("banker")
    assert "tries codes out" in banker.get("/institution/freezes/").content.decode()
    banker.post(f"/institution/freezes/{number}/appeal/", {"text": "a campaign of ours"})
    assert get_freeze(number).state is FreezeState.APPEALED
    assert town.client("rival").post(f"/institution/freezes/{number}/appeal/", {"text": "x"}).status_code == 404
    assert steps(town.client("operator"), number, "lift", "the campaign is real").status_code == 302
    assert get_freeze(number).state is FreezeState.LIFTED
    assert town.api("bank-a").get("/api/v1/accesses").status_code == 200


def test_a_frozen_person_can_only_read_why_and_appeal(town: Town) -> None:
    """Every other page of the portal is closed to them; a colleague goes on working."""
    banker = town.client("banker")
    assert banker.get("/institution/").status_code == 200
    number = stop(town, f"person:{town.people['banker']}")
    page = banker.get("/institution/")
    assert page.status_code == 403 and "web.member_frozen" in page.content.decode()
    assert banker.get("/institution/accesses/").status_code == 403
    assert banker.get("/institution/freezes/").status_code == 200
    assert banker.post(f"/institution/freezes/{number}/appeal/", {"text": "why me"}).status_code == 302
    now = timezone.now()
    other = register_person("colleague", name="Colleague", password=PASSWORD, actor="t", now=now)
    add_member(other, role=Role.OFFICER, organisation="bank-a", actor="t", now=now - timedelta(hours=1))
    colleague = Client()
    assert colleague.login(username="colleague", password=PASSWORD)
    assert colleague.get("/institution/").status_code == 200


def test_an_alert_with_an_explanation_is_dismissed_with_the_reason(town: Town, guessed: int) -> None:
    operator = town.client("operator")
    assert operator.post(f"/node/supervision/alerts/{guessed}/", {"step": "dismiss", "reason": " "}).status_code == 422
    operator.post(f"/node/supervision/alerts/{guessed}/", {"step": "dismiss", "reason": "a test by the bank"})
    assert [a.state for a in list_alerts()] == [AlertState.DISMISSED]
    assert "a test by the bank" in operator.get(f"/node/supervision/alerts/{guessed}/").content.decode()
    assert operator.get("/node/supervision/alerts/0/").status_code == 404
    assert operator.get("/node/supervision/freezes/none/").status_code == 404


def test_which_firms_are_canaries_is_on_no_page(town: Town) -> None:
    """The operators' page says how many; knowing which would make them worthless."""
    planted = plant_canaries(2, actor="person:1", now=timezone.now())
    page = town.client("operator").get("/node/supervision/").content.decode()
    assert "2" in page and not [code for code in planted if code in page]
