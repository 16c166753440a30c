"""Signing in on a real database: locks, codes that are taken once, passwords, identities of elsewhere."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from typer.testing import CliRunner

from xinqiao.accounts.actions import (
    change_password,
    finish_sign_in,
    link_identity,
    note_sign_in,
    person_of_identity,
    reset_password,
    start_sign_in,
    unlink_identities,
)
from xinqiao.accounts.factor import enrol, new_secret, remove_factor
from xinqiao.accounts.queries import get_account_facts, get_standing
from xinqiao.accounts.types import (
    REST,
    FactorMissing,
    IdentityNotLinked,
    IdentityTaken,
    InvalidPassword,
    SignInLocked,
    WrongCode,
)
from xinqiao.config.cli import app
from xinqiao.evidence.queries import list_entries
from xinqiao.parties.actions import add_member, register_organisation, register_person
from xinqiao.parties.types import NotYourself, OrganisationKind, Right, Role, RolesNotTogether

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
PASSWORD = "a long pass phrase"
SECOND = timedelta(seconds=1)


@pytest.fixture
def person(fresh_node: Path, settings: Any) -> int:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return register_person("chen", name="Chen", password=PASSWORD, actor="t", now=NOW)


def code_at(secret: str, when: datetime) -> str:
    """What an authenticator shows."""
    return TOTP(base64.b32decode(secret), 6, SHA1(), 30).generate(int(when.timestamp())).decode()


def enrolled(person: int) -> tuple[str, list[str]]:
    secret = new_secret()
    return secret, enrol(person, secret=secret, code=code_at(secret, NOW), now=NOW)


@pytest.mark.parametrize("name", ["chen", "nobody"])
def test_five_wrong_passwords_lock_a_name_whether_or_not_anybody_has_it(person: int, name: str) -> None:
    for number in range(5):
        assert start_sign_in(name, "wrong", now=NOW + number * SECOND) is None
    with pytest.raises(SignInLocked):
        start_sign_in(name, PASSWORD, now=NOW + REST)
    found = start_sign_in(name, PASSWORD, now=NOW + REST + 10 * SECOND)
    assert (found.person_id if found else None) == (person if name == "chen" else None)
    events = [e.event for e in list_entries(limit=20) if e.event.startswith("accounts.")]
    assert events.count("accounts.locked") == 1 and events.count("accounts.sign_in_failed") >= 4


def test_signing_in_forgets_wrong_answers(person: int) -> None:
    for _ in range(3):
        for _ in range(4):
            assert start_sign_in("chen", "wrong", now=NOW) is None
        assert start_sign_in("chen", PASSWORD, now=NOW)
        note_sign_in(person, factors=1, session="s", how="password", now=NOW)


def test_a_one_time_code_is_taken_once_and_by_the_clock(person: int) -> None:
    secret, _ = enrolled(person)
    with pytest.raises(WrongCode):
        finish_sign_in(person, code_at(secret, NOW), now=NOW)  # the one that enrolled
    later = NOW + timedelta(minutes=2)
    finish_sign_in(person, code_at(secret, later - timedelta(seconds=30)), now=later)
    with pytest.raises(WrongCode):
        finish_sign_in(person, code_at(secret, later - timedelta(seconds=30)), now=later)
    finish_sign_in(person, code_at(secret, later), now=later)
    with pytest.raises(WrongCode):
        finish_sign_in(person, code_at(secret, later + timedelta(minutes=5)), now=later)


def test_a_recovery_code_stands_in_once(person: int) -> None:
    _, codes = enrolled(person)
    assert len(set(codes)) == 10
    finish_sign_in(person, codes[0].upper(), now=NOW)
    with pytest.raises(WrongCode):
        finish_sign_in(person, codes[0], now=NOW)
    assert get_account_facts(person, now=NOW).codes_left == 9


def test_guessing_codes_locks_like_guessing_passwords(person: int) -> None:
    secret, _ = enrolled(person)
    for _ in range(5):
        with pytest.raises(WrongCode):
            finish_sign_in(person, "000000", now=NOW)
    with pytest.raises(SignInLocked):
        finish_sign_in(person, code_at(secret, NOW + timedelta(minutes=1)), now=NOW + timedelta(minutes=1))


def test_a_lost_telephone(person: int) -> None:
    enrolled(person)
    remove_factor(person, actor="person:9", now=NOW)
    assert not get_standing(person, now=NOW).has_factor
    with pytest.raises(FactorMissing):
        remove_factor(person, actor="person:9", now=NOW)


def test_a_password_is_changed_by_its_rules_and_none_of_the_last_five_comes_back(person: int) -> None:
    with pytest.raises(InvalidPassword) as refused:
        change_password(person, username="chen", old="wrong", new="chen", now=NOW)
    assert {p.code for p in refused.value.problems} == {
        "accounts.password_old", "accounts.password_short", "accounts.password_kinds", "accounts.password_username",
    }  # fmt: skip
    old = PASSWORD
    for number in range(5):
        new = f"Tang-dynasty-{number}"
        change_password(person, username="chen", old=old, new=new, now=NOW)
        old = new
    with pytest.raises(InvalidPassword):
        change_password(person, username="chen", old=old, new="Tang-dynasty-0", now=NOW)
    assert start_sign_in("chen", old, now=NOW) and start_sign_in("chen", PASSWORD, now=NOW) is None


def test_a_first_password_must_be_changed(person: int) -> None:
    reset_password(person, "first-Pass-1", actor="person:9", now=NOW)
    assert get_standing(person, now=NOW).must_change
    change_password(person, username="chen", old="first-Pass-1", new="Second-pass-22", now=NOW)
    assert not get_standing(person, now=NOW + timedelta(days=90)).must_change
    assert get_standing(person, now=NOW + timedelta(days=91)).must_change


def test_an_identity_of_elsewhere_signs_one_person_in(person: int) -> None:
    other = register_person("li", name="Li", password=PASSWORD, actor="t", now=NOW)
    with pytest.raises(IdentityNotLinked):
        person_of_identity("https://sn.example", "610-1")
    for _ in range(2):
        link_identity(person, issuer="https://sn.example", subject="610-1", now=NOW)
    assert person_of_identity("https://sn.example", "610-1") == person
    with pytest.raises(IdentityTaken):
        link_identity(other, issuer="https://sn.example", subject="610-1", now=NOW)
    assert unlink_identities(person, actor="t", now=NOW) == 1
    with pytest.raises(IdentityNotLinked):
        person_of_identity("https://sn.example", "610-1")


def test_nobody_holds_two_administrations_or_gives_themselves_a_role(person: int) -> None:
    register_organisation("node", kind=OrganisationKind.NODE, name="Node", actor="t", now=NOW)
    first = add_member(person, role=Role.SECURITY, organisation="node", actor="t", now=NOW)
    for role in (Role.AUDITOR, Role.ADMINISTRATOR, Role.OPERATOR):
        with pytest.raises(RolesNotTogether):
            add_member(person, role=role, organisation="node", actor="t", now=NOW)
    with pytest.raises(NotYourself):
        add_member(person, role=Role.OPERATOR, organisation="node", actor=f"person:{person}", now=NOW)
    assert first.may(Right.REPORT)


def test_the_first_accounts_come_from_the_shell(person: int) -> None:
    def run(*arguments: str) -> str:
        answer = CliRunner().invoke(app, ["people", *arguments])
        assert answer.exit_code == 0, answer.output
        return answer.output

    register_organisation("node", kind=OrganisationKind.NODE, name="Node", actor="t", now=NOW)
    password = (
        run("add", "root", "--role", "admin", "--name", "Root", "--organisation", "node").split("：")[1].split()[0]
    )
    found = start_sign_in("root", password, now=datetime.now(UTC))
    assert found and get_standing(found.person_id, now=datetime.now(UTC)).must_change
    [row] = json.loads(run("list", "--organisation", "node", "--json"))
    assert (row["role"], row["factor"]) == ("admin", False)
    assert password not in run("reset", "root")
    run("end", str(row["membership"]))
    assert json.loads(run("list", "--organisation", "node", "--json")) == []
    assert CliRunner().invoke(app, ["people", "reset", "nobody"]).exit_code == 1
