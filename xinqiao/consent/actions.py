"""Verbs of consent. Each is one transaction: check, change, record the evidence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from xinqiao.consent.models import AuthorisationRequest, AuthorisationRow, InvitationRow
from xinqiao.consent.powers import signing_power
from xinqiao.consent.queries import authorisation_facts, get_template, request_facts, text_of
from xinqiao.consent.rules import (
    REQUEST_INTERVAL,
    REQUEST_TRANSITIONS,
    ceiling_of,
    check_interval,
    check_limits,
    check_power,
    check_scope,
    standing,
)
from xinqiao.consent.storage import body_of, end, locked, new_request, record_of, write_authorisation
from xinqiao.consent.types import (
    CANCELLED,
    DECLINED,
    EXPIRED,
    OPEN_REQUESTS,
    REQUEST_EXPIRED,
    REQUESTED,
    SHOWN,
    SUPERSEDED,
    USED,
    WITHDRAWN,
    Authorisation,
    AuthorisationNotFound,
    AuthorisationState,
    AuthorisationStatus,
    Form,
    NotAdmitted,
    NotUsable,
    RequestFacts,
    RequestState,
    Scope,
    TextChanged,
)
from xinqiao.parties.queries import actor_for_enterprise, get_enterprise, get_organisation
from xinqiao.parties.types import Actor, NotAMember
from xinqiao.plumbing.locks import hold_name
from xinqiao.sharing.queries import current_list

BATCH = 500


@transaction.atomic
def request_authorisation(
    organisation: str,
    *,
    enterprise: str,
    purpose: str,
    items: Iterable[str],
    form: Form,
    reason: str,
    days: int | None = None,
    times: int | None = None,
    product: str = "",
    platform: str = "",
    actor: str,
    now: datetime,
) -> RequestFacts:
    """Ask an enterprise (USCC) for an authorisation; ``days`` and ``times`` default to the most that is allowed.

    ``product`` is the asker's reference, ``platform`` the platform's code it is asked through, by default the one that
    hosts the asker. Raises NotAdmitted,
    PartyNotFound, BeyondCeiling, AlreadyRequested (one per organisation, enterprise and 30 days, unless the
    enterprise has invited another).
    """
    asking, firm = get_organisation(organisation), get_enterprise(enterprise)
    if not asking.admitted:
        raise NotAdmitted(organisation=asking.name)
    template, wanted = get_template(), tuple(dict.fromkeys(items))
    known = [item.code for item in current_list()]
    check_scope(template, purpose=purpose, items=wanted, known=known, form=form, reason=reason, product=product)
    limit = ceiling_of(template, purpose=purpose, form=form)
    asked = {"days": limit.days if days is None else days, "times": limit.times if times is None else times}
    check_limits(limit, **asked)
    hold_name(f"consent.request {organisation} {enterprise}")
    invitation = _check_interval(organisation, enterprise, now)
    scope = Scope(
        organisation, asking.name, enterprise, firm.name, purpose, wanted, form,
        **asked, data_months=limit.data_months, retention_days=limit.retention_days, reason=reason.strip(),
        product=product.strip(), platform=platform or asking.via,
    )  # fmt: skip
    row = new_request(scope, template, now=now)
    if invitation:
        invitation.request = row
        invitation.save(update_fields=["request"])
    record_of(REQUESTED, row, actor=actor, body=body_of(scope), now=now)
    return request_facts(row)


@transaction.atomic
def cancel_request(request_id: str, *, organisation: str, reason: str = "", actor: str, now: datetime) -> RequestFacts:
    """Who asked takes the request back, or the node where it cannot be answered any more (``reason`` says why).

    Raises AuthorisationNotFound (also when another asked), TransitionRefused.
    """
    row = locked(AuthorisationRequest.objects.filter(organisation=organisation), request_id)
    row.state = REQUEST_TRANSITIONS.check(_request_state(row, now), "cancel")
    row.answered_at, row.answer_reason = now, reason[:200]
    row.save(update_fields=["state", "answered_at", "answer_reason"])
    why = {"reason": row.answer_reason} if reason else {}
    record_of(CANCELLED, row, actor=actor, body={"organisation": organisation, **why}, now=now)
    return request_facts(row)


@transaction.atomic
def mark_shown(request_id: str, *, signatory: int, text_digest: str, locale: str, now: datetime) -> RequestFacts:
    """Record that the exact text was put before a person of the enterprise; only the first time of a request counts.

    Raises AuthorisationNotFound.
    """
    row, actor = _open_request(request_id, signatory, now)
    if REQUEST_TRANSITIONS.can(_request_state(row, now), "show"):
        row.state = RequestState.SHOWN
        row.save(update_fields=["state"])
        record_of(SHOWN, row, actor=actor.label, body={"text_sha256": text_digest, "locale": locale}, now=now)
    return request_facts(row)


@transaction.atomic
def decline_request(request_id: str, *, signatory: int, reason: str = "", now: datetime) -> RequestFacts:
    """The enterprise says no. ``signatory`` is the person; raises AuthorisationNotFound, TransitionRefused."""
    row, actor = _open_request(request_id, signatory, now)
    row.state = REQUEST_TRANSITIONS.check(_request_state(row, now), "decline")
    row.answered_at, row.answer_reason = now, reason.strip()[:200]
    row.save(update_fields=["state", "answered_at", "answer_reason"])
    record_of(DECLINED, row, actor=actor.label, body={"reason": row.answer_reason}, now=now)
    return request_facts(row)


@transaction.atomic
def grant_authorisation(
    request_id: str,
    *,
    signatory: int,
    locale: str,
    text_digest: str,
    items: Iterable[str] | None = None,
    days: int | None = None,
    channel: str = "portal",
    identity: str = "password",
    address: str = "",
    now: datetime,
) -> Authorisation:
    """The enterprise says yes, to what was asked or to fewer items or days.

    ``identity`` is how the signatory was identified, ``address`` the network address. An authorisation to the same
    recipient for the same purpose that still stands is superseded: the newest text alone says what is allowed.

    ``text_digest`` is the SHA-256 of the text the signatory was shown (``queries.consent_text`` with the same
    locale, items and days). Raises TextChanged when it is not the text as it stands now, BeyondCeiling when more is
    granted than was asked, PowerMissing when the person's signing power does not reach so far, TransitionRefused when
    the request is answered or lapsed, AuthorisationNotFound when
    there is no such request or the person may not sign for the enterprise.
    """
    row, actor = _open_request(request_id, signatory, now)
    new_state = REQUEST_TRANSITIONS.check(_request_state(row, now), "grant")
    chosen = None if items is None else list(items)
    scope, shown = text_of(request_facts(row).scope, locale=locale, items=chosen, days=days)
    if shown.sha256 != text_digest:
        raise TextChanged(request=request_id)
    power = signing_power(actor, scope.enterprise, identity=identity, now=now)
    check_power(power, purpose=scope.purpose, name=get_template().purposes[scope.purpose].name, now=now)
    row.state, row.answered_at = new_state, now
    row.save(update_fields=["state", "answered_at"])
    given = write_authorisation(row, scope, shown, actor, power, channel=channel, address=address, now=now)
    _supersede(given, actor=actor.label, now=now)
    return given


def _supersede(given: Authorisation, *, actor: str, now: datetime) -> None:
    """End what the new authorisation takes the place of."""
    older = AuthorisationRow.objects.select_for_update().filter(
        subject=given.subject, recipient=given.recipient, purpose=given.purpose, status=AuthorisationStatus.ACTIVE
    )
    for row in older.exclude(id=given.id).order_by("id"):
        end(row, "supersede", reason="", now=now)
        record_of(SUPERSEDED, row, actor=actor, body={"by": given.id}, now=now)


@transaction.atomic
def withdraw_authorisation(authorisation_id: str, *, signatory: int, reason: str = "", now: datetime) -> Authorisation:
    """The enterprise takes an authorisation back; the next read is refused.

    Raises AuthorisationNotFound (also when the person may not sign for the enterprise), TransitionRefused.
    """
    row = locked(AuthorisationRow.objects.all(), authorisation_id)
    actor = _signatory(row.subject, signatory, authorisation_id, now)
    end(row, "withdraw", reason=reason.strip()[:200], now=now)
    record_of(WITHDRAWN, row, actor=actor.label, body={"reason": row.ended_reason}, now=now)
    return authorisation_facts(row)


@transaction.atomic
def use_authorisation(authorisation_id: str, *, now: datetime, actor: str = "system") -> Authorisation:
    """Count one read. Call in the transaction that reveals; raises NotUsable unless it can be used now."""
    row = locked(AuthorisationRow.objects.all(), authorisation_id)
    state = standing(authorisation_facts(row), now=now)
    if state is not AuthorisationState.ACTIVE:
        raise NotUsable(authorisation=authorisation_id, state=state.label)
    row.times_used += 1
    row.save(update_fields=["times_used"])
    if row.times_used == row.times_max:
        end(row, "use_up", reason="", now=now)
    body = {"times_used": row.times_used, "times_max": row.times_max}
    record_of(USED, row, actor=actor, body=body, now=now)
    return authorisation_facts(row)


def expire_authorisations(*, now: datetime) -> int:
    """Mark what time has ended: requests without an answer, authorisations past their day. Returns how many.

    Reads never wait for this: they look at the time themselves. The marks are for people and for evidence.
    """
    due = AuthorisationRow.objects.filter(status=AuthorisationStatus.ACTIVE, valid_to__lte=now)
    lapsed = AuthorisationRequest.objects.filter(state__in=OPEN_REQUESTS, answer_by__lte=now)
    ids = list(due.values_list("id", flat=True)[:BATCH])
    requests = list(lapsed.values_list("id", flat=True)[:BATCH])
    return sum(_expire(name, now) for name in ids) + sum(_lapse(name, now) for name in requests)


@transaction.atomic
def _expire(authorisation_id: str, now: datetime) -> bool:
    row = locked(AuthorisationRow.objects.all(), authorisation_id)
    if row.status != AuthorisationStatus.ACTIVE:  # withdrawn or used up in the meantime
        return False
    end(row, "expire", reason="", now=row.valid_to)
    record_of(EXPIRED, row, actor="system", body={"valid_to": row.valid_to.isoformat()}, now=now)
    return True


@transaction.atomic
def _lapse(request_id: str, now: datetime) -> bool:
    row = locked(AuthorisationRequest.objects.all(), request_id)
    if row.state not in OPEN_REQUESTS:
        return False
    row.state = REQUEST_TRANSITIONS.check(RequestState(row.state), "expire")
    row.save(update_fields=["state"])
    record_of(REQUEST_EXPIRED, row, actor="system", body={"answer_by": row.answer_by.isoformat()}, now=now)
    return True


def _check_interval(organisation: str, enterprise: str, now: datetime) -> InvitationRow | None:
    """The invitation that this request uses up; None when it needs none."""
    made = AuthorisationRequest.objects.filter(organisation=organisation, enterprise=enterprise)
    last = made.order_by("-requested_at").first()
    if last is None or now >= last.requested_at + REQUEST_INTERVAL:
        return None
    open_ones = InvitationRow.objects.filter(organisation=organisation, enterprise=enterprise, request=None)
    invitation = open_ones.filter(until__gt=now).order_by("invited_at").first()
    if invitation is None:
        check_interval(last.id, requested_at=last.requested_at, now=now)
    return invitation


def _open_request(request_id: str, signatory: int, now: datetime) -> tuple[AuthorisationRequest, Actor]:
    row = locked(AuthorisationRequest.objects.all(), request_id)
    return row, _signatory(row.enterprise, signatory, request_id, now)


def _signatory(enterprise: str, person: int, about: str, now: datetime) -> Actor:
    """The person acting for the enterprise. A stranger is told no more than that there is no such thing."""
    try:
        return actor_for_enterprise(person, enterprise, now=now)
    except NotAMember as error:
        raise AuthorisationNotFound(authorisation=about) from error


def _request_state(row: AuthorisationRequest, now: datetime) -> RequestState:
    state = RequestState(row.state)
    return RequestState.EXPIRED if state in OPEN_REQUESTS and now >= row.answer_by else state
