"""What ends with an organisation that leaves the network."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.consent.models import AuthorisationRequest, AuthorisationRow
from xinqiao.consent.rules import REQUEST_TRANSITIONS
from xinqiao.consent.storage import end, record_of
from xinqiao.consent.types import CANCELLED, OPEN_REQUESTS, VOIDED, AuthorisationStatus
from xinqiao.parties.actions import set_admitted


@transaction.atomic
def void_authorisations(organisation: str, *, reason: str, actor: str, now: datetime) -> int:
    """End what a removed organisation holds and what it has asked for; returns how many. They never come back.

    Call in the transaction that removes it.
    """
    held = AuthorisationRow.objects.select_for_update().filter(
        recipient=organisation, status__in=(AuthorisationStatus.ACTIVE, AuthorisationStatus.USED_UP)
    )
    asked = AuthorisationRequest.objects.select_for_update().filter(organisation=organisation, state__in=OPEN_REQUESTS)
    count = 0
    for row in held.order_by("subject", "id"):
        end(row, "remove", reason=reason[:200], now=now)
        record_of(VOIDED, row, actor=actor, body={"reason": reason}, now=now)
        count += 1
    for request in asked.order_by("enterprise", "id"):
        request.state, request.answered_at = REQUEST_TRANSITIONS.check(request.state, "cancel"), now
        request.save(update_fields=["state", "answered_at"])
        record_of(CANCELLED, request, actor=actor, body={"organisation": organisation, "reason": reason}, now=now)
        count += 1
    return count


@transaction.atomic
def remove_organisation(organisation: str, *, reason: str, actor: str, now: datetime) -> int:
    """Take an organisation out of the network and end what it holds, at once; returns how many authorisations and
    requests ended with it. Raises PartyNotFound."""
    set_admitted(organisation, admitted=False, reason=reason, actor=actor, now=now)
    return void_authorisations(organisation, reason=reason, actor=actor, now=now)
