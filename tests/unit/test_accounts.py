"""Rules of signing in: passwords, wrong answers, idle sessions, roles that lie with different people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from xinqiao.accounts.rules import (
    failures_now,
    has_idled,
    is_locked_after,
    is_password_old,
    kinds_of,
    owes_factor,
    password_problems,
)
from xinqiao.accounts.types import FAILURES, FAILURES_WITHIN, PASSWORD_DAYS
from xinqiao.parties.rules import check_role, check_together
from xinqiao.parties.types import OrganisationKind, Role, RoleNotPossible, RolesNotTogether

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("Tang-dynasty-618", set()),
        ("short-1A", {"short"}),
        ("alllowercaseletters", {"kinds"}),
        ("ALLUPPER12345", {"kinds"}),
        ("Chen-Guojun-2026", {"username"}),
        ("长安城里的三月天气Ab1", set()),
    ],
)
def test_a_new_password_is_told_everything_that_is_wrong_with_it(password: str, broken: set[str]) -> None:
    found = password_problems(password, username="chen-guojun", common=False, used_before=False)
    assert {p.code.removeprefix("accounts.password_") for p in found} == broken


def test_common_and_former_passwords_are_refused_together() -> None:
    found = password_problems("Password123!", username="x", common=True, used_before=True)
    assert [p.code for p in found] == ["accounts.password_common", "accounts.password_used"]
    assert kinds_of("Password123!") == 4


def test_wrong_answers_count_within_a_quarter_of_an_hour() -> None:
    first = NOW - FAILURES_WITHIN
    assert failures_now(FAILURES, first, now=NOW) == FAILURES
    assert failures_now(FAILURES, first, now=NOW + timedelta(seconds=1)) == 0
    assert [is_locked_after(n) for n in (FAILURES - 1, FAILURES)] == [False, True]


def test_sessions_of_staff_end_sooner() -> None:
    seen = NOW - timedelta(minutes=20)
    assert has_idled(seen, staff=True, now=NOW) and not has_idled(seen, staff=False, now=NOW)
    assert has_idled(NOW - timedelta(minutes=31), staff=False, now=NOW)


def test_a_password_ages_from_its_last_change() -> None:
    assert not is_password_old(None, now=NOW)
    assert not is_password_old(NOW - timedelta(days=PASSWORD_DAYS), now=NOW)
    assert is_password_old(NOW - timedelta(days=PASSWORD_DAYS, seconds=1), now=NOW)


def test_who_owes_a_second_factor() -> None:
    asked = {(policy, staff): owes_factor(policy=policy, staff=staff) for policy in ("all", "staff", "off")
             for staff in (True, False)}  # fmt: skip
    assert {pair for pair, owed in asked.items() if owed} == {("all", True), ("all", False), ("staff", True)}


def test_the_three_administrations_lie_with_different_people() -> None:
    for one in (Role.ADMINISTRATOR, Role.SECURITY, Role.AUDITOR):
        for other in {Role.ADMINISTRATOR, Role.SECURITY, Role.AUDITOR, Role.OPERATOR} - {one}:
            with pytest.raises(RolesNotTogether):
                check_together(one, [other])
            with pytest.raises(RolesNotTogether):
                check_together(other, [one])
        check_together(one, [one])
    check_together(Role.OPERATOR, [Role.OFFICER, Role.TECHNICIAN])


def test_every_kind_of_party_has_its_roles() -> None:
    check_role(Role.DELEGATE, kind=None)
    check_role(Role.MAGISTRATE, kind=OrganisationKind.JUDICIAL)
    for role, kind in ((Role.OFFICER, None), (Role.OWNER, OrganisationKind.NODE), (Role.CLERK, OrganisationKind.NODE)):
        with pytest.raises(RoleNotPossible):
            check_role(role, kind=kind)
