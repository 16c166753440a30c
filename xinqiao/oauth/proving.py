"""Who calls: a client's assertion, a DPoP proof, and the tokens they go with. Nothing works twice."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from xinqiao.kernel.canonical import sha256_hex
from xinqiao.oauth.jose import Unreadable, candidates, claims_of, header_of, read_key
from xinqiao.oauth.models import Spent
from xinqiao.oauth.queries import find_client, find_token
from xinqiao.oauth.rules import ASSERTION_AGE, PROOF_AGE, SKEW, check_assertion, check_proof, same
from xinqiao.oauth.types import (
    Caller,
    ClientFacts,
    ClientFrozen,
    InvalidClient,
    InvalidProof,
    InvalidToken,
    NonceNeeded,
    TokenFacts,
    TokenKind,
    Wire,
)

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NONCE_LIFE = timedelta(minutes=5)
NONCE_STEP = 60  # seconds


def authenticate(form: Mapping[str, str], *, issuer: str, now: datetime) -> Caller:
    """The client behind a request, by ``private_key_jwt``, whose assertion is spent by this.

    Raises InvalidClient, ClientFrozen.
    """
    if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
        raise InvalidClient(why="client_assertion of type jwt-bearer is missing")
    client = _claimed(form, form["client_assertion"])
    try:
        caller = _verified(client, form["client_assertion"], issuer=issuer, now=now)
    except Unreadable as error:
        raise InvalidClient(why=str(error)) from error
    if client.frozen:  # said only to who proved to be the client
        raise ClientFrozen(case=client.frozen, why="the client is frozen by the node's supervision")
    return caller


def _claimed(form: Mapping[str, str], assertion: str) -> ClientFacts:
    """The client a request says it is: by ``client_id``, else by the assertion's ``sub``, which is verified later."""
    name = form.get("client_id") or _unverified_subject(assertion)
    client = find_client(name) if name else None
    if client is None or client.ended_at is not None:
        raise InvalidClient(why="the client is not registered or has been ended")
    return client


def _unverified_subject(assertion: str) -> str:
    try:
        part = assertion.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return str(found.get("sub", ""))[:60]
    except (ValueError, IndexError, AttributeError):
        return ""


def _verified(client: ClientFacts, assertion: str, *, issuer: str, now: datetime) -> Caller:
    keys = [key for key in client.keys if key.ended_at is None]
    fitting = candidates([(key.kid, key.jwk) for key in keys], header_of(assertion))
    for jwk in fitting:
        try:
            claims = claims_of(assertion, jwk)
        except Unreadable:
            continue
        jti = check_assertion(claims, client_id=client.client_id, issuer=issuer, now=now)
        _spend(f"assertion {client.client_id} {jti}", until=now + ASSERTION_AGE + SKEW * 3, refusal=InvalidClient)
        return Caller(client, next(key for key in keys if key.jwk is jwk))
    raise InvalidClient(why="no registered key of the client verifies the assertion")


def prove(wire: Wire, *, token: str | None = None, now: datetime) -> str:
    """Thumbprint of the key that signed this call's DPoP proof; raises InvalidProof or NonceNeeded.

    ``token`` is the access token sent with it, if any. The proof is spent by this.
    """
    if len(wire.proofs) != 1:
        raise InvalidProof(why="exactly one DPoP header is needed")
    try:
        header = header_of(wire.proofs[0])
        if header.get("typ") != "dpop+jwt":
            raise InvalidProof(why="typ of the proof must be dpop+jwt")
        jwk, thumbprint = read_key(header.get("jwk"))
        claims = claims_of(wire.proofs[0], jwk)
    except Unreadable as error:
        raise InvalidProof(why=str(error)) from error
    jti, nonce = check_proof(claims, method=wire.method, url=wire.url, token=token, now=now)
    if nonce is None or not _is_ours(nonce, now):
        raise NonceNeeded(why="sign the proof again with the nonce of the DPoP-Nonce header")
    _spend(f"proof {thumbprint} {jti}", until=now + PROOF_AGE + SKEW * 3, refusal=InvalidProof)
    return thumbprint


def check_call(authorization: str, wire: Wire, *, now: datetime) -> TokenFacts:
    """The token of a call to the API: known, in force, and proved by the key it is bound to.

    Raises InvalidToken, InvalidProof, NonceNeeded, ClientFrozen. The scheme is ``DPoP`` in any case; ``Bearer`` is
    refused: whoever finds a token shall be able to do nothing with it.
    """
    scheme, _, text = authorization.strip().partition(" ")
    if scheme.lower() != "dpop" or not text.strip():
        raise InvalidToken(why="send the token as Authorization: DPoP")
    text = text.strip()
    found = find_token(text, now=now)
    if found is None or found.use is not TokenKind.ACCESS:
        raise InvalidToken(why="the token is unknown, has expired or was ended")
    if not same(prove(wire, token=text, now=now), found.jkt):
        raise InvalidToken(why="the token is bound to another key")
    if found.frozen:
        raise ClientFrozen(case=found.frozen, why="the client is frozen by the node's supervision")
    return found


def fresh_nonce(now: datetime) -> str:
    """A value that proofs of the next minutes must hold. It needs no storage: it is the time under our own seal."""
    stamp = str(int(now.timestamp()) // NONCE_STEP)
    return f"{stamp}.{_seal(stamp)}"


def _is_ours(nonce: str, now: datetime) -> bool:
    stamp, _, seal = nonce.partition(".")
    if not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12 or not same(seal, _seal(stamp)):
        return False
    age = int(now.timestamp()) - int(stamp) * NONCE_STEP
    return -SKEW.total_seconds() <= age <= NONCE_LIFE.total_seconds() + NONCE_STEP


def _seal(stamp: str) -> str:
    return salted_hmac("xinqiao.oauth.nonce", stamp, algorithm="sha256").hexdigest()[:32]


def _spend(what: str, *, until: datetime, refusal: type[InvalidClient] | type[InvalidProof]) -> None:
    """Note a ``jti``; raises the refusal when it was noted before. Two calls at once: one of them wins."""
    try:
        with transaction.atomic():
            Spent.objects.create(mark=sha256_hex(what.encode("utf-8")), expires_at=until)
    except IntegrityError as error:
        raise refusal(why="this jti was used before") from error
