"""What an assertion, a proof, a pushed request and a registration must hold. Pure; raises OAuth's own refusals."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from xinqiao.kernel.canonical import base64url_text
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.oauth.types import (
    BeyondDetails,
    InsufficientScope,
    InvalidClient,
    InvalidDetails,
    InvalidGrant,
    InvalidProof,
    InvalidRegistration,
    InvalidRequest,
    InvalidScope,
    TokenFacts,
)
from xinqiao.parties.types import OrganisationKind

SKEW = timedelta(seconds=10)  # a clock that is fast by so much is forgiven (FAPI 2.0, 5.3.2.1)
PROOF_AGE = timedelta(seconds=60)
ASSERTION_AGE = timedelta(minutes=5)
ACCESS_LIFE = timedelta(minutes=5)
REFRESH_LIFE = timedelta(days=30)
PUSHED_LIFE = timedelta(seconds=60)
DECIDE_LIFE = timedelta(minutes=30)
CODE_LIFE = timedelta(seconds=60)
LONGEST_JTI = 255
LONGEST_NONCE = 255
LONGEST_STATE = 1000
DETAIL_TYPE = "credit_query"
DETAIL_FIELDS = frozenset({"type", "enterprise", "purpose", "items", "form", "period", "times", "reason"})
PAR_NEEDED = ("response_type", "redirect_uri", "code_challenge", "authorization_details")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,58}[a-z0-9]")


def scope_names(kind: OrganisationKind, purposes: Iterable[str]) -> tuple[str, ...]:
    """Every scope an organisation of that kind may have; ``purposes`` are those of the consent template."""
    if kind is OrganisationKind.DEPARTMENT:
        return ("deliver",)
    if kind is OrganisationKind.NODE:
        return ()
    if kind is OrganisationKind.JUDICIAL:
        return ("settlement",)
    credit = sorted(f"credit:{purpose}" for purpose in purposes)
    files = ("settlement",) if kind is OrganisationKind.INSTITUTION else ()
    return ("accesses", "authorisations", "disputes", "financing", *files, "credit:public", *credit)


def check_registration(
    client_id: str, *, scopes: Iterable[str], allowed: Iterable[str], redirect_uris: Iterable[str]
) -> None:
    """Raises InvalidRegistration with every fault: a client_id, scope or address that cannot be."""
    problems = [] if _NAME.fullmatch(client_id) else [_problem("client_id", "用 3 至 60 个小写字母、数字、点和连字符")]
    known, wanted = set(allowed), list(scopes)
    if not wanted:
        problems.append(_problem("scopes", "至少登记一个范围"))
    problems += [_problem("scopes", "该机构不能登记范围 {scope}", scope=name) for name in wanted if name not in known]
    for uri in redirect_uris:
        if not _is_address(uri):
            problems.append(_problem("redirect_uris", "{uri} 应为 https 地址，不含 # 片段", uri=uri[:200]))
    if problems:
        raise InvalidRegistration(problems)


def _is_address(uri: str) -> bool:
    """An https address, or http on the loopback (RFC 8252, 7.3), without fragment or user."""
    try:
        parts = urlsplit(uri)
        loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and loopback)
    plain = uri.isascii() and uri.isprintable() and " " not in uri and "#" not in uri and len(uri) <= 500
    return secure and plain and bool(parts.hostname) and "@" not in parts.netloc


def check_assertion(claims: Mapping[str, Any], *, client_id: str, issuer: str, now: datetime) -> str:
    """The ``jti`` of a client's assertion; raises InvalidClient unless it is about this client, here and now.

    The audience is the issuer as one string: an assertion made for another server must be useless here (FAPI 2.0,
    5.3.2.1, after the attack of 2024 on audiences given as endpoint addresses).
    """
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise InvalidClient(why="iss and sub of the assertion must be the client_id")
    if claims.get("aud") != issuer:
        raise InvalidClient(why="aud of the assertion must be the issuer, as one string")
    expires = _instant(claims, "exp")
    if expires is None:
        raise InvalidClient(why="the assertion has no exp")
    if expires <= now - SKEW:
        raise InvalidClient(why="the assertion has expired")
    if expires > now + ASSERTION_AGE + SKEW:
        raise InvalidClient(why="the assertion lives longer than five minutes")
    for name in ("iat", "nbf"):
        at = _instant(claims, name)
        if name in claims and (at is None or at > now + SKEW):
            raise InvalidClient(why=f"{name} of the assertion lies in the future")
    return _jti(claims, InvalidClient)


def check_proof(
    claims: Mapping[str, Any], *, method: str, url: str, token: str | None, now: datetime
) -> tuple[str, str | None]:
    """``jti`` and ``nonce`` of a DPoP proof; raises InvalidProof unless it is for this call and this token."""
    if claims.get("htm") != method:
        raise InvalidProof(why="htm is not the method of this request")
    if not isinstance(claims.get("htu"), str) or plain_url(claims["htu"]) != plain_url(url):
        raise InvalidProof(why="htu is not the address of this request")
    made = _instant(claims, "iat")
    if made is None or not now - PROOF_AGE - SKEW <= made <= now + SKEW:
        raise InvalidProof(why="iat is not within the last minute")
    if "exp" in claims and ((ends := _instant(claims, "exp")) is None or ends <= now - SKEW):
        raise InvalidProof(why="the proof has expired")
    if "nbf" in claims and ((begins := _instant(claims, "nbf")) is None or begins > now + SKEW):
        raise InvalidProof(why="nbf lies in the future")
    if token is not None and not same(str(claims.get("ath", "")), digest(token)):
        raise InvalidProof(why="ath is not the digest of the access token")
    nonce = claims.get("nonce")
    if nonce is not None and (not isinstance(nonce, str) or len(nonce) > LONGEST_NONCE):
        raise InvalidProof(why="nonce is not a short text")
    return _jti(claims, InvalidProof), nonce


def check_pushed(form: Mapping[str, str], *, redirect_uris: Iterable[str]) -> None:
    """Raises InvalidRequest unless the pushed form is a request of this profile: code, PKCE S256, a known address."""
    for name in ("request_uri", "request"):
        if name in form:
            raise InvalidRequest(why=f"{name} is not accepted in a pushed request")
    for name in PAR_NEEDED:
        if not form.get(name):
            raise InvalidRequest(why=f"{name} is missing")
    if form["response_type"] != "code":
        raise InvalidRequest(why="response_type must be code")
    if form.get("response_mode", "query") != "query":
        raise InvalidRequest(why="response_mode must be query")
    if form.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(form["code_challenge"]):
        raise InvalidRequest(why="PKCE with code_challenge_method S256 is required")
    if form["redirect_uri"] not in set(redirect_uris):
        raise InvalidRequest(why="redirect_uri is not registered")
    for name in ("state", "nonce"):
        if len(form.get(name, "")) > LONGEST_STATE:
            raise InvalidRequest(why=f"{name} is longer than {LONGEST_STATE} characters")


def check_details(details: object) -> dict[str, Any]:
    """The one ``credit_query`` of ``authorization_details``, in our form; raises InvalidDetails with every fault.

    ``period`` is days of validity, ``times`` the number of reads; both are optional. What a purpose allows is the
    consent template's to say, not ours.
    """
    if not isinstance(details, list) or len(details) != 1 or not isinstance(details[0], dict):
        raise InvalidDetails([_problem("authorization_details", "应为只含一个对象的数组")])
    asked = details[0]
    if asked.get("type") != DETAIL_TYPE:
        raise InvalidDetails([_problem("type", "应为 credit_query")])
    problems = [_problem(str(name)[:60], "没有这个字段") for name in sorted(set(asked) - DETAIL_FIELDS)]
    for name in ("enterprise", "purpose", "form", "reason"):
        if not isinstance(asked.get(name), str) or not asked[name].strip() or len(asked[name]) > 200:
            problems.append(_problem(name, "应为不超过 200 字的文字"))
    items = asked.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= 200 or not all(isinstance(i, str) for i in items):
        problems.append(_problem("items", "应为数据项代码的数组，至少一个"))
    for name in ("period", "times"):
        if name in asked and (type(asked[name]) is not int or not 1 <= asked[name] <= 100_000):
            problems.append(_problem(name, "应为正整数"))
    if problems:
        raise InvalidDetails(problems)
    return dict(asked)


def granted_scopes(asked: str | None, *, of: Iterable[str]) -> tuple[str, ...]:
    """The scopes of a token: those asked for in any order, all of the client's when none is named.

    Raises InvalidScope.
    """
    have = set(of)
    wanted = set(asked.split()) if asked is not None else have
    if not wanted or not wanted <= have:
        raise InvalidScope(why="a scope is unknown or not registered for this client")
    return tuple(sorted(wanted))


def check_verifier(verifier: str, *, challenge: str) -> None:
    """Raises InvalidGrant unless the PKCE verifier is the one whose digest was pushed (RFC 7636)."""
    if not _VERIFIER.fullmatch(verifier) or not same(digest(verifier), challenge):
        raise InvalidGrant(why="code_verifier does not match code_challenge")


def check_scope(token: TokenFacts, scope: str) -> None:
    """Raises InsufficientScope unless the token was issued for it."""
    if scope not in token.scopes:
        raise InsufficientScope(scope=scope, why=f"the token lacks scope {scope}")


def check_within(token: TokenFacts, *, enterprise: str, authorisation: str) -> str:
    """The authorisation a read must go by: that of the token where an enterprise gave it, else the one named.

    Raises BeyondDetails for another enterprise or authorisation than the one agreed to.
    """
    if not token.details:
        return authorisation
    if enterprise != token.details[0]["enterprise"]:
        raise BeyondDetails(field="enterprise", why="the enterprise agreed for itself only")
    if authorisation not in ("", token.authorisation):
        raise BeyondDetails(field="authorisation", why="the token belongs to another authorisation")
    return token.authorisation


def plain_url(url: str) -> str:
    """An address as RFC 9449 compares it: scheme and host in lower case, no default port, query or fragment,
    and no letter percent-encoded that need not be."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.hostname or "") + (f":{port}" if port and port != standard else "")
    return f"{parts.scheme}://{host}{unquote(parts.path) or '/'}"


def digest(text: str) -> str:
    """SHA-256 in base64url, as ``ath`` and PKCE write it."""
    return base64url_text(hashlib.sha256(text.encode("utf-8")).digest())


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell how far."""
    return hmac.compare_digest(one.encode("utf-8"), other.encode("utf-8"))


def _instant(claims: Mapping[str, Any], name: str) -> datetime | None:
    """A claim as an instant; None when it is missing or is none."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**33:
        return None
    return datetime.fromtimestamp(value, UTC)


def _jti(claims: Mapping[str, Any], refusal: type[InvalidClient] | type[InvalidProof]) -> str:
    found = claims.get("jti")
    if not isinstance(found, str) or not 1 <= len(found) <= LONGEST_JTI:
        raise refusal(why="jti is missing or longer than 255 characters")
    return found


def _problem(field: str, pattern: str, **data: Any) -> Problem:
    return Problem(field=field, code=f"oauth.{field}", message=Phrase(pattern, **data))
