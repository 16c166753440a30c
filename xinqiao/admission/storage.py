"""Finding and holding the rows that a step is about."""

from __future__ import annotations

from datetime import datetime

from xinqiao.admission.models import MeasureRow, MemberRow
from xinqiao.admission.refusals import AlreadyMember, NotAdmissible, UnknownMeasure, UnknownMember
from xinqiao.admission.types import Route, State
from xinqiao.parties.queries import get_organisation
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.locks import hold_name

KINDS = (OrganisationKind.PLATFORM, OrganisationKind.INSTITUTION)


def held_member(organisation: str) -> MemberRow:
    """The row of an applicant or member, held until the transaction ends; raises UnknownMember."""
    row = MemberRow.objects.select_for_update().filter(organisation=organisation).first()
    if row is None:
        raise UnknownMember(organisation=organisation)
    return row


def held_measure(measure: str) -> MeasureRow:
    """The row of a decision, held; raises UnknownMeasure."""
    row = MeasureRow.objects.select_for_update(of=("self",)).select_related("member").filter(id=measure).first()
    if row is None:
        raise UnknownMeasure(measure=measure)
    return row


def new_member(organisation: str, *, state: State, now: datetime) -> MemberRow:
    """A row for an organisation that has none; raises PartyNotFound, NotAdmissible, AlreadyMember."""
    facts = get_organisation(organisation)
    if facts.kind not in KINDS:
        raise NotAdmissible(organisation=facts.name)
    hold_name(f"admission.member {organisation}")
    if MemberRow.objects.filter(organisation=organisation).exists():
        raise AlreadyMember(organisation=facts.name)
    row = MemberRow(organisation=organisation, kind=facts.kind, name=facts.name, state=state, since=now)
    row.route = Route.DIRECT
    row.save(force_insert=True)
    return row
