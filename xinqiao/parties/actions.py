"""Verbs that write parties; each is one transaction with its evidence, and no name of a person goes into it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, Q, QuerySet

from xinqiao.evidence.actions import record
from xinqiao.parties.models import Enterprise, Membership, Organisation, Person, username_index
from xinqiao.parties.queries import (
    enterprise_facts,
    membership_facts,
    named_memberships,
    organisation_facts,
    person_sealings,
)
from xinqiao.parties.rules import check_role, check_together, check_uscc
from xinqiao.parties.types import (
    ALL_RIGHTS,
    ENTERPRISE_REGISTERED,
    ENTERPRISE_RENAMED,
    MEMBER_ADDED,
    MEMBER_ENDED,
    MEMBER_FROZEN,
    MEMBER_UNFROZEN,
    ORGANISATION_ADMITTED,
    ORGANISATION_EXCLUDED,
    ORGANISATION_REGISTERED,
    PERSON_REGISTERED,
    ROUTE_SET,
    AlreadyRegistered,
    EnterpriseFacts,
    MembershipFacts,
    NotYourself,
    OrganisationFacts,
    OrganisationKind,
    PartyNotFound,
    Right,
    Role,
)
from xinqiao.plumbing.locks import hold_name
from xinqiao.vault.actions import erase_subject
from xinqiao.vault.sealing import seal
from xinqiao.vault.types import person_subject

Row = TypeVar("Row", bound=Model)


@transaction.atomic
def register_organisation(
    code: str, *, kind: OrganisationKind, name: str, uscc: str = "", actor: str, now: datetime
) -> OrganisationFacts:
    """Enter a department, institution, platform or node; it is not admitted yet. Raises AlreadyRegistered."""
    hold_name(f"parties.organisation {code}")
    if Organisation.objects.filter(code=code).exists():
        raise AlreadyRegistered(party=code)
    row = Organisation.objects.create(code=code, kind=kind, name=name, uscc=check_uscc(uscc) if uscc else "")
    body = {"code": code, "kind": str(kind), "name": name, "uscc": row.uscc}
    record(ORGANISATION_REGISTERED, actor=actor, subject=code, body=body, now=now)
    return organisation_facts(row)


@transaction.atomic
def set_admitted(code: str, *, admitted: bool, reason: str, actor: str, now: datetime) -> OrganisationFacts:
    """Let an organisation receive enterprise data, or stop it from the next read on. Raises PartyNotFound.

    The fact that the gate reads. Only ``admission`` calls it, so that nobody comes in beside the assessment.
    """
    row = Organisation.objects.select_for_update().filter(code=code).first()
    if row is None:
        raise PartyNotFound(party=code)
    if row.admitted != admitted:
        row.admitted = admitted
        row.save(update_fields=["admitted"])
        event = ORGANISATION_ADMITTED if admitted else ORGANISATION_EXCLUDED
        record(event, actor=actor, subject=code, body={"code": code, "reason": reason}, now=now)
    return organisation_facts(row)


@transaction.atomic
def set_route(code: str, *, via: str, actor: str, now: datetime) -> OrganisationFacts:
    """Note which organisation carries another's traffic; empty = nobody, it calls itself. Raises PartyNotFound."""
    row = Organisation.objects.select_for_update().filter(code=code).first()
    if row is None:
        raise PartyNotFound(party=code)
    if row.via != via:
        row.via = via
        row.save(update_fields=["via"])
        record(ROUTE_SET, actor=actor, subject=code, body={"code": code, "via": via}, now=now)
    return organisation_facts(row)


@transaction.atomic
def register_enterprise(uscc: str, *, name: str, actor: str, now: datetime) -> EnterpriseFacts:
    """Register an enterprise on the platform; raises InvalidUscc (form or check digit) or AlreadyRegistered."""
    code = check_uscc(uscc)
    hold_name(f"parties.enterprise {code}")
    if Enterprise.objects.filter(uscc=code).exists():
        raise AlreadyRegistered(party=code)
    row = Enterprise.objects.create(uscc=code, name=name.strip(), registered_at=now)
    record(ENTERPRISE_REGISTERED, actor=actor, subject=code, body={"uscc": code, "name": row.name}, now=now)
    return enterprise_facts(row)


@transaction.atomic
def rename_enterprise(uscc: str, *, name: str, actor: str, now: datetime) -> EnterpriseFacts:
    """Note the name an enterprise now goes by; the same name changes nothing. Raises PartyNotFound."""
    row = Enterprise.objects.select_for_update().filter(uscc=uscc).first()
    if row is None:
        raise PartyNotFound(party=uscc)
    if row.name != name.strip():
        body = {"uscc": uscc, "name": name.strip(), "before": row.name}
        row.name = name.strip()
        row.save(update_fields=["name"])
        record(ENTERPRISE_RENAMED, actor=actor, subject=uscc, body=body, now=now)
    return enterprise_facts(row)


@transaction.atomic
def register_person(
    username: str, *, name: str, password: str, identity_sha256: str = "", actor: str, now: datetime
) -> int:
    """Enter a person who can sign in; returns the person's number. Raises AlreadyRegistered.

    The password is kept as Django's salted hash only; its strength is checked where it is typed. The user name is
    kept as its blind index, name and identity digest sealed under a key of the person's own.
    """
    hold_name(f"parties.person {username}")
    index = username_index(username)
    if Person.objects.filter(username_index=index).exists():
        raise AlreadyRegistered(party=username)
    person = Person(username_index=index)
    person.set_password(password)
    person.save(force_insert=True)
    person.name_sealed, person.identity_sealed = seal(person_sealings(person, name, identity_sha256), now=now)
    person.save(update_fields=["name_sealed", "identity_sealed"])
    subject = f"person:{person.pk}"
    record(PERSON_REGISTERED, actor=actor, subject=subject, body={"person": person.pk}, now=now)
    return int(person.pk)


@transaction.atomic
def erase_person(person_id: int, *, reason: str, actor: str, now: datetime) -> None:
    """Destroy the key to a person's name and identity, and the account with it. Raises PartyNotFound, NothingSealed.

    What the person did stays on record under the person's number. Powers to act for others end.
    """
    row = Person.objects.select_for_update().filter(pk=person_id).first()
    if row is None:
        raise PartyNotFound(party=f"person:{person_id}")
    for membership in Membership.objects.filter(person_id=person_id).filter(Q(until=None) | Q(until__gt=now)):
        end_membership(membership.pk, actor=actor, now=now)
    row.username_index, row.is_active = f"erased-{row.pk}", False
    row.set_unusable_password()
    row.save(update_fields=["username_index", "is_active", "password"])
    erase_subject(person_subject(person_id), actor=actor, reason=reason, now=now)


@transaction.atomic
def add_member(
    person_id: int,
    *,
    role: Role,
    organisation: str | None = None,
    enterprise: str | None = None,
    rights: Collection[Right] | None = None,
    until: datetime | None = None,
    actor: str,
    now: datetime,
) -> MembershipFacts:
    """Let a person act for an organisation (code) or an enterprise (USCC), until a time if given.

    ``rights`` are a delegate's, all by default. Raises PartyNotFound, RoleNotPossible, RolesNotTogether, NotYourself,
    ValueError unless exactly one party is named.
    """
    if (organisation is None) == (enterprise is None):
        raise ValueError("name an organisation or an enterprise")
    if actor == f"person:{person_id}":
        raise NotYourself()
    hold_name(f"parties.memberships {person_id}")
    row = Membership(person_id=_person(person_id), role=role, since=now, until=until)
    row.organisation = _one(Organisation.objects.filter(code=organisation), organisation)
    row.enterprise = _one(Enterprise.objects.filter(uscc=enterprise), enterprise)
    row.rights = "*" if rights is None or set(rights) == ALL_RIGHTS else " ".join(sorted(rights))
    check_role(role, kind=OrganisationKind(row.organisation.kind) if row.organisation else None)
    if row.organisation is not None:
        beside = Membership.objects.filter(Q(until=None) | Q(until__gt=now), person_id=person_id)
        held = beside.filter(organisation=row.organisation).values_list("role", flat=True)
        check_together(role, map(Role, held))
    row.save(force_insert=True)
    body = {"membership": row.pk, "person": person_id, "role": str(role), "until": until and until.isoformat()}
    if row.rights != "*":
        body["rights"] = row.rights.split()
    record(MEMBER_ADDED, actor=actor, subject=organisation or enterprise or "", body=body, now=now)
    return named_memberships([row])[0]


@transaction.atomic
def end_membership(membership_id: int, *, actor: str, now: datetime) -> None:
    """End a person's power at once; ending it again changes nothing. Raises PartyNotFound."""
    row = Membership.objects.select_for_update(of=("self",)).filter(pk=membership_id).first()
    if row is None:
        raise PartyNotFound(party=f"membership:{membership_id}")
    if row.until is not None and row.until <= now:
        return
    row.until = now
    row.save(update_fields=["until"])
    facts = membership_facts(row)
    party = facts.organisation.code if facts.organisation else facts.enterprise.uscc if facts.enterprise else ""
    ended = {"membership": row.pk, "person": row.person_id, "role": row.role}
    record(MEMBER_ENDED, actor=actor, subject=party, body=ended, now=now)


@transaction.atomic
def freeze_member(person_id: int, *, organisation: str, case: str, actor: str, now: datetime) -> int:
    """Stop a person's every membership of an organisation until :func:`unfreeze_member`; returns how many.

    Raises PartyNotFound when there is none.
    """
    rows = Membership.objects.select_for_update(of=("self",)).filter(
        Q(until=None) | Q(until__gt=now), person_id=person_id, organisation__code=organisation
    )
    done = rows.filter(frozen="").update(frozen=case)
    if not done:
        raise PartyNotFound(party=f"person:{person_id} {organisation}")
    body = {"person": person_id, "memberships": done, "case": case}
    record(MEMBER_FROZEN, actor=actor, subject=organisation, body=body, now=now)
    return done


@transaction.atomic
def unfreeze_member(person_id: int, *, organisation: str, case: str, actor: str, now: datetime) -> int:
    """Let memberships that this case stopped count again; returns how many."""
    done = Membership.objects.filter(person_id=person_id, organisation__code=organisation, frozen=case).update(
        frozen=""
    )
    body = {"person": person_id, "memberships": done, "case": case}
    record(MEMBER_UNFROZEN, actor=actor, subject=organisation, body=body, now=now)
    return done


def _person(person_id: int) -> int:
    if not Person.objects.filter(pk=person_id).exists():
        raise PartyNotFound(party=f"person:{person_id}")
    return person_id


def _one(rows: QuerySet[Row], name: str | None) -> Row | None:
    """The row of that name; None when no name is given. Raises PartyNotFound."""
    if name is None:
        return None
    found = rows.first()
    if found is None:
        raise PartyNotFound(party=name)
    return found
