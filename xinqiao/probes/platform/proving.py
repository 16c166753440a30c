"""Who calls the sample platform: DPoP proofs of the prober, signed notices of the node."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from xinqiao.oauth.jose import Unreadable, claims_of, header_of, read_key
from xinqiao.oauth.rules import check_proof, digest, plain_url, same
from xinqiao.oauth.types import InvalidProof
from xinqiao.probes.platform.defects import Defect
from xinqiao.probes.platform.place import Place


class Refusal(Exception):
    """A problem document: status, code, title and what goes beside them."""

    def __init__(self, status: int, code: str, title: str, **more: Any) -> None:
        self.status, self.code, self.title, self.more = status, code, title, more
        super().__init__(title)


def thumbprint_of(headers: Mapping[str, str], method: str, url: str) -> str:
    """The key behind a proof that comes without a token, to which a new token is bound; raises Refusal."""
    return _proved(headers.get("dpop", ""), method, url, token=None, clock=True)[0]


def check_call(place: Place, headers: Mapping[str, str], method: str, url: str) -> None:
    """Raises Refusal unless a call holds the sandbox's token and a fresh proof by its key."""
    clock = Defect.NO_CLOCK not in place.defects
    thumbprint, jti = _proved(headers.get("dpop", ""), method, url, token=place.token, clock=clock)
    if not same(thumbprint, place.thumbprint):
        raise Refusal(401, "invalid_token", "the token is bound to another key")
    if jti in place.spent and Defect.REPLAY not in place.defects:
        raise Refusal(401, "invalid_dpop_proof", "this proof was used before")
    place.spent.add(jti)


def _proved(text: str, method: str, url: str, *, token: str | None, clock: bool) -> tuple[str, str]:
    try:
        header = header_of(text)
        jwk, thumbprint = read_key(header.get("jwk"))
        claims = claims_of(text, jwk)
        if clock:
            return thumbprint, check_proof(claims, method=method, url=url, token=token, now=datetime.now(UTC))[0]
        good = claims.get("htm") == method and plain_url(str(claims.get("htu"))) == plain_url(url)
        if not good or (token is not None and claims.get("ath") != digest(token)):
            raise Refusal(401, "invalid_dpop_proof", "the proof is for another call")
        return thumbprint, str(claims["jti"])
    except (Unreadable, InvalidProof, KeyError) as error:
        raise Refusal(401, "invalid_dpop_proof", str(error)) from error


def check_notice(place: Place, headers: Mapping[str, str], body: bytes) -> None:
    """Raises Refusal unless a notice is signed with the secret that the node gave (Standard Webhooks)."""
    if Defect.FORGED_NOTICE in place.defects:
        return
    try:
        Webhook(place.secret).verify(body, dict(headers))
    except (WebhookVerificationError, ValueError, base64.binascii.Error) as error:  # type: ignore[attr-defined]
        raise Refusal(401, "notice.unsigned", "the notice is not signed by the node") from error
