"""Reads of clients, tokens and pushed requests: facts, never rows."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Prefetch, QuerySet

from xinqiao.kernel.canonical import sha256_hex
from xinqiao.oauth.models import Client, ClientKey, Pushed, Token
from xinqiao.oauth.types import (
    ClientFacts,
    ClientKeyFacts,
    ClientNotFound,
    GrantKind,
    PushedFacts,
    PushedState,
    TokenFacts,
    TokenKind,
)
from xinqiao.parties.queries import organisation_facts


def get_client(client_id: str) -> ClientFacts:
    """The client of that id, ended ones included; raises ClientNotFound."""
    found = find_client(client_id)
    if found is None:
        raise ClientNotFound(client=client_id)
    return found


def find_client(client_id: str) -> ClientFacts | None:
    """The client of that id, ended ones included, or None."""
    row = _clients().filter(client_id=client_id).first()
    return client_facts(row) if row else None


def list_clients(*, organisation: str | None = None) -> list[ClientFacts]:
    """Clients by id, of one organisation (code) if given."""
    rows = _clients().order_by("client_id")
    return [client_facts(row) for row in (rows.filter(organisation__code=organisation) if organisation else rows)]


def find_token(text: str, *, now: datetime) -> TokenFacts | None:
    """The token of that text if it is in force: not expired, spent or ended; its grant, client and key not either."""
    row = (
        Token.objects.select_related("grant__client__organisation", "grant__key")
        .filter(token_sha256=sha256_hex(text.encode("utf-8", "replace")), expires_at__gt=now)
        .filter(ended_at=None, spent_at=None, grant__ended_at=None)
        .filter(grant__client__ended_at=None, grant__key__ended_at=None)
        .first()
    )
    return token_facts(row) if row else None


def count_live_tokens(organisation: str, *, now: datetime) -> int:
    """How many tokens of an organisation's clients are in force."""
    rows = Token.objects.filter(expires_at__gt=now, ended_at=None, spent_at=None, grant__ended_at=None)
    ours = rows.filter(grant__client__organisation__code=organisation)
    return ours.filter(grant__client__ended_at=None, grant__key__ended_at=None).count()


def find_pushed(reference: str) -> PushedFacts | None:
    """A pushed request by its reference, or None."""
    row = Pushed.objects.select_related("client__organisation").filter(reference=reference).first()
    return pushed_facts(row) if row else None


def find_asked(request: str) -> PushedFacts | None:
    """The pushed request that a consent request was made of and that waits for its answer, or None."""
    rows = Pushed.objects.select_related("client__organisation").filter(request=request, state=PushedState.ASKED)
    row = rows.order_by("-pushed_at").first()
    return pushed_facts(row) if row else None


def _clients() -> QuerySet[Client]:
    keys = Prefetch("keys", queryset=ClientKey.objects.order_by("added_at", "id"))
    return Client.objects.select_related("organisation").prefetch_related(keys)


def client_facts(row: Client) -> ClientFacts:
    """Facts of a row."""
    return ClientFacts(
        client_id=row.client_id,
        name=row.name,
        organisation=organisation_facts(row.organisation),
        scopes=tuple(row.scopes),
        redirect_uris=tuple(row.redirect_uris),
        keys=tuple(key_facts(key) for key in row.keys.all()),
        added_at=row.added_at,
        ended_at=row.ended_at,
        frozen=row.frozen,
    )


def key_facts(row: ClientKey) -> ClientKeyFacts:
    """Facts of a row."""
    return ClientKeyFacts(row.kid, row.thumbprint, row.jwk, row.added_at, row.ended_at)


def token_facts(row: Token) -> TokenFacts:
    """Facts of a row."""
    grant = row.grant
    return TokenFacts(
        client_id=grant.client.client_id,
        organisation=organisation_facts(grant.client.organisation),
        grant=grant.id,
        kind=GrantKind(grant.kind),
        use=TokenKind(row.use),
        scopes=tuple(row.scopes),
        details=tuple(grant.details),
        authorisation=grant.authorisation,
        jkt=grant.jkt,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        frozen=grant.client.frozen,
    )


def pushed_facts(row: Pushed) -> PushedFacts:
    """Facts of a row."""
    return PushedFacts(
        reference=row.reference,
        client=client_facts(row.client),
        state=PushedState(row.state),
        redirect_uri=row.redirect_uri,
        client_state=row.client_state,
        details=row.details,
        pushed_at=row.pushed_at,
        request=row.request,
    )
