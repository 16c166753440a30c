"""Issuing, refreshing, ending and describing tokens."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.oauth.models import Client, ClientKey, Grant, Pushed, Spent, Token
from xinqiao.oauth.queries import find_token, token_facts
from xinqiao.oauth.rules import ACCESS_LIFE, REFRESH_LIFE, check_verifier, granted_scopes, same
from xinqiao.oauth.types import (
    GRANT_ENDED,
    TOKEN_ISSUED,
    Caller,
    GrantKind,
    InvalidGrant,
    Issued,
    PushedState,
    TokenFacts,
    TokenKind,
)

BATCH = 1000


@transaction.atomic
def issue_for_client(caller: Caller, *, scope: str | None, jkt: str, now: datetime) -> Issued:
    """An access token in the organisation's own name, bound to the key of thumbprint ``jkt``. Raises InvalidScope."""
    scopes = granted_scopes(scope, of=caller.client.scopes)
    grant = _new_grant(caller, kind=GrantKind.CLIENT, scopes=scopes, jkt=jkt, now=now)
    return _issue(grant, scopes, refresh=False, now=now)


def redeem_code(caller: Caller, *, code: str, redirect_uri: str, verifier: str, jkt: str, now: datetime) -> Issued:
    """Tokens for an authorisation code, once; raises InvalidGrant.

    A code that comes a second time was stolen, by whichever of the two: what it gave is ended, and that stands even
    though the call is refused.
    """
    issued = _redeem(caller, code=code, redirect_uri=redirect_uri, verifier=verifier, jkt=jkt, now=now)
    if issued is None:
        raise InvalidGrant(why="the code is unknown, expired, used or belongs to another client")
    return issued


@transaction.atomic
def _redeem(caller: Caller, *, code: str, redirect_uri: str, verifier: str, jkt: str, now: datetime) -> Issued | None:
    rows = Pushed.objects.select_for_update(of=("self",)).select_related("client", "grant")
    row = rows.filter(code_sha256=_digest(code), client__client_id=caller.client.client_id).first()
    if row is None:
        return None
    if row.state == PushedState.REDEEMED:
        if row.grant:
            _end_grant(row.grant, reason="code used again", actor=f"client:{caller.client.client_id}", now=now)
        return None
    if row.expires_at <= now:
        return None
    if redirect_uri != row.redirect_uri:
        raise InvalidGrant(why="redirect_uri is not the one that was pushed")
    check_verifier(verifier, challenge=row.challenge)
    if row.jkt and not same(row.jkt, jkt):
        raise InvalidGrant(why="the proof is signed by another key than the request was bound to")
    scopes = (f"credit:{row.details['purpose']}",)
    grant = _new_grant(
        caller, kind=GrantKind.CONSENT, scopes=scopes, jkt=jkt, now=now, details=row.details,
        authorisation=row.authorisation,
    )  # fmt: skip
    row.state, row.grant = PushedState.REDEEMED, grant
    row.save(update_fields=["state", "grant"])
    return _issue(grant, scopes, refresh=True, now=now)


def refresh(caller: Caller, *, text: str, scope: str | None, jkt: str, now: datetime) -> Issued:
    """A new pair of tokens for a refresh token, which is spent by this; the binding to the key is kept.

    Raises InvalidGrant, InvalidScope. A spent refresh token that comes again ends the whole grant.
    """
    issued = _refresh(caller, text=text, scope=scope, jkt=jkt, now=now)
    if issued is None:
        raise InvalidGrant(why="the refresh token is unknown, expired, used, ended or belongs to another client")
    return issued


@transaction.atomic
def _refresh(caller: Caller, *, text: str, scope: str | None, jkt: str, now: datetime) -> Issued | None:
    rows = Token.objects.select_for_update(of=("self",)).select_related("grant__client__organisation", "grant__key")
    row = rows.filter(token_sha256=_digest(text), use=TokenKind.REFRESH).first()
    if row is None or row.grant.client.client_id != caller.client.client_id or row.grant.ended_at is not None:
        return None
    if row.spent_at is not None:
        _end_grant(row.grant, reason="refresh token used again", actor=f"client:{caller.client.client_id}", now=now)
        return None
    if row.ended_at is not None or row.expires_at <= now:
        return None
    if not same(row.grant.jkt, jkt):
        raise InvalidGrant(why="the proof is signed by another key than the tokens are bound to")
    scopes = granted_scopes(scope, of=row.grant.scopes)
    row.spent_at = now
    row.save(update_fields=["spent_at"])
    # From now on the tokens stand and fall with the key the client uses now: that is how a rotation overlaps.
    row.grant.key = ClientKey.objects.get(thumbprint=caller.key.thumbprint)
    row.grant.save(update_fields=["key"])
    return _issue(row.grant, scopes, refresh=True, now=now)


@transaction.atomic
def revoke(caller: Caller, *, text: str, now: datetime) -> None:
    """End what a client's own token stands for (RFC 7009); a token that is unknown or ended already changes nothing.

    A refresh token takes its whole grant with it, an access token only itself.
    """
    rows = Token.objects.select_for_update(of=("self",)).select_related("grant__client__organisation")
    row = rows.filter(token_sha256=_digest(text), grant__client__client_id=caller.client.client_id).first()
    if row is None or row.ended_at is not None or row.grant.ended_at is not None:
        return
    actor = f"client:{caller.client.client_id}"
    if row.use == TokenKind.REFRESH or row.grant.kind == GrantKind.CLIENT:
        _end_grant(row.grant, reason="revoked", actor=actor, now=now)
        return
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    body = {"client": caller.client.client_id, "grants": [row.grant.id], "reason": "access token revoked"}
    record(GRANT_ENDED, actor=actor, subject=row.grant.client.organisation.code, body=body, now=now)


@transaction.atomic
def end_consent(authorisation: str, *, organisation: str, reason: str, actor: str, now: datetime) -> int:
    """Let nothing new come of an authorisation that has ended: no refresh, no code; returns how many were ended.

    ``organisation`` is whose authorisation it was, and whose clients hold what is ended.

    An access token in hand lives on for its minutes: it opens nothing, and the gate tells its holder why, on record.
    """
    refreshing = Token.objects.filter(
        grant__authorisation=authorisation, grant__ended_at=None, use=TokenKind.REFRESH, ended_at=None, spent_at=None
    )
    grants = sorted(set(refreshing.values_list("grant", flat=True)))
    codes = Pushed.objects.filter(authorisation=authorisation, state=PushedState.GRANTED, expires_at__gt=now)
    # Every last read comes by here, and most authorisations have no tokens of their own.
    ended = (refreshing.update(ended_at=now) if grants else 0) + codes.update(expires_at=now)
    if ended:
        body = {"authorisation": authorisation, "grants": grants, "reason": reason}
        record(GRANT_ENDED, actor=actor, subject=organisation, body=body, now=now)
    return ended


def introspect(caller: Caller, *, text: str, now: datetime) -> dict[str, Any]:
    """What a token is (RFC 7662), to the client it was issued to; to all others it is not active."""
    found = find_token(text, now=now)
    if found is None or found.frozen or found.client_id != caller.client.client_id:
        return {"active": False}
    return {"active": True, "token_type": "DPoP", **described(found)}


def described(found: TokenFacts) -> dict[str, Any]:
    """The members that describe a token."""
    body: dict[str, Any] = {
        "client_id": found.client_id,
        "sub": found.organisation.code,
        "scope": " ".join(found.scopes),
        "iat": int(found.issued_at.timestamp()),
        "exp": int(found.expires_at.timestamp()),
        "cnf": {"jkt": found.jkt},
    }
    return body | ({"authorization_details": details_of(found)} if found.details else {})


def details_of(found: TokenFacts) -> list[dict[str, Any]]:
    """What the enterprise agreed to, with the number of its authorisation (RFC 9396, 7)."""
    return [{**detail, "authorisation": found.authorisation} for detail in found.details]


@transaction.atomic
def sweep(*, now: datetime) -> int:
    """Forget marks, tokens, grants and pushed requests that no longer open anything; returns how many rows.

    Their evidence stays in the log. A redeemed code is kept as long as its grant, so that its reuse is still seen.
    """
    gone = sum(_delete(model.objects.filter(expires_at__lte=now)) for model in (Spent, Token))
    gone += _delete(Grant.objects.filter(tokens=None, issued_at__lte=now - ACCESS_LIFE))
    return gone + _delete(Pushed.objects.filter(expires_at__lte=now, grant=None))


def _delete(rows: QuerySet[Any]) -> int:
    """Delete at most a batch."""
    return int(rows.model.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:BATCH])).delete()[0])


def _new_grant(
    caller: Caller,
    *,
    kind: GrantKind,
    scopes: Iterable[str],
    jkt: str,
    now: datetime,
    details: Mapping[str, Any] | None = None,
    authorisation: str = "",
) -> Grant:
    return Grant.objects.create(
        id=f"G{now:%Y%m%d}-{secrets.token_hex(8)}",
        client=Client.objects.select_related("organisation").get(client_id=caller.client.client_id),
        key=ClientKey.objects.get(thumbprint=caller.key.thumbprint),
        kind=kind,
        scopes=list(scopes),
        details=[dict(details)] if details else [],
        authorisation=authorisation,
        jkt=jkt,
        issued_at=now,
    )


def _issue(grant: Grant, scopes: Iterable[str], *, refresh: bool, now: datetime) -> Issued:
    """Make the texts, keep their digests, record that they were made."""
    texts = {TokenKind.ACCESS: ACCESS_LIFE} | ({TokenKind.REFRESH: REFRESH_LIFE} if refresh else {})
    made, rows = {}, {}
    for use, life in texts.items():
        made[use] = secrets.token_urlsafe(32)
        rows[use] = Token.objects.create(
            token_sha256=_digest(made[use]),
            grant=grant,
            use=use,
            scopes=list(scopes),
            issued_at=now,
            expires_at=now + life,
        )
    body = {
        "client": grant.client.client_id,
        "grant": grant.id,
        "kind": str(grant.kind),
        "scopes": list(scopes),
        "authorisation": grant.authorisation,
        "jkt": grant.jkt,
    }
    actor = f"client:{grant.client.client_id}"
    record(TOKEN_ISSUED, actor=actor, subject=grant.client.organisation.code, body=body, now=now)
    return Issued(made[TokenKind.ACCESS], made.get(TokenKind.REFRESH, ""), token_facts(rows[TokenKind.ACCESS]))


def _end_grant(grant: Grant, *, reason: str, actor: str, now: datetime) -> None:
    if grant.ended_at is not None:
        return
    grant.ended_at, grant.ended_reason = now, reason
    grant.save(update_fields=["ended_at", "ended_reason"])
    body = {"client": grant.client.client_id, "grants": [grant.id], "reason": reason}
    record(GRANT_ENDED, actor=actor, subject=grant.client.organisation.code, body=body, now=now)


def _digest(text: str) -> str:
    return sha256_hex(text.encode("utf-8", "replace"))
