"""Reads of parties: facts, never rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from xinqiao.parties.models import Enterprise, Membership, Organisation, Person
from xinqiao.parties.types import (
    ALL_RIGHTS,
    Actor,
    EnterpriseFacts,
    MembershipFacts,
    NotAMember,
    OrganisationFacts,
    OrganisationKind,
    PartyNotFound,
    Right,
    Role,
)
from xinqiao.vault.sealing import open_all
from xinqiao.vault.types import Sealing, person_subject


def get_organisation(code: str) -> OrganisationFacts:
    """The organisation of that code; raises PartyNotFound."""
    found = Organisation.objects.filter(code=code).first()
    if found is None:
        raise PartyNotFound(party=code)
    return organisation_facts(found)


def is_excluded(code: str) -> bool:
    """Whether the organisation of that code may not receive enterprise data now; one look, for the last moment."""
    return Organisation.objects.filter(code=code, admitted=False).exists()


def list_organisations(*, kind: OrganisationKind | None = None) -> list[OrganisationFacts]:
    """Organisations by code, of one kind if given."""
    found = Organisation.objects.order_by("code")
    return [organisation_facts(row) for row in (found.filter(kind=kind) if kind else found)]


def get_enterprise(uscc: str) -> EnterpriseFacts:
    """The registered enterprise of that code; raises PartyNotFound."""
    found = find_enterprise(uscc)
    if found is None:
        raise PartyNotFound(party=uscc)
    return found


def find_enterprise(uscc: str) -> EnterpriseFacts | None:
    """The registered enterprise of that code, or None."""
    found = Enterprise.objects.filter(uscc=uscc).first()
    return enterprise_facts(found) if found else None


def enterprise_names(codes: Iterable[str]) -> dict[str, str]:
    """Names of those of the enterprises that are registered."""
    return dict(Enterprise.objects.filter(uscc__in=list(codes)).values_list("uscc", "name"))


def list_enterprises(*, after: str = "", limit: int = 1000) -> list[EnterpriseFacts]:
    """Registered enterprises by code, those following ``after``."""
    found = Enterprise.objects.filter(uscc__gt=after).order_by("uscc")[:limit]
    return [enterprise_facts(row) for row in found]


def list_memberships(person_id: int, *, now: datetime) -> list[MembershipFacts]:
    """For whom the person may act now, oldest first."""
    return named_memberships(_standing(now).filter(person_id=person_id).order_by("since", "id"))


def list_members(
    *, organisation: str | None = None, enterprise: str | None = None, now: datetime
) -> list[MembershipFacts]:
    """Who may act now for the organisation (code) or the enterprise (USCC)."""
    party = Q(organisation__code=organisation) if organisation else Q(enterprise__uscc=enterprise)
    return named_memberships(_standing(now).filter(party).order_by("since", "id"))


def actor_of(person_id: int, membership_id: int, *, now: datetime) -> Actor:
    """The person acting under that membership; raises NotAMember when it is not theirs or has ended."""
    row = _standing(now).filter(person_id=person_id, id=membership_id).first()
    if row is None:
        raise NotAMember()
    return acting(named_memberships([row])[0])


def acting(membership: MembershipFacts) -> Actor:
    """The person acting under a membership just read."""
    return Actor(
        person_id=membership.person_id,
        name=membership.person_name,
        role=membership.role,
        organisation_code=membership.organisation.code if membership.organisation else None,
        enterprise=membership.enterprise.uscc if membership.enterprise else None,
    )


def actor_for_enterprise(person_id: int, uscc: str, *, now: datetime) -> Actor:
    """The person acting for that enterprise, as owner where possible; raises NotAMember."""
    rows = list(_standing(now).filter(person_id=person_id, enterprise__uscc=uscc).order_by("id"))
    if not rows:
        raise NotAMember()
    row = next((row for row in rows if row.role == Role.OWNER), rows[0])
    return acting(named_memberships([row])[0])


def identity_digest(person_id: int) -> str:
    """The salted digest of the identity document seen when the person was registered; empty when none was.

    ``ERASED`` once the person's data was erased.
    """
    person = Person.objects.filter(id=person_id).first()
    if person is None:
        return ""
    _, identity = person_sealings(person)
    return open_all([identity])[0]


def enterprises_of(person_id: int, *, now: datetime) -> list[EnterpriseFacts]:
    """Enterprises the person may act for now, each once, by code."""
    rows = _standing(now).filter(person_id=person_id, enterprise__isnull=False).order_by("enterprise__uscc")
    return list(dict.fromkeys(enterprise_facts(row.enterprise) for row in rows if row.enterprise))


def _standing(now: datetime) -> QuerySet[Membership]:
    rows = Membership.objects.select_related("person", "organisation", "enterprise")
    return rows.filter(Q(until=None) | Q(until__gt=now), since__lte=now, person__is_active=True)


def organisation_facts(row: Organisation) -> OrganisationFacts:
    """Facts of a row."""
    return OrganisationFacts(row.code, OrganisationKind(row.kind), row.name, row.uscc, row.admitted, row.via)


def enterprise_facts(row: Enterprise) -> EnterpriseFacts:
    """Facts of a row."""
    return EnterpriseFacts(row.uscc, row.name, row.registered_at)


def person_sealings(person: Person, name: str = "", identity_sha256: str = "") -> tuple[Sealing, Sealing]:
    """Name and identity digest of a person as values to seal, or to open as the row has them."""
    subject = person_subject(person.pk)
    place = f"parties_person:{{}}:{person.pk}".format
    return (
        Sealing(subject, place("name"), name, bytes(person.name_sealed)),
        Sealing(subject, place("identity"), identity_sha256, bytes(person.identity_sealed)),
    )


def person_names(people: Iterable[Person]) -> dict[int, str]:
    """Names by the person's number, ``ERASED`` where they were; one look for all of them."""
    rows = {person.pk: person for person in people}
    names = open_all([person_sealings(person)[0] for person in rows.values()])
    return dict(zip(rows, names, strict=True))


def named_memberships(rows: Iterable[Membership]) -> list[MembershipFacts]:
    """Facts of rows with the people's names, opened by one look."""
    found = list(rows)
    names = person_names(row.person for row in found)
    return [membership_facts(row, names[row.person_id]) for row in found]


def membership_facts(row: Membership, person_name: str = "") -> MembershipFacts:
    """Facts of a row; without the person's name unless it is handed in."""
    return MembershipFacts(
        id=row.id,
        person_id=row.person_id,
        role=Role(row.role),
        organisation=organisation_facts(row.organisation) if row.organisation else None,
        enterprise=enterprise_facts(row.enterprise) if row.enterprise else None,
        since=row.since,
        until=row.until,
        person_name=person_name,
        frozen=row.frozen,
        rights=ALL_RIGHTS if row.rights == "*" else frozenset(map(Right, row.rights.split())),
    )
