"""What ends with an organisation that leaves the network."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from xinqiao.consent.models import AuthorisationRequest, AuthorisationRow
from xinqiao.consent.queries import authorisation_facts
from xinqiao.consent.rules import REQUEST_TRANSITIONS
from xinqiao.consent.storage import end, record_of
from xinqiao.consent.types import CANCELLED, OPEN_REQUESTS, VOIDED, Authorisation, AuthorisationStatus


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


def list_held(organisation: str, *, now: datetime) -> list[Authorisation]:
    """Every authorisation that an organisation could read under now, by enterprise."""
    rows = AuthorisationRow.objects.filter(
        recipient=organisation, status=AuthorisationStatus.ACTIVE, valid_to__gt=now, times_used__lt=F("times_max")
    )
    return [authorisation_facts(row) for row in rows.order_by("subject", "id")]


def affected_enterprises(organisation: str, *, now: datetime) -> list[str]:
    """Codes of the enterprises that an organisation holds an authorisation of, or has asked for one, each once."""
    held = AuthorisationRow.objects.filter(
        recipient=organisation, status__in=(AuthorisationStatus.ACTIVE, AuthorisationStatus.USED_UP), valid_to__gt=now
    )
    asked = AuthorisationRequest.objects.filter(organisation=organisation, state__in=OPEN_REQUESTS, answer_by__gt=now)
    return sorted({*held.values_list("subject", flat=True), *asked.values_list("enterprise", flat=True)})


def count_standing(organisation: str) -> tuple[int, int]:
    """How many authorisations are active and how many requests are open, whatever the day."""
    held = AuthorisationRow.objects.filter(recipient=organisation, status=AuthorisationStatus.ACTIVE)
    asked = AuthorisationRequest.objects.filter(organisation=organisation, state__in=OPEN_REQUESTS)
    return held.count(), asked.count()
