"""Reads of requests and authorisations: facts, never rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q

from xinqiao.consent.models import AuthorisationRequest, AuthorisationRow
from xinqiao.consent.rules import narrow, shown_text, standing, under_ceiling
from xinqiao.consent.templates import load_template
from xinqiao.consent.types import (
    OPEN_REQUESTS,
    Authorisation,
    AuthorisationNotFound,
    AuthorisationState,
    AuthorisationStatus,
    Form,
    LeftTheList,
    Power,
    PowerSource,
    RequestFacts,
    RequestState,
    Scope,
    ShownText,
    Template,
)
from xinqiao.evidence.queries import receipt, sign_document
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.plumbing.settings import content_dir
from xinqiao.sharing.queries import current_list
from xinqiao.vault.sealing import open_all
from xinqiao.vault.types import Sealing, person_subject

CREDIT_QUERY = "credit_query"
ARTEFACT = 2  # layout of the signed document


def get_template(code: str = CREDIT_QUERY) -> Template:
    """The consent template in force; raises InvalidTemplate or FileNotFoundError."""
    return load_template(content_dir() / "consent" / f"{code}.toml")


def get_request(request_id: str) -> RequestFacts:
    """One request; raises AuthorisationNotFound."""
    row = AuthorisationRequest.objects.select_related("authorisation").filter(id=request_id).first()
    if row is None:
        raise AuthorisationNotFound(authorisation=request_id)
    return request_facts(row)


def list_requests(
    *,
    enterprise: str | None = None,
    organisation: str | None = None,
    state: RequestState | None = None,
    open_at: datetime | None = None,
    limit: int = 100,
) -> list[RequestFacts]:
    """Requests to an enterprise (USCC) or of an organisation (code), newest first; ``open_at`` = awaiting an answer."""
    rows = AuthorisationRequest.objects.select_related("authorisation").order_by("-requested_at", "-id")
    if open_at is not None:
        rows = rows.filter(state__in=OPEN_REQUESTS, answer_by__gt=open_at)
    named = {"enterprise": enterprise, "organisation": organisation, "state": state}
    rows = rows.filter(**{name: value for name, value in named.items() if value is not None})
    return [request_facts(row) for row in rows[:limit]]


def get_authorisation(authorisation_id: str) -> Authorisation:
    """One authorisation; raises AuthorisationNotFound."""
    found = find_authorisation(authorisation_id)
    if found is None:
        raise AuthorisationNotFound(authorisation=authorisation_id)
    return found


def find_authorisation(authorisation_id: str) -> Authorisation | None:
    """One authorisation, or None."""
    row = AuthorisationRow.objects.filter(id=authorisation_id).first()
    return authorisation_facts(row) if row else None


def list_authorisations(
    *, enterprise: str | None = None, recipient: str | None = None, limit: int = 100
) -> list[Authorisation]:
    """Authorisations given by an enterprise (USCC) or held by a recipient (code), newest first."""
    rows = AuthorisationRow.objects.order_by("-valid_from", "-id")
    named = {"subject": enterprise, "recipient": recipient}
    rows = rows.filter(**{name: value for name, value in named.items() if value is not None})
    return [authorisation_facts(row) for row in rows[:limit]]


def count_live(*, naming: Iterable[str], now: datetime) -> tuple[int, dict[str, int]]:
    """How many authorisations can be used now, and how many of them name each of the items."""
    live = AuthorisationRow.objects.filter(status=AuthorisationStatus.ACTIVE, valid_to__gt=now)
    wanted = sorted(naming)
    counts = {f"n{at}": Count("id", filter=Q(items__contains=json.dumps(code))) for at, code in enumerate(wanted)}
    found = live.aggregate(all=Count("id"), **counts)
    return found["all"], {code: found[f"n{at}"] for at, code in enumerate(wanted)}


def open_requests_naming(codes: Iterable[str], *, now: datetime) -> dict[str, list[RequestFacts]]:
    """Item → the requests that await an answer and name it."""
    waiting = AuthorisationRequest.objects.select_related("authorisation")
    waiting = waiting.filter(state__in=OPEN_REQUESTS, answer_by__gt=now).order_by("id")
    return {
        code: [request_facts(row) for row in waiting.filter(items__contains=json.dumps(code))] for code in sorted(codes)
    }


def settled_requests(requests: Iterable[str], *, now: datetime) -> set[str]:
    """Which of these requests are answered, taken back or past their day."""
    rows = AuthorisationRequest.objects.filter(id__in=list(requests))
    return set(rows.exclude(state__in=OPEN_REQUESTS, answer_by__gt=now).values_list("id", flat=True))


def ended_authorisations(authorisations: Iterable[str]) -> set[str]:
    """Which of these authorisations the enterprise withdrew or are void."""
    ended = (AuthorisationStatus.WITHDRAWN, AuthorisationStatus.VOID)
    rows = AuthorisationRow.objects.filter(id__in=list(authorisations), status__in=ended)
    return set(rows.values_list("id", flat=True))


def first_given() -> dict[str, datetime]:
    """Enterprise → when it first gave an authorisation to anybody, whatever became of it."""
    found = AuthorisationRow.objects.values("subject").annotate(first=Min("valid_from"))
    return {row["subject"]: row["first"] for row in found}


def find_active(*, recipient: str, subject: str, purpose: str, now: datetime) -> Authorisation | None:
    """The newest authorisation of that purpose that can be used now, or None."""
    rows = AuthorisationRow.objects.filter(
        recipient=recipient, subject=subject, purpose=purpose, status=AuthorisationStatus.ACTIVE, valid_to__gt=now
    )
    found = map(authorisation_facts, rows.order_by("-valid_from", "-id"))
    return next((row for row in found if standing(row, now=now) is AuthorisationState.ACTIVE), None)


def active_by_pair(
    *, purpose: str, now: datetime, recipient: str | None = None
) -> dict[tuple[str, str], Authorisation]:
    """(recipient, subject) → the newest authorisation of that purpose usable now, of one recipient or of all."""
    rows = AuthorisationRow.objects.filter(purpose=purpose, status=AuthorisationStatus.ACTIVE, valid_to__gt=now)
    if recipient is not None:
        rows = rows.filter(recipient=recipient)
    found = map(authorisation_facts, rows.order_by("valid_from", "id").iterator())
    return {(a.recipient, a.subject): a for a in found if standing(a, now=now) is AuthorisationState.ACTIVE}


def asked_of(enterprises: Iterable[str], *, organisation: str, since: datetime) -> frozenset[str]:
    """Those of the enterprises whose authorisation the organisation has asked since an instant, whatever came of it."""
    rows = AuthorisationRequest.objects.filter(
        organisation=organisation, enterprise__in=list(enterprises), requested_at__gt=since
    )
    return frozenset(rows.values_list("enterprise", flat=True))


def withdrawals(authorisations: Iterable[str]) -> dict[str, datetime]:
    """When those of the authorisations were taken back that the enterprise has taken back."""
    rows = AuthorisationRow.objects.filter(id__in=list(authorisations), status=AuthorisationStatus.WITHDRAWN)
    return {name: at for name, at in rows.values_list("id", "ended_at") if at}


def consent_text(
    request_id: str, *, locale: str, items: Iterable[str] | None = None, days: int | None = None
) -> ShownText:
    """The exact text the enterprise is asked to agree to, for what it was asked or the less it chooses.

    ``locale`` is zh or en. Raises AuthorisationNotFound, BeyondCeiling.
    """
    return text_of(get_request(request_id).scope, locale=locale, items=items, days=days)[1]


def text_of(asked: Scope, *, locale: str, items: Iterable[str] | None, days: int | None) -> tuple[Scope, ShownText]:
    """What would be agreed to under the template as it stands now, and the text that says so."""
    template, catalogue = get_template(), current_list()
    scope = narrow(under_ceiling(template, asked), items=items, days=days)
    listed = {item.code: item for item in catalogue}
    if away := tuple(code for code in scope.items if code not in listed):
        raise LeftTheList(items=away)
    found = [listed[code] for code in scope.items]
    names = [item.name_en if locale == "en" else item.name for item in found]
    return scope, shown_text(template, scope, names, locale=locale)


def authorisation_as_json(authorisation_id: str) -> dict[str, Any]:
    """The authorisation for its holders: the document, the node's signature over it, and the receipt of its grant.

    The signature is a note over the SHA-256 of the document's canonical JSON (``proofs.check_document`` with kind
    ``authorisation``). Raises AuthorisationNotFound.
    """
    row = AuthorisationRow.objects.filter(id=authorisation_id).first()
    if row is None:
        raise AuthorisationNotFound(authorisation=authorisation_id)
    document = _document(row)
    signature = sign_document(canonical_bytes(document), kind="authorisation")
    return {"v": 1, "document": document, "signature": signature, "receipt": receipt(row.entry).as_json()}


def _document(row: AuthorisationRow) -> dict[str, Any]:
    """Every field of the artefact as plain JSON, with the exact text; ``v`` is the version of this layout."""
    identity, address = open_all(signatory_sealings(row))
    facts = asdict(authorisation_facts(row, address=address, identity_sha256=identity))
    power = facts["power"]
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in facts.items()}
    until = power["until"].isoformat() if power["until"] else None
    return plain | {
        "v": ARTEFACT,
        "items": list(facts["items"]),
        "power": {**power, "purposes": list(power["purposes"]), "until": until},
        "frequency": "once" if row.times_max == 1 else "repeated",
        "withdrawal": "at any time in the enterprise portal or through any platform; the next query is refused",
        "entry": row.entry,
        "text": row.text,
    }


def request_facts(row: AuthorisationRequest) -> RequestFacts:
    """Facts of a row."""
    granted = getattr(row, "authorisation", None)
    return RequestFacts(
        id=row.id,
        state=RequestState(row.state),
        scope=_scope(row),
        template=row.template,
        template_version=row.template_version,
        requested_at=row.requested_at,
        answer_by=row.answer_by,
        answered_at=row.answered_at,
        answer_reason=row.answer_reason,
        authorisation=granted.id if granted else "",
    )


def _scope(row: AuthorisationRequest) -> Scope:
    return Scope(
        organisation=row.organisation,
        organisation_name=row.organisation_name,
        enterprise=row.enterprise,
        enterprise_name=row.enterprise_name,
        purpose=row.purpose,
        items=tuple(json.loads(row.items)),
        form=Form(row.form),
        days=row.days,
        times=row.times,
        data_months=row.data_months,
        retention_days=row.retention_days,
        reason=row.reason,
        product=row.product,
        platform=row.platform,
    )


_DIFFERENT = {"request", "status", "items", "form", "power", "address"}
_SAME_NAMES = [field.name for field in fields(Authorisation) if field.name not in _DIFFERENT]


def signatory_sealings(
    row: AuthorisationRow, *, identity_sha256: str = "", address: str = ""
) -> tuple[Sealing, Sealing]:
    """What a row holds of its signatory, as values to seal or to open: identity digest and network address."""
    subject, place = person_subject(row.signatory), f"consent_authorisation:{{}}:{row.id}".format
    return (
        Sealing(subject, place("identity"), identity_sha256, bytes(row.identity_sealed)),
        Sealing(subject, place("address"), address, bytes(row.address_sealed)),
    )


def authorisation_facts(row: AuthorisationRow, *, address: str = "", identity_sha256: str = "") -> Authorisation:
    """Facts of a row. What is sealed of the signatory stays empty unless whoever opened it hands it in."""
    return Authorisation(
        request=row.request_id,
        status=AuthorisationStatus(row.status),
        items=tuple(json.loads(row.items)),
        form=Form(row.form),
        power=Power(
            PowerSource(row.power_source),
            tuple(json.loads(row.power_purposes)),
            row.power_until,
            row.identity,
            identity_sha256,
        ),
        address=address,
        **{name: getattr(row, name) for name in _SAME_NAMES},
    )
