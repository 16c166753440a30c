"""Reads of parties: facts, never rows."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from xinqiao.parties.models import Enterprise, Membership, Organisation, Person
from xinqiao.parties.types import (
    Actor,
    EnterpriseFacts,
    MembershipFacts,
    NotAMember,
    OrganisationFacts,
    OrganisationKind,
    PartyNotFound,
    Role,
)


def get_organisation(code: str) -> OrganisationFacts:
    """The organisation of that code; raises PartyNotFound."""
    found = Organisation.objects.filter(code=code).first()
    if found is None:
        raise PartyNotFound(party=code)
    return organisation_facts(found)


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


def list_enterprises(*, after: str = "", limit: int = 1000) -> list[EnterpriseFacts]:
    """Registered enterprises by code, those following ``after``."""
    found = Enterprise.objects.filter(uscc__gt=after).order_by("uscc")[:limit]
    return [enterprise_facts(row) for row in found]


def list_memberships(person_id: int, *, now: datetime) -> list[MembershipFacts]:
    """For whom the person may act now, oldest first."""
    return [membership_facts(row) for row in _standing(now).filter(person_id=person_id).order_by("since", "id")]


def list_members(
    *, organisation: str | None = None, enterprise: str | None = None, now: datetime
) -> list[MembershipFacts]:
    """Who may act now for the organisation (code) or the enterprise (USCC)."""
    party = Q(organisation__code=organisation) if organisation else Q(enterprise__uscc=enterprise)
    return [membership_facts(row) for row in _standing(now).filter(party).order_by("since", "id")]


def actor_of(person_id: int, membership_id: int, *, now: datetime) -> Actor:
    """The person acting under that membership; raises NotAMember when it is not theirs or has ended."""
    row = _standing(now).filter(person_id=person_id, id=membership_id).first()
    if row is None:
        raise NotAMember()
    return _actor(row)


def actor_for_enterprise(person_id: int, uscc: str, *, now: datetime) -> Actor:
    """The person acting for that enterprise, as owner where possible; raises NotAMember."""
    rows = list(_standing(now).filter(person_id=person_id, enterprise__uscc=uscc).order_by("id"))
    if not rows:
        raise NotAMember()
    return _actor(next((row for row in rows if row.role == Role.OWNER), rows[0]))


def identity_digest(person_id: int) -> str:
    """The salted digest of the identity document seen when the person was registered; empty when none was."""
    found = Person.objects.filter(id=person_id).values_list("identity_sha256", flat=True).first()
    return found or ""


def enterprises_of(person_id: int, *, now: datetime) -> list[EnterpriseFacts]:
    """Enterprises the person may act for now, each once, by code."""
    rows = _standing(now).filter(person_id=person_id, enterprise__isnull=False).order_by("enterprise__uscc")
    return list(dict.fromkeys(enterprise_facts(row.enterprise) for row in rows if row.enterprise))


def _standing(now: datetime) -> QuerySet[Membership]:
    rows = Membership.objects.select_related("person", "organisation", "enterprise")
    return rows.filter(Q(until=None) | Q(until__gt=now), since__lte=now, person__is_active=True)


def _actor(row: Membership) -> Actor:
    return Actor(
        person_id=row.person_id,
        name=row.person.name,
        role=Role(row.role),
        organisation_code=row.organisation.code if row.organisation else None,
        enterprise=row.enterprise.uscc if row.enterprise else None,
    )


def organisation_facts(row: Organisation) -> OrganisationFacts:
    """Facts of a row."""
    return OrganisationFacts(row.code, OrganisationKind(row.kind), row.name, row.uscc, row.admitted)


def enterprise_facts(row: Enterprise) -> EnterpriseFacts:
    """Facts of a row."""
    return EnterpriseFacts(row.uscc, row.name, row.registered_at)


def membership_facts(row: Membership) -> MembershipFacts:
    """Facts of a row."""
    return MembershipFacts(
        id=row.id,
        person_id=row.person_id,
        role=Role(row.role),
        organisation=organisation_facts(row.organisation) if row.organisation else None,
        enterprise=enterprise_facts(row.enterprise) if row.enterprise else None,
        since=row.since,
        until=row.until,
        person_name=row.person.name,
        frozen=row.frozen,
    )
