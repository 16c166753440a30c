"""Signing in and keeping rights, as people do it: pages in, pages and evidence out."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.integration.test_accounts import code_at
from tests.web.conftest import FIRM, PASSWORD, Town, visitor
from xinqiao.accounts.actions import reset_password
from xinqiao.accounts.factor import enrol, new_secret
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.queries import list_entries
from xinqiao.parties.actions import add_member, register_person
from xinqiao.parties.people import find_account
from xinqiao.parties.queries import list_members
from xinqiao.parties.types import Right, Role


def sign_in(username: str, password: str = PASSWORD) -> tuple[Client, Any]:
    browser = visitor(english=True)
    return browser, browser.post("/sign-in/", {"username": username, "password": password, "next": "/node/"})


def events(kind: str) -> list[Any]:
    return [e for e in list_entries(limit=50) if e.event == kind]


def test_two_steps_where_there_is_a_second_factor(town: Town) -> None:
    secret, now = new_secret(), timezone.now()
    enrol(town.people["operator"], secret=secret, code=code_at(secret, now - timedelta(seconds=30)), now=now)
    browser, answer = sign_in("operator")
    assert answer["Location"] == "/sign-in/code/"
    assert browser.get("/node/").status_code == 302
    assert browser.post("/sign-in/code/", {"code": "000000"}).status_code == 403
    answer = browser.post("/sign-in/code/", {"code": code_at(secret, timezone.now())})
    assert (answer.status_code, answer["Location"]) == (302, "/node/")
    assert browser.get("/node/").status_code == 200
    assert events("accounts.signed_in")[0].body == {"factors": 2, "how": "password"}


def test_staff_without_a_second_factor_are_led_to_set_one_up(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xinqiao.web.sessions.second_factor", lambda: "staff")
    owner, _ = sign_in("owner")
    assert owner.get("/enterprise/").status_code == 200
    browser, _ = sign_in("operator")
    assert browser.get("/node/")["Location"] == "/account/second-factor/"
    page = browser.get("/account/second-factor/").content.decode()
    secret = re.findall(r"<code>([A-Z2-7]{32})</code>", page)[0]
    assert "<svg" in page
    done = browser.post("/account/second-factor/", {"code": code_at(secret, timezone.now())}).content.decode()
    assert len(re.findall(r"<code>[0-9a-f]{10}</code>", done)) == 10
    assert browser.get("/node/").status_code == 200


def test_a_first_password_is_changed_before_anything_else(town: Town) -> None:
    reset_password(town.people["banker"], "First-pass-1", actor="t", now=timezone.now())
    browser, _ = sign_in("banker", "First-pass-1")
    assert browser.get("/institution/")["Location"] == "/account/password/"
    refused = browser.post("/account/password/", {"username": "banker", "old": "First-pass-1", "new": "banker"})
    assert refused.status_code == 422
    new = "Chang-an-2026"
    assert (
        browser.post("/account/password/", {"username": "banker", "old": "First-pass-1", "new": new}).status_code == 302
    )
    browser, _ = sign_in("banker", new)
    assert browser.get("/institution/").status_code == 200


def test_a_session_ends_when_nobody_uses_it(town: Town) -> None:
    browser, _ = sign_in("operator")
    session = browser.session
    session["seen"] = (timezone.now() - timedelta(minutes=16)).timestamp()
    session.save()
    assert browser.get("/node/")["Location"].startswith("/sign-in/?next=")
    assert events("accounts.signed_out")[0].body == {"why": "idle"}


def test_staff_have_one_session_at_a_time(town: Town) -> None:
    first, _ = sign_in("operator")
    second, _ = sign_in("operator")
    assert second.get("/node/").status_code == 200
    assert first.get("/node/")["Location"].startswith("/sign-in/?next=")
    assert second.get("/node/").status_code == 200


def test_an_owner_gives_an_accountant_single_rights_and_takes_them_back(town: Town) -> None:
    owner = town.client("owner", english=True)
    until = (timezone.localdate() + timedelta(days=30)).isoformat()
    form = {"username": "accountant", "name": "Zhang", "role": "delegate", "rights": ["report"], "until": until}
    assert owner.post("/enterprise/people/", {**form, "rights": [], "until": ""}).status_code == 422
    assert owner.post("/enterprise/people/", {**form, "role": "operator"}).status_code == 403
    assert find_account("accountant") is None, "no account is left behind with a password nobody saw"
    page = owner.post("/enterprise/people/", form).content.decode()
    first = re.findall(r"<code>([a-zA-Z0-9]{12})</code>", page)[0]
    browser, _ = sign_in("accountant", first)
    browser.post("/account/password/", {"username": "accountant", "old": first, "new": "Weinan-2026-x"})
    browser, _ = sign_in("accountant", "Weinan-2026-x")
    assert browser.get("/enterprise/report/").status_code == 200
    assert browser.get("/enterprise/accesses/").status_code == 403
    assert browser.get("/enterprise/people/").status_code == 404
    [member] = [m for m in list_members(enterprise=FIRM, now=timezone.now()) if m.role is Role.DELEGATE]
    assert member.rights == {Right.REPORT} and member.until is not None
    assert owner.post(f"/enterprise/people/{member.id}/end/").status_code == 302
    assert browser.get("/enterprise/report/").status_code == 302


def test_accounts_and_roles_come_from_different_hands(town: Town) -> None:
    people = {}
    for name, role in (("root", Role.ADMINISTRATOR), ("keeper", Role.SECURITY)):
        number = register_person(name, name=name, password=PASSWORD, actor="t", now=town.now)
        people[name] = number
        add_member(number, role=role, organisation="node", actor="t", now=town.now)
    root, guard = sign_in("root")[0], sign_in("keeper")[0]
    assert guard.post("/node/people/", {"username": "newcomer", "role": "operator"}).status_code == 422
    assert root.post("/node/people/", {"username": "newcomer", "name": "New", "role": "operator"}).status_code == 200
    assert guard.post("/node/people/", {"username": "newcomer", "role": "operator"}).status_code == 200
    assert guard.post("/node/people/", {"username": "root", "role": "auditor"}).status_code == 403
    members = {m.person_name: m for m in list_members(organisation="node", now=timezone.now())}
    assert members["New"].role is Role.OPERATOR
    assert guard.post(f"/node/people/{members['keeper'].id}/end/").status_code == 403
    assert root.post(f"/node/people/{members['New'].id}/reset/").status_code == 200
    assert guard.post(f"/node/people/{members['New'].id}/end/").status_code == 302
    auditor = town.client("auditor", english=True)
    shown = auditor.get("/node/doings/?event=parties.member_ended").content.decode()
    assert f"person:{people['keeper']}" in shown
    assert auditor.post("/node/people/", {"username": "x"}).status_code == 404


def test_a_court_checks_what_a_party_hands_in(town: Town) -> None:
    access = town.read()
    sequence(now=timezone.now())
    receipt = town.client("owner").get(f"/enterprise/accesses/{access}/receipt.json").content
    judge = town.client("judge", english=True)
    page = judge.post("/judicial/", {"file": SimpleUploadedFile("r.json", receipt)}).content.decode()
    assert "message good" in page
    spoilt = receipt.replace(b'"at"', b'"AT"', 1) if b'"at"' in receipt else receipt[:-40] + receipt[-39:]
    page = judge.post("/judicial/", {"file": SimpleUploadedFile("r.json", spoilt)}).content.decode()
    assert "message risk" in page
    assert judge.post("/judicial/", {}).status_code == 200
