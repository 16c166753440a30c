"""Parties on the real database: who is registered, who may act for whom, and the evidence each leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import authenticate
from django.db import DatabaseError, transaction

from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.identifiers import InvalidUscc, make_uscc
from xinqiao.parties import actions, queries
from xinqiao.parties.models import Membership
from xinqiao.parties.types import (
    AlreadyRegistered,
    NotAMember,
    OrganisationKind,
    PartyNotFound,
    Role,
    RoleNotPossible,
)

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=10)
FIRM = make_uscc("91", "610131", "MA7TEXT01")
BY = {"actor": "system", "now": NOW}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence_folder")]


def _bank(code: str = "bank-a") -> str:
    kind = OrganisationKind.INSTITUTION
    return actions.register_organisation(code, kind=kind, name="示例银行", **BY).code


def _person(username: str = "li") -> int:
    return actions.register_person(username, name="李示例", password="correct horse battery", **BY)


def _firm(uscc: str = FIRM) -> str:
    return actions.register_enterprise(uscc, name="示例机械有限公司", **BY).uscc


def test_an_organisation_is_admitted_and_excluded_with_evidence() -> None:
    code = _bank()
    assert not queries.get_organisation(code).admitted
    assert actions.set_admitted(code, admitted=True, reason="评估通过", **BY).admitted
    actions.set_admitted(code, admitted=True, reason="again", **BY)
    assert not actions.set_admitted(code, admitted=False, reason="整改", **BY).admitted
    assert [entry.event for entry in list_entries(subject=code)] == [
        "parties.organisation_excluded",
        "parties.organisation_admitted",
        "parties.organisation_registered",
    ]


def test_a_code_is_registered_once() -> None:
    _bank()
    _firm()
    _person()
    for again in (_bank, _firm, _person):
        with pytest.raises(AlreadyRegistered) as refusal:
            again()
        assert refusal.value.status == 409


def test_an_enterprise_registers_with_its_code_as_people_write_it() -> None:
    uscc = _firm(f" {FIRM[:8].lower()} {FIRM[8:]} ")
    assert uscc == FIRM
    assert queries.get_enterprise(FIRM).registered_at == NOW
    assert [firm.uscc for firm in queries.list_enterprises()] == [FIRM]
    assert queries.list_enterprises(after=FIRM) == []


def test_a_wrong_check_digit_is_not_registered() -> None:
    wrong = FIRM[:-1] + ("0" if FIRM[-1] != "0" else "1")
    with pytest.raises(InvalidUscc) as refusal:
        _firm(wrong)
    assert refusal.value.problems[0].code == "uscc.check"
    assert queries.find_enterprise(wrong) is None


def test_what_is_not_registered_is_not_found() -> None:
    for read in (
        lambda: queries.get_organisation("nobody"),
        lambda: queries.get_enterprise(FIRM),
        lambda: actions.set_admitted("nobody", admitted=True, reason="", **BY),
        lambda: actions.end_membership(1, **BY),
        lambda: actions.add_member(1, role=Role.OWNER, enterprise=FIRM, **BY),
    ):
        with pytest.raises(PartyNotFound):
            read()


def test_a_person_signs_in_with_a_password_that_is_not_kept() -> None:
    person = _person()
    found = authenticate(username="li", password="correct horse battery")
    assert found is not None
    assert found.pk == person
    assert "correct" not in found.password
    assert authenticate(username="li", password="wrong") is None


def test_no_name_of_a_person_goes_into_evidence() -> None:
    person = _person()
    (entry,) = list_entries(subject=f"person:{person}")
    assert entry.body == {"person": person}


def test_a_person_acts_under_each_membership_until_it_ends() -> None:
    person, firm, bank = _person(), _firm(), _bank()
    owner = actions.add_member(person, role=Role.OWNER, enterprise=firm, **BY)
    officer = actions.add_member(person, role=Role.OFFICER, organisation=bank, until=LATER, **BY)
    assert queries.list_memberships(person, now=NOW) == [owner, officer]
    assert [member.id for member in queries.list_members(organisation=bank, now=NOW)] == [officer.id]
    actor = queries.actor_of(person, officer.id, now=NOW)
    assert (actor.role, actor.organisation_code, actor.enterprise) == (Role.OFFICER, bank, None)
    assert actor.label == f"person:{person}"
    with pytest.raises(NotAMember):
        queries.actor_of(person, officer.id, now=LATER)
    assert queries.list_memberships(person, now=LATER) == [owner]


def test_a_membership_that_was_ended_gives_no_power() -> None:
    person, firm = _person(), _firm()
    membership = actions.add_member(person, role=Role.DELEGATE, enterprise=firm, **BY)
    assert queries.enterprises_of(person, now=NOW)[0].uscc == firm
    actions.end_membership(membership.id, actor="person:1", now=LATER)
    actions.end_membership(membership.id, actor="person:1", now=LATER + timedelta(days=1))
    assert queries.enterprises_of(person, now=LATER) == []
    with pytest.raises(NotAMember):
        queries.actor_of(person, membership.id, now=LATER)
    with pytest.raises(NotAMember):
        queries.actor_for_enterprise(person, firm, now=LATER)
    assert [entry.event for entry in list_entries(subject=firm)][:2] == ["parties.member_ended", "parties.member_added"]


def test_an_owner_who_is_also_a_delegate_acts_as_owner() -> None:
    person, firm = _person(), _firm()
    for role in (Role.DELEGATE, Role.OWNER):
        actions.add_member(person, role=role, enterprise=firm, **BY)
    assert queries.actor_for_enterprise(person, firm, now=NOW).role is Role.OWNER
    assert len(queries.enterprises_of(person, now=NOW)) == 1


def test_nobody_acts_under_the_membership_of_another() -> None:
    membership = actions.add_member(_person(), role=Role.OWNER, enterprise=_firm(), **BY)
    with pytest.raises(NotAMember):
        queries.actor_of(_person("wang"), membership.id, now=NOW)


def test_roles_belong_to_kinds_of_party() -> None:
    person, firm, bank = _person(), _firm(), _bank()
    with pytest.raises(RoleNotPossible):
        actions.add_member(person, role=Role.OFFICER, enterprise=firm, **BY)
    with pytest.raises(RoleNotPossible):
        actions.add_member(person, role=Role.OWNER, organisation=bank, **BY)
    with pytest.raises(ValueError, match="an organisation or an enterprise"):
        actions.add_member(person, role=Role.OWNER, enterprise=firm, organisation=bank, **BY)
    with pytest.raises(DatabaseError), transaction.atomic():
        Membership.objects.create(person_id=person, role=Role.OWNER, since=NOW)


def test_organisations_are_listed_by_kind() -> None:
    _bank("bank-b")
    _bank("bank-a")
    actions.register_organisation("tax", kind=OrganisationKind.DEPARTMENT, name="税务", **BY)
    assert [row.code for row in queries.list_organisations(kind=OrganisationKind.INSTITUTION)] == ["bank-a", "bank-b"]
    assert len(queries.list_organisations()) == 3
