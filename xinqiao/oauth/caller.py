"""A client of the API in a hundred lines: signs its assertion, proves its key with every call, heeds the nonce."""

from __future__ import annotations

import json
import os
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from joserfc import jws
from joserfc.jwk import ECKey

from xinqiao.oauth.proving import ASSERTION_TYPE
from xinqiao.oauth.rules import digest

ALGORITHM = "ES256"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers in lower case, and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def new_key_file(path: Path, *, client_id: str) -> dict[str, Any]:
    """Make a key pair, keep it in a file that only its owner reads, and return the public JWK.

    Raises FileExistsError: a key is never overwritten.
    """
    key = ECKey.generate_key("P-256")
    kid = key.thumbprint()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = {"client_id": client_id, "key": {**key.as_dict(private=True), "kid": kid, "alg": ALGORITHM}}
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
    return {**key.as_dict(private=False), "kid": kid, "alg": ALGORITHM}


@dataclass(slots=True)
class Program:
    """A registered client at work. ``server`` is the node's address; the DPoP key is made anew for each run."""

    client_id: str
    key: dict[str, Any]
    server: str
    proof_key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    nonce: str = ""
    token: str = ""

    @classmethod
    def load(cls, path: Path, *, server: str) -> Program:
        """The client of a key file; raises OSError, ValueError."""
        content = json.loads(path.read_text("utf-8"))
        return cls(content["client_id"], content["key"], server.rstrip("/"))

    def call(self, method: str, path: str, *, data: bytes | None = None) -> Answer:
        """Call the API with a token, which is fetched the first time."""
        if not self.token:
            self.token = self._fetch()
        headers = {"Authorization": f"DPoP {self.token}"}
        if data is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
        return self._proved(method, path, data=data, headers=headers)

    def assertion(self) -> str:
        """A signed statement of who calls, for this server, once, for a minute."""
        header = {"alg": self.key["alg"], "kid": self.key["kid"]}
        return jws.serialize_compact(header, json.dumps(self.claims()), ECKey.import_key(self.key))

    def claims(self) -> dict[str, Any]:
        """What the statement says."""
        now = int(time.time())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.server, "iat": now, "exp": now + 60}
        return {**claims, "jti": secrets.token_hex(16)}

    def proof(self, method: str, url: str) -> str:
        """A DPoP proof for one call."""
        claims: dict[str, Any] = {"htm": method, "htu": url.partition("?")[0], "iat": int(time.time())}
        claims |= {"jti": secrets.token_hex(16)} | ({"nonce": self.nonce} if self.nonce else {})
        claims |= {"ath": digest(self.token)} if self.token else {}
        header = {"alg": ALGORITHM, "typ": "dpop+jwt", "jwk": self.proof_key.as_dict(private=False)}
        return jws.serialize_compact(header, json.dumps(claims), self.proof_key)

    def _fetch(self) -> str:
        def form() -> bytes:
            pairs = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
            return urlencode({**pairs, "client_id": self.client_id, "client_assertion": self.assertion()}).encode()

        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._proved("POST", "/oauth/token", data=form(), headers=headers)
        if answer.status != 200:
            raise PermissionError(answer.body.decode("utf-8", "replace"))
        return str(json.loads(answer.body)["access_token"])

    def _proved(self, method: str, path: str, *, data: bytes | None, headers: dict[str, str]) -> Answer:
        """Send with a proof; once more when the server gives a nonce."""
        url = self.server + path
        answer = self.send(method, url, data=data, headers=headers | {"DPoP": self.proof(method, url)})
        if answer.status in (400, 401) and "dpop-nonce" in answer.headers:
            self.nonce = answer.headers["dpop-nonce"]
            answer = self.send(method, url, data=data, headers=headers | {"DPoP": self.proof(method, url)})
        return answer

    def send(self, method: str, url: str, *, data: bytes | None, headers: dict[str, str]) -> Answer:
        """One request and its answer, whatever the status."""
        return _send(method, url, data=data, headers=headers)


def _send(method: str, url: str, *, data: bytes | None, headers: dict[str, str]) -> Answer:
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as got:
            return Answer(got.status, {k.lower(): v for k, v in got.headers.items()}, got.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())
