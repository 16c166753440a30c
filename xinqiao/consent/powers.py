"""Who may sign for an enterprise, and the enterprise's leave to be asked again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from xinqiao.consent.models import InvitationRow, SigningPowerRow
from xinqiao.consent.queries import get_template
from xinqiao.consent.rules import check_power_grant
from xinqiao.consent.types import (
    INVITED,
    POWER_ENDED,
    POWER_GRANTED,
    AuthorisationNotFound,
    Invitation,
    Power,
    PowerSource,
    SigningPower,
)
from xinqiao.evidence.actions import record
from xinqiao.parties.queries import actor_for_enterprise, get_organisation, identity_digest, list_members
from xinqiao.parties.types import Actor, NotAMember, Role

INVITATION = timedelta(days=30)


def signing_power(actor: Actor, enterprise: str, *, identity: str, now: datetime) -> Power:
    """The power under which a person of the enterprise signs now.

    The legal representative signs anything. An agent signs what was granted and has not ended; without a grant the
    power has no purpose at all.
    """
    seen = identity_digest(actor.person_id)
    if actor.role is Role.OWNER:
        return Power(PowerSource.LEGAL_REPRESENTATIVE, (), None, identity, seen)
    rows = SigningPowerRow.objects.filter(enterprise=enterprise, person=actor.person_id, ended_at=None, until__gt=now)
    row = rows.order_by("-id").first()
    if row is None:
        return Power(PowerSource.AGENT, (), None, identity, seen)
    return Power(PowerSource.AGENT, tuple(json.loads(row.purposes)), row.until, identity, seen)


def power_body(power: Power) -> dict[str, Any]:
    """The power as evidence holds it; the identity digest is personal and stays out."""
    return {
        "source": str(power.source),
        "purposes": list(power.purposes),
        "until": power.until.isoformat() if power.until else None,
        "identity": power.identity,
    }


@transaction.atomic
def grant_power(
    enterprise: str, *, person: int, purposes: Iterable[str], until: datetime, signatory: int, now: datetime
) -> SigningPower:
    """The legal representative lets an agent sign for these purposes until then; a power it had before ends.

    Raises AuthorisationNotFound unless ``signatory`` is the legal representative, InvalidPower with every fault.
    """
    actor = _representative(enterprise, signatory, now)
    wanted = tuple(dict.fromkeys(purposes))
    delegates = {m.person_id for m in list_members(enterprise=enterprise, now=now) if m.role is Role.DELEGATE}
    check_power_grant(get_template(), purposes=wanted, delegate=person in delegates, now=now, until=until)
    _open_powers(enterprise, person).update(ended_at=now)
    row = SigningPowerRow.objects.create(
        enterprise=enterprise,
        person=person,
        purposes=json.dumps(wanted),
        granted_by=signatory,
        granted_at=now,
        until=until,
    )
    body = {"person": person, "purposes": list(wanted), "until": until.isoformat()}
    record(POWER_GRANTED, actor=actor.label, subject=enterprise, body=body, now=now)
    return _facts(row)


@transaction.atomic
def end_power(enterprise: str, *, person: int, signatory: int, now: datetime) -> int:
    """Take an agent's power back at once; returns how many ended. What was signed before stays as it is.

    Raises AuthorisationNotFound unless ``signatory`` is the legal representative.
    """
    actor = _representative(enterprise, signatory, now)
    ended = _open_powers(enterprise, person).update(ended_at=now)
    if ended:
        record(POWER_ENDED, actor=actor.label, subject=enterprise, body={"person": person}, now=now)
    return ended


def list_powers(enterprise: str, *, now: datetime) -> list[SigningPower]:
    """The powers that stand now."""
    rows = SigningPowerRow.objects.filter(enterprise=enterprise, ended_at=None, until__gt=now).order_by("id")
    return [_facts(row) for row in rows]


@transaction.atomic
def invite(enterprise: str, *, organisation: str, signatory: int, now: datetime) -> Invitation:
    """Let an organisation ask once more, within 30 days, although 30 days have not passed since it last did.

    Raises AuthorisationNotFound when the person may not act for the enterprise, PartyNotFound. While an invitation
    stands it is given again and nothing changes.
    """
    try:
        actor = actor_for_enterprise(signatory, enterprise, now=now)
    except NotAMember as error:
        raise AuthorisationNotFound(authorisation=enterprise) from error
    get_organisation(organisation)
    row = InvitationRow.objects.filter(
        enterprise=enterprise, organisation=organisation, request=None, until__gt=now
    ).first()
    if row is None:
        row = InvitationRow.objects.create(
            enterprise=enterprise, organisation=organisation, invited_at=now, until=now + INVITATION
        )
        record(INVITED, actor=actor.label, subject=enterprise, body={"organisation": organisation}, now=now)
    return Invitation(row.organisation, row.enterprise, row.invited_at, row.until)


def _representative(enterprise: str, person: int, now: datetime) -> Actor:
    try:
        actor = actor_for_enterprise(person, enterprise, now=now)
    except NotAMember as error:
        raise AuthorisationNotFound(authorisation=enterprise) from error
    if actor.role is not Role.OWNER:
        raise AuthorisationNotFound(authorisation=enterprise)
    return actor


def _open_powers(enterprise: str, person: int) -> Any:
    return SigningPowerRow.objects.filter(enterprise=enterprise, person=person, ended_at=None)


def _facts(row: SigningPowerRow) -> SigningPower:
    return SigningPower(
        id=row.id,
        enterprise=row.enterprise,
        person=row.person,
        purposes=tuple(json.loads(row.purposes)),
        granted_at=row.granted_at,
        until=row.until,
        ended_at=row.ended_at,
    )
