"""Verbs of consent. Each is one transaction: check, change, record the evidence."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from xinqiao.catalogue.load import load_catalogue
from xinqiao.consent.models import AuthorisationRequest, AuthorisationRow
from xinqiao.consent.queries import authorisation_facts, get_template, request_facts, text_of
from xinqiao.consent.rules import (
    AUTHORISATION_TRANSITIONS,
    REQUEST_TRANSITIONS,
    ceiling_of,
    check_interval,
    check_limits,
    check_scope,
    standing,
)
from xinqiao.consent.types import (
    DECLINED,
    EXPIRED,
    GRANTED,
    REQUEST_EXPIRED,
    REQUESTED,
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
    ShownText,
    TextChanged,
)
from xinqiao.evidence.actions import record
from xinqiao.evidence.types import Event
from xinqiao.parties.queries import actor_for_enterprise, get_enterprise, get_organisation
from xinqiao.parties.types import Actor, NotAMember
from xinqiao.plumbing.locks import hold_name
from xinqiao.plumbing.settings import content_dir

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
    actor: str,
    now: datetime,
) -> RequestFacts:
    """Ask an enterprise (USCC) for an authorisation; ``days`` and ``times`` default to the most that is allowed.

    Raises NotAdmitted, PartyNotFound, AlreadyRequested (one per organisation, enterprise and 30 days), BeyondCeiling.
    """
    asking, firm = get_organisation(organisation), get_enterprise(enterprise)
    if not asking.admitted:
        raise NotAdmitted(organisation=asking.name)
    template, wanted = get_template(), tuple(dict.fromkeys(items))
    known = [item.code for item in load_catalogue(content_dir())]
    check_scope(template, purpose=purpose, items=wanted, known=known, form=form, reason=reason)
    limit = ceiling_of(template, purpose=purpose, form=form)
    asked = {"days": limit.days if days is None else days, "times": limit.times if times is None else times}
    check_limits(limit, **asked)
    hold_name(f"consent.request {organisation} {enterprise}")
    _check_interval(organisation, enterprise, now)
    scope = Scope(
        organisation, asking.name, enterprise, firm.name, purpose, wanted, form,
        **asked, data_months=limit.data_months, retention_days=limit.retention_days, reason=reason.strip(),
    )  # fmt: skip
    row = AuthorisationRequest.objects.create(
        id=_new_id("R", now),
        state=RequestState.REQUESTED,
        template=template.code,
        template_version=template.version,
        requested_at=now,
        answer_by=now + timedelta(days=template.answer_days),
        **_columns(scope),
    )
    _record(REQUESTED, row, actor=actor, body=_body(scope), now=now)
    return request_facts(row)


@transaction.atomic
def decline_request(request_id: str, *, signatory: int, reason: str = "", now: datetime) -> RequestFacts:
    """The enterprise says no. ``signatory`` is the person; raises AuthorisationNotFound, TransitionRefused."""
    row, actor = _open_request(request_id, signatory, now)
    row.state = REQUEST_TRANSITIONS.check(_request_state(row, now), "decline")
    row.answered_at, row.answer_reason = now, reason.strip()[:200]
    row.save(update_fields=["state", "answered_at", "answer_reason"])
    _record(DECLINED, row, actor=actor.label, body={"reason": row.answer_reason}, now=now)
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
    now: datetime,
) -> Authorisation:
    """The enterprise says yes, to what was asked or to fewer items or days.

    ``text_digest`` is the SHA-256 of the text the signatory was shown (``queries.consent_text`` with the same
    locale, items and days). Raises TextChanged when it is not the text as it stands now, BeyondCeiling when more is
    granted than was asked, TransitionRefused when the request is answered or lapsed, AuthorisationNotFound when
    there is no such request or the person may not sign for the enterprise.
    """
    row, actor = _open_request(request_id, signatory, now)
    new_state = REQUEST_TRANSITIONS.check(_request_state(row, now), "grant")
    chosen = None if items is None else list(items)
    scope, shown = text_of(request_facts(row).scope, locale=locale, items=chosen, days=days)
    if shown.sha256 != text_digest:
        raise TextChanged(request=request_id)
    row.state, row.answered_at = new_state, now
    row.save(update_fields=["state", "answered_at"])
    return _write_authorisation(row, scope, shown, actor, channel=channel, now=now)


def _write_authorisation(
    row: AuthorisationRequest, scope: Scope, shown: ShownText, actor: Actor, *, channel: str, now: datetime
) -> Authorisation:
    template = get_template()
    given = AuthorisationRow(
        id=_new_id("C", now),
        request=row,
        status=AuthorisationStatus.ACTIVE,
        subject=scope.enterprise,
        subject_name=scope.enterprise_name,
        signatory=actor.person_id,
        power=str(actor.role),
        recipient=scope.organisation,
        recipient_name=scope.organisation_name,
        purpose=scope.purpose,
        items=json.dumps(scope.items),
        form=scope.form,
        valid_from=now,
        valid_to=now + timedelta(days=scope.days),
        times_max=scope.times,
        data_months=scope.data_months,
        retention_days=scope.retention_days,
        template=template.code,
        template_version=template.version,
        text=shown.text,
        text_sha256=shown.sha256,
        locale=shown.locale,
        channel=channel,
    )
    body = {"request": row.id, "text_sha256": shown.sha256, "locale": shown.locale, "power": given.power}
    body |= {"template": template.code, "template_version": template.version, "channel": channel}
    given.entry = _record(GRANTED, given, actor=actor.label, body={**body, **_body(scope)}, now=now)
    given.save(force_insert=True)
    return authorisation_facts(given)


@transaction.atomic
def withdraw_authorisation(authorisation_id: str, *, signatory: int, reason: str = "", now: datetime) -> Authorisation:
    """The enterprise takes an authorisation back; the next read is refused.

    Raises AuthorisationNotFound (also when the person may not sign for the enterprise), TransitionRefused.
    """
    row = _locked(AuthorisationRow.objects.all(), authorisation_id)
    actor = _signatory(row.subject, signatory, authorisation_id, now)
    _end(row, "withdraw", reason=reason.strip()[:200], now=now)
    _record(WITHDRAWN, row, actor=actor.label, body={"reason": row.ended_reason}, now=now)
    return authorisation_facts(row)


@transaction.atomic
def use_authorisation(authorisation_id: str, *, now: datetime, actor: str = "system") -> Authorisation:
    """Count one read. Call in the transaction that reveals; raises NotUsable unless it can be used now."""
    row = _locked(AuthorisationRow.objects.all(), authorisation_id)
    state = standing(authorisation_facts(row), now=now)
    if state is not AuthorisationState.ACTIVE:
        raise NotUsable(authorisation=authorisation_id, state=state.label)
    row.times_used += 1
    row.save(update_fields=["times_used"])
    if row.times_used == row.times_max:
        _end(row, "use_up", reason="", now=now)
    body = {"times_used": row.times_used, "times_max": row.times_max}
    _record(USED, row, actor=actor, body=body, now=now)
    return authorisation_facts(row)


def expire_authorisations(*, now: datetime) -> int:
    """Mark what time has ended: requests without an answer, authorisations past their day. Returns how many.

    Reads never wait for this: they look at the time themselves. The marks are for people and for evidence.
    """
    due = AuthorisationRow.objects.filter(status=AuthorisationStatus.ACTIVE, valid_to__lte=now)
    lapsed = AuthorisationRequest.objects.filter(state=RequestState.REQUESTED, answer_by__lte=now)
    ids = list(due.values_list("id", flat=True)[:BATCH])
    requests = list(lapsed.values_list("id", flat=True)[:BATCH])
    return sum(_expire(name, now) for name in ids) + sum(_lapse(name, now) for name in requests)


@transaction.atomic
def _expire(authorisation_id: str, now: datetime) -> bool:
    row = _locked(AuthorisationRow.objects.all(), authorisation_id)
    if row.status != AuthorisationStatus.ACTIVE:  # withdrawn or used up in the meantime
        return False
    _end(row, "expire", reason="", now=row.valid_to)
    _record(EXPIRED, row, actor="system", body={"valid_to": row.valid_to.isoformat()}, now=now)
    return True


@transaction.atomic
def _lapse(request_id: str, now: datetime) -> bool:
    row = _locked(AuthorisationRequest.objects.all(), request_id)
    if row.state != RequestState.REQUESTED:
        return False
    row.state = REQUEST_TRANSITIONS.check(RequestState.REQUESTED, "expire")
    row.save(update_fields=["state"])
    _record(REQUEST_EXPIRED, row, actor="system", body={"answer_by": row.answer_by.isoformat()}, now=now)
    return True


def _check_interval(organisation: str, enterprise: str, now: datetime) -> None:
    made = AuthorisationRequest.objects.filter(organisation=organisation, enterprise=enterprise)
    last = made.order_by("-requested_at").first()
    if last:
        check_interval(last.id, requested_at=last.requested_at, now=now)


def _open_request(request_id: str, signatory: int, now: datetime) -> tuple[AuthorisationRequest, Actor]:
    row = _locked(AuthorisationRequest.objects.all(), request_id)
    return row, _signatory(row.enterprise, signatory, request_id, now)


def _signatory(enterprise: str, person: int, about: str, now: datetime) -> Actor:
    """The person acting for the enterprise. A stranger is told no more than that there is no such thing."""
    try:
        return actor_for_enterprise(person, enterprise, now=now)
    except NotAMember as error:
        raise AuthorisationNotFound(authorisation=about) from error


def _request_state(row: AuthorisationRequest, now: datetime) -> RequestState:
    state = RequestState(row.state)
    return RequestState.EXPIRED if state is RequestState.REQUESTED and now >= row.answer_by else state


def _end(row: AuthorisationRow, event: str, *, reason: str, now: datetime) -> None:
    row.status = AUTHORISATION_TRANSITIONS.check(AuthorisationStatus(row.status), event)
    row.ended_at, row.ended_reason = now, reason
    row.save(update_fields=["status", "ended_at", "ended_reason"])


def _columns(scope: Scope) -> dict[str, Any]:
    return {**asdict(scope), "items": json.dumps(scope.items), "form": str(scope.form)}


def _body(scope: Scope) -> dict[str, Any]:
    return {**asdict(scope), "items": list(scope.items), "form": str(scope.form)}


def _record(
    event: Event, row: AuthorisationRequest | AuthorisationRow, *, actor: str, body: dict[str, Any], now: datetime
) -> int:
    """Evidence about a request or authorisation, under the enterprise's code."""
    given = isinstance(row, AuthorisationRow)
    body = {**body, "authorisation" if given else "request": row.id}
    subject = row.subject if given else row.enterprise
    return record(event, actor=actor, subject=subject, body=body, now=now).id


def _locked(rows: QuerySet[Any], name: str) -> Any:
    row = rows.select_for_update().filter(id=name).first()
    if row is None:
        raise AuthorisationNotFound(authorisation=name)
    return row


def _new_id(prefix: str, now: datetime) -> str:
    return f"{prefix}{now:%Y%m%d}-{secrets.token_hex(5)}"
