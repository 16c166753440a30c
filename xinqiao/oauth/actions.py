"""Verbs that write clients and their keys; each is one transaction with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.evidence.types import Event
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.oauth.jose import Unreadable, read_key
from xinqiao.oauth.models import Client, ClientKey, Grant, Pushed
from xinqiao.oauth.queries import client_facts, get_client
from xinqiao.oauth.rules import check_registration
from xinqiao.oauth.types import (
    CLIENT_ADDED,
    CLIENT_ENDED,
    CLIENT_FROZEN,
    CLIENT_UNFROZEN,
    GRANT_ENDED,
    KEY_ADDED,
    KEY_ENDED,
    ClientExists,
    ClientFacts,
    ClientNotFound,
    InvalidRegistration,
    PushedState,
)
from xinqiao.parties.queries import get_organisation
from xinqiao.plumbing.locks import hold_name


@transaction.atomic
def add_client(
    client_id: str,
    *,
    organisation: str,
    name: str,
    jwk: Mapping[str, Any],
    scopes: Iterable[str],
    allowed: Iterable[str],
    redirect_uris: Iterable[str] = (),
    actor: str,
    now: datetime,
) -> ClientFacts:
    """Register a program of an organisation with its first public key. ``allowed``: scopes that its kind may have.

    Raises PartyNotFound, InvalidRegistration, ClientExists.
    """
    owner, wanted, addresses = get_organisation(organisation), sorted(set(scopes)), list(dict.fromkeys(redirect_uris))
    check_registration(client_id, scopes=wanted, allowed=allowed, redirect_uris=addresses)
    hold_name(f"oauth.client {client_id}")
    if Client.objects.filter(client_id=client_id).exists():
        raise ClientExists(client=client_id)
    row = Client(client_id=client_id, name=name[:60], scopes=wanted, redirect_uris=addresses, added_at=now)
    row.organisation_id = _number_of(owner.code)
    row.save(force_insert=True)
    body = {"client": client_id, "name": row.name, "scopes": wanted, "redirect_uris": addresses}
    record(CLIENT_ADDED, actor=actor, subject=owner.code, body=body, now=now)
    _insert_key(row, jwk, actor=actor, now=now)
    return get_client(client_id)


@transaction.atomic
def add_key(client_id: str, *, jwk: Mapping[str, Any], actor: str, now: datetime) -> ClientFacts:
    """Register one more public key; the earlier ones stay good until they are ended. Raises ClientNotFound,
    InvalidRegistration, ClientExists."""
    row = _locked(client_id)
    if row.ended_at is not None:
        raise ClientNotFound(client=client_id)
    _insert_key(row, jwk, actor=actor, now=now)
    return get_client(client_id)


@transaction.atomic
def end_key(client_id: str, *, kid: str, actor: str, now: datetime) -> ClientFacts:
    """Make a key useless, and every token that was issued by it; ending it again changes nothing.

    Raises ClientNotFound.
    """
    row = _locked(client_id)
    key = row.keys.select_for_update().filter(kid=kid).first()
    if key is None:
        raise ClientNotFound(client=f"{client_id} {kid}")
    if key.ended_at is None:
        key.ended_at = now
        key.save(update_fields=["ended_at"])
        body = {"client": client_id, "kid": kid, "thumbprint": key.thumbprint}
        record(KEY_ENDED, actor=actor, subject=row.organisation.code, body=body, now=now)
        _end_grants(row, key=key, reason="key ended", actor=actor, now=now)
    return get_client(client_id)


@transaction.atomic
def end_client(client_id: str, *, reason: str = "", actor: str, now: datetime) -> ClientFacts:
    """Make a client and all it holds useless from the next call on; ending it again changes nothing.

    Raises ClientNotFound.
    """
    row = _locked(client_id)
    if row.ended_at is None:
        row.ended_at = now
        row.save(update_fields=["ended_at"])
        body = {"client": client_id, "reason": reason}
        record(CLIENT_ENDED, actor=actor, subject=row.organisation.code, body=body, now=now)
        _end_grants(row, key=None, reason="client ended", actor=actor, now=now)
    return client_facts(row)


@transaction.atomic
def freeze_client(client_id: str, *, case: str, actor: str, now: datetime) -> ClientFacts:
    """Stop a client from the next call on, tokens and all, until :func:`unfreeze_client`. Raises ClientNotFound."""
    return _set_frozen(client_id, case, CLIENT_FROZEN, case=case, actor=actor, now=now)


@transaction.atomic
def unfreeze_client(client_id: str, *, case: str, actor: str, now: datetime) -> ClientFacts:
    """Let a client that this case stopped go on; tokens that have not expired open again. Raises ClientNotFound."""
    return _set_frozen(client_id, "", CLIENT_UNFROZEN, case=case, actor=actor, now=now)


@transaction.atomic
def end_tokens(organisation: str, *, reason: str, actor: str, now: datetime) -> int:
    """Make every token, code and pushed request of an organisation's clients useless; returns how many clients had any.

    The clients stay, and may fetch new tokens: what those open is the gate's to say.
    """
    count = 0
    for row in Client.objects.select_related("organisation").filter(organisation__code=organisation).order_by("id"):
        open_ones = Pushed.objects.filter(client=row, expires_at__gt=now).exclude(state=PushedState.REDEEMED)
        pushed = open_ones.update(expires_at=now)
        count += bool(_end_grants(row, key=None, reason=reason, actor=actor, now=now) + pushed)
    return count


@transaction.atomic
def end_clients(organisation: str, *, reason: str, actor: str, now: datetime) -> int:
    """End every client of an organisation and all it holds, for good; returns how many."""
    end_tokens(organisation, reason=reason[:40], actor=actor, now=now)
    names = Client.objects.filter(organisation__code=organisation, ended_at=None).values_list("client_id", flat=True)
    return len([end_client(name, reason=reason, actor=actor, now=now) for name in list(names.order_by("id"))])


def _set_frozen(client_id: str, frozen: str, event: Event, *, case: str, actor: str, now: datetime) -> ClientFacts:
    row = _locked(client_id)
    if row.frozen != frozen:
        row.frozen = frozen
        row.save(update_fields=["frozen"])
        body = {"client": client_id, "case": case}
        record(event, actor=actor, subject=row.organisation.code, body=body, now=now)
    return client_facts(row)


def _end_grants(row: Client, *, key: ClientKey | None, reason: str, actor: str, now: datetime) -> int:
    """End the grants of a client, or those that one of its keys obtained; one entry names them. How many."""
    standing = Grant.objects.filter(client=row, ended_at=None, tokens__expires_at__gt=now)
    chosen = list((standing.filter(key=key) if key else standing).distinct().values_list("id", flat=True))
    if not chosen:
        return 0
    Grant.objects.filter(id__in=chosen).update(ended_at=now, ended_reason=reason)
    body = {"client": row.client_id, "grants": sorted(chosen), "reason": reason}
    record(GRANT_ENDED, actor=actor, subject=row.organisation.code, body=body, now=now)
    return len(chosen)


def _insert_key(row: Client, jwk: Mapping[str, Any], *, actor: str, now: datetime) -> None:
    """A key by its kid, or by its thumbprint when it has none."""
    try:
        public, thumbprint = read_key(jwk)
    except Unreadable as error:
        why = Phrase("公钥不能使用：{why}", why=str(error))
        raise InvalidRegistration([Problem(field="jwk", code="oauth.jwk", message=why)]) from error
    kid = str(jwk.get("kid") or thumbprint)[:100]
    hold_name(f"oauth.key {thumbprint}")
    if ClientKey.objects.filter(thumbprint=thumbprint).exists() or row.keys.filter(kid=kid).exists():
        raise ClientExists(client=kid)
    row.keys.create(kid=kid, thumbprint=thumbprint, jwk=public, added_at=now)
    body = {"client": row.client_id, "kid": kid, "thumbprint": thumbprint}
    record(KEY_ADDED, actor=actor, subject=row.organisation.code, body=body, now=now)


def _number_of(organisation: str) -> int:
    """The row number behind an organisation's code."""
    field = Client._meta.get_field("organisation")
    return int(field.related_model._default_manager.get(code=organisation).pk)  # type: ignore[union-attr]


def _locked(client_id: str) -> Client:
    rows = Client.objects.select_related("organisation").select_for_update(of=("self",))
    row = rows.filter(client_id=client_id).first()
    if row is None:
        raise ClientNotFound(client=client_id)
    return row
