"""Writing requests and authorisations with their evidence. Only for the verbs of this context."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from xinqiao.consent.models import AuthorisationRequest, AuthorisationRow
from xinqiao.consent.powers import power_body
from xinqiao.consent.queries import authorisation_facts, get_template, signatory_sealings
from xinqiao.consent.rules import AUTHORISATION_TRANSITIONS
from xinqiao.consent.types import (
    DECLINED,
    EXPIRED,
    GRANTED,
    REQUEST_EXPIRED,
    SUPERSEDED,
    VOIDED,
    WITHDRAWN,
    Authorisation,
    AuthorisationNotFound,
    AuthorisationStatus,
    Power,
    RequestState,
    Scope,
    ShownText,
    Template,
)
from xinqiao.evidence.actions import record
from xinqiao.evidence.types import Event
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.oauth.tokens import end_consent
from xinqiao.parties.types import Actor
from xinqiao.sharing.queries import current_list
from xinqiao.vault.sealing import seal
from xinqiao.webhooks.actions import tell

# What the asking organisation's program is told of (``docs/how-to/connect-a-client.md``).
NOTICES = {
    GRANTED.code: "authorisation.granted",
    DECLINED.code: "authorisation_request.declined",
    REQUEST_EXPIRED.code: "authorisation_request.expired",
    WITHDRAWN.code: "authorisation.withdrawn",
    EXPIRED.code: "authorisation.expired",
    SUPERSEDED.code: "authorisation.superseded",
    VOIDED.code: "authorisation.void",
}


def new_request(scope: Scope, template: Template, *, now: datetime) -> AuthorisationRequest:
    """The row of a request just made."""
    return AuthorisationRequest.objects.create(
        id=new_id("R", now),
        state=RequestState.REQUESTED,
        template=template.code,
        template_version=template.version,
        requested_at=now,
        answer_by=now + timedelta(days=template.answer_days),
        **columns(scope),
    )


def write_authorisation(
    row: AuthorisationRequest,
    scope: Scope,
    shown: ShownText,
    actor: Actor,
    power: Power,
    *,
    channel: str,
    address: str,
    now: datetime,
) -> Authorisation:
    """The authorisation that answers a request, with the evidence of its grant."""
    template = get_template()
    given = AuthorisationRow(
        id=new_id("C", now),
        request=row,
        status=AuthorisationStatus.ACTIVE,
        signatory=actor.person_id,
        valid_from=now,
        valid_to=now + timedelta(days=scope.days),
        template=template.code,
        template_version=template.version,
        list_sha256=current_list().sha256,
        text=shown.text,
        text_sha256=shown.sha256,
        locale=shown.locale,
        channel=channel,
        **_granted(scope),
        **_signed(power),
    )
    sealings = signatory_sealings(given, identity_sha256=power.identity_sha256, address=address)
    given.identity_sealed, given.address_sealed = seal(sealings, now=now)
    body = {"request": row.id, "text_sha256": shown.sha256, "locale": shown.locale, "power": power_body(power)}
    body |= {"template": template.code, "template_version": template.version, "channel": channel}
    # Binds what is sealed of the signatory without telling it, so that its key alone decides whether it can be read.
    body |= {"list_sha256": given.list_sha256, "identity_sealed_sha256": sha256_hex(given.identity_sealed)}
    given.entry = record_of(GRANTED, given, actor=actor.label, body={**body, **body_of(scope)}, now=now)
    given.save(force_insert=True)
    return authorisation_facts(given, address=address, identity_sha256=power.identity_sha256)


def _granted(scope: Scope) -> dict[str, Any]:
    """What is allowed, as columns."""
    return {
        "subject": scope.enterprise,
        "subject_name": scope.enterprise_name,
        "recipient": scope.organisation,
        "recipient_name": scope.organisation_name,
        "purpose": scope.purpose,
        "items": json.dumps(scope.items),
        "form": scope.form,
        "times_max": scope.times,
        "data_months": scope.data_months,
        "retention_days": scope.retention_days,
        "reason": scope.reason,
        "product": scope.product,
        "platform": scope.platform,
    }


def _signed(power: Power) -> dict[str, Any]:
    """By what power, as columns."""
    return {
        "power_source": power.source,
        "power_purposes": json.dumps(power.purposes),
        "power_until": power.until,
        "identity": power.identity,
    }


def end(row: AuthorisationRow, event: str, *, reason: str, now: datetime) -> None:
    """Move an authorisation to the state that ``event`` leads to, and its codes and refresh tokens with it.

    Raises TransitionRefused.
    """
    row.status = AUTHORISATION_TRANSITIONS.check(AuthorisationStatus(row.status), event)
    row.ended_at, row.ended_reason = now, reason
    row.save(update_fields=["status", "ended_at", "ended_reason"])
    end_consent(row.id, organisation=row.recipient, reason=f"authorisation: {event}", actor="system", now=now)


def columns(scope: Scope) -> dict[str, Any]:
    """A scope as columns of a request."""
    return {**asdict(scope), "items": json.dumps(scope.items), "form": str(scope.form)}


def body_of(scope: Scope) -> dict[str, Any]:
    """A scope as evidence holds it."""
    return {**asdict(scope), "items": list(scope.items), "form": str(scope.form)}


def record_of(
    event: Event, row: AuthorisationRequest | AuthorisationRow, *, actor: str, body: dict[str, Any], now: datetime
) -> int:
    """Evidence about a request or authorisation, under the enterprise's code; the entry's number."""
    given = isinstance(row, AuthorisationRow)
    body = {**body, "authorisation" if given else "request": row.id}
    subject = row.subject if given else row.enterprise
    if event.code in NOTICES:
        data = {"request": row.request_id, "authorisation": row.id} if given else {"request": row.id}
        asked_by = row.recipient if given else row.organisation
        tell(asked_by, NOTICES[event.code], about=data["request"], data=data, now=now)
    return record(event, actor=actor, subject=subject, body=body, now=now).id


def locked(rows: QuerySet[Any], name: str) -> Any:
    """The row of that number, held until the transaction ends; raises AuthorisationNotFound."""
    row = rows.select_for_update().filter(id=name).first()
    if row is None:
        raise AuthorisationNotFound(authorisation=name)
    return row


def new_id(prefix: str, now: datetime) -> str:
    """A number that tells the day and nothing else."""
    return f"{prefix}{now:%Y%m%d}-{secrets.token_hex(5)}"
