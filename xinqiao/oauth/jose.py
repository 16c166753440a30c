"""Signed tokens: which keys and algorithms count, whose signature it is, and how a key of the node's own signs. Pure.

Ed25519, ES256 and PS256 only: RS256 and unsigned tokens are refused (FAPI 2.0, 5.4). ``EdDSA`` is the older name of
Ed25519 and is still what most clients send.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from xinqiao.kernel.canonical import base64url_text

ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519")
LEAST_RSA_BITS = 2048
PUBLIC_PARTS = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("n", "e")}
PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
CURVES = {"EC": "P-256", "OKP": "Ed25519"}
ALGORITHMS_OF = {"EC": ("ES256",), "RSA": ("PS256",), "OKP": ("EdDSA", "Ed25519")}
LONGEST = 8192
PublicKey = ECKey | OKPKey | RSAKey


class Unreadable(ValueError):
    """Not a token, not a key, or not signed by it; the text says which, in English."""


class _Registry(JWSRegistry):
    """The library's algorithms, ours only; RSA keys in a header are longer than it expects."""

    max_header_length = 4096

    def get_alg(self, name: str) -> Any:
        """The algorithm of that name; raises Unreadable."""
        if name not in ALGORITHMS:
            raise Unreadable(f"algorithm {name[:20]} is not accepted; use one of {', '.join(ALGORITHMS)}")
        return self.algorithms[name]


_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


def read_key(jwk: object) -> tuple[dict[str, str], str]:
    """The public parts of a JWK and its thumbprint (RFC 7638, SHA-256); raises Unreadable, also for a private key."""
    if not isinstance(jwk, Mapping):
        raise Unreadable("a key is a JSON object")
    if PRIVATE_PARTS & set(jwk):
        raise Unreadable("a private or symmetric key was sent; register and send public keys only")
    kind = jwk.get("kty")
    if kind not in PUBLIC_PARTS or (kind in CURVES and jwk.get("crv") != CURVES[kind]):
        raise Unreadable("a key is EC P-256, OKP Ed25519 or RSA")
    parts = {"kty": str(kind)} | {name: str(jwk.get(name, "")) for name in PUBLIC_PARTS[str(kind)]}
    found = _key(parts)
    if isinstance(found, RSAKey) and found.public_key.key_size < LEAST_RSA_BITS:
        raise Unreadable(f"an RSA key has at least {LEAST_RSA_BITS} bits")
    return parts, found.thumbprint()


def ed25519_jwk(raw: bytes) -> dict[str, str]:
    """A raw Ed25519 public key as a JWK (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url_text(raw)}


def compact(header: bytes, payload: bytes, *, sign: Callable[[bytes], bytes]) -> str:
    """A compact JWS by a key that only signs, as in a token, and so never reaches the library."""
    signed = f"{base64url_text(header)}.{base64url_text(payload)}"
    return f"{signed}.{base64url_text(sign(signed.encode()))}"


def header_of(token: str) -> dict[str, Any]:
    """The header of a compact token, not verified; raises Unreadable."""
    if not token.isascii() or len(token) > LONGEST or token.count(".") != 2:
        raise Unreadable("not a signed token in compact form")
    try:
        header = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY).headers()
    except (JoseError, ValueError) as error:
        raise Unreadable("not a signed token in compact form") from error
    if not isinstance(header, dict) or not isinstance(header.get("alg"), str):
        raise Unreadable("the token names no algorithm")
    if header["alg"] not in ALGORITHMS:
        raise Unreadable(f"algorithm {header['alg'][:20]} is not accepted; use one of {', '.join(ALGORITHMS)}")
    return header


def claims_of(token: str, jwk: Mapping[str, str]) -> dict[str, Any]:
    """The claims of a token signed by that key; raises Unreadable."""
    if header_of(token)["alg"] not in ALGORITHMS_OF[jwk["kty"]]:
        raise Unreadable("the algorithm is not one of this key")
    try:
        signed = jws.deserialize_compact(token, _key(jwk), registry=_REGISTRY)
        claims = json.loads(signed.payload or b"")
    except (JoseError, ValueError, TypeError) as error:  # a header field of another type than the library expects
        raise Unreadable("the signature does not verify") from error
    if not isinstance(claims, dict):
        raise Unreadable("the claims are not a JSON object")
    return claims


def candidates(keys: Iterable[tuple[str, Mapping[str, str]]], header: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Those of (kid, jwk) that can have signed a token with this header."""
    fitting = [(kid, jwk) for kid, jwk in keys if header["alg"] in ALGORITHMS_OF[jwk["kty"]]]
    named = header.get("kid")
    return [jwk for kid, jwk in fitting if named is None or kid == named]


def _key(parts: Mapping[str, str]) -> PublicKey:
    kinds: dict[str, Any] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
    try:
        found: PublicKey = kinds[parts["kty"]].import_key(dict(parts))
        found.public_key  # noqa: B018 - reading it checks the point or the modulus
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Unreadable("the key cannot be read") from error
    return found
