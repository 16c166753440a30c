"""Programs that call the node in tests: they hold real keys, fetch real tokens and sign every call."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from xinqiao.consent.queries import get_template
from xinqiao.oauth.actions import add_client
from xinqiao.oauth.jose import ALGORITHMS
from xinqiao.oauth.proving import ASSERTION_TYPE, fresh_nonce
from xinqiao.oauth.rules import digest, scope_names
from xinqiao.oauth.types import ClientFacts
from xinqiao.parties.queries import get_organisation

ISSUER = "http://testserver"
BACK = "https://platform.example/back"


@cache
def key(name: str, kind: str = "EC") -> Any:
    """The key pair of that name, made once a run; ``kind`` is EC, OKP or RSA."""
    if kind == "EC":
        return ECKey.generate_key("P-256")
    return OKPKey.generate_key("Ed25519") if kind == "OKP" else RSAKey.generate_key(2048)


def public(found: Any) -> dict[str, Any]:
    """The public JWK of a key pair, with its thumbprint as kid."""
    return {**found.as_dict(private=False), "kid": found.thumbprint()}


def register_client(
    organisation: str, *, client_id: str = "", redirect_uris: Iterable[str] = (BACK,), actor: str, now: datetime
) -> ClientFacts:
    """A client of the organisation, of the same name, with every scope of its kind."""
    name = client_id or organisation.replace("_", "-")
    allowed = scope_names(get_organisation(organisation).kind, get_template().purposes)
    addresses = redirect_uris if "deliver" not in allowed else ()
    return add_client(
        name, organisation=organisation, name=name, jwk=public(key(name)), scopes=allowed,
        allowed=allowed, redirect_uris=addresses, actor=actor, now=now,
    )  # fmt: skip


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], by: Any) -> str:
    """A compact token with this header and these claims, whatever they are."""
    return jws.serialize_compact(dict(header), json.dumps(claims), by, algorithms=["RS256", *ALGORITHMS])


def assertion(client_id: str, *, by: Any = None, alg: str = "ES256", drop: str = "", **claims: Any) -> str:
    """A client's assertion as it should be, with claims replaced or dropped."""
    now, name = int(time.time()), client_id
    found = by or key(name)
    body = {"iss": name, "sub": name, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": secrets.token_hex(8)} | claims
    body.pop(drop, None)
    return signed({"alg": alg, "kid": found.thumbprint()}, body, found)


def proof(method: str, url: str, *, by: Any, token: str = "", alg: str = "ES256", **claims: Any) -> str:
    """A DPoP proof as it should be, with claims replaced."""
    body = {"htm": method, "htu": url, "iat": int(time.time()), "jti": secrets.token_hex(8)}
    body |= {"nonce": fresh_nonce(timezone.now())} | ({"ath": digest(token)} if token else {})
    return signed({"alg": alg, "typ": "dpop+jwt", "jwk": by.as_dict(private=False)}, body | claims, by)


def proved(client_id: str, **form: Any) -> dict[str, Any]:
    """A form with the client's authentication."""
    given = {"client_id": client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion(client_id)}
    return {k: v for k, v in (given | form).items() if v is not None}


def post_form(path: str, form: Mapping[str, Any], *, proof: str | None = None, client: Client | None = None) -> Any:
    """POST a form as programs do."""
    headers = {"DPoP": proof} if proof is not None else {}
    body = "&".join(f"{quote(k)}={quote(str(v), safe='')}" for k, v in form.items())
    return (client or Client()).post(path, body, content_type="application/x-www-form-urlencoded", headers=headers)


class Machine(Client):
    """A test client that authenticates as the program it is told to be."""

    def __init__(self, organisation: str, *, headers: dict[str, str] | None = None, proof_key: Any = None) -> None:
        super().__init__(headers=headers)
        self.client_id, self.proof_key, self.token = organisation.replace("_", "-"), proof_key or key("proofs"), ""

    def fetch(self, **form: Any) -> Any:
        """The token endpoint's answer; the token is kept when there is one."""
        made = proof("POST", f"{ISSUER}/oauth/token", by=self.proof_key)
        form = {"grant_type": "client_credentials"} | proved(self.client_id, **form)
        answer = post_form("/oauth/token", form, proof=made)
        self.token = answer.json().get("access_token", "")
        return answer

    def request(self, **environ: Any) -> Any:
        """Every request to the API goes out with the token and a proof of its own, unless the test brings them."""
        if environ["PATH_INFO"].startswith("/api/") and "HTTP_AUTHORIZATION" not in {**self.defaults, **environ}:
            self.sign(environ, "testserver")
        return super().request(**environ)

    def sign(self, environ: dict[str, Any], host: str) -> None:
        """Put the token and its proof into a request about to be sent to ``host``."""
        if not self.token:
            assert self.fetch().status_code == 200
        path = quote(environ["PATH_INFO"].encode("latin-1"))
        environ["HTTP_AUTHORIZATION"] = f"DPoP {self.token}"
        environ["HTTP_DPOP"] = proof(
            environ["REQUEST_METHOD"], f"http://{host}{path}", by=self.proof_key, token=self.token
        )


def keep_connections() -> None:
    """Do not close the database's connection around requests, as Django's own test client does not."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)


def signing(application: Callable[..., Any], machine: Machine) -> Callable[..., Any]:
    """A WSGI application before which every call that carries a DPoP token is given a proof of its own.

    The calls stay in the test's transaction: while one runs, old connections are not closed around it.
    """

    def call(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if environ.get("HTTP_AUTHORIZATION", "") == "DPoP machine":
            machine.sign(environ, environ.get("HTTP_HOST", "localhost"))
        keep_connections()  # the client that fetches a token has put the closing back
        return application(environ, start)

    return call
