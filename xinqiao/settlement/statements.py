"""Signed statements between the node and a body: compact JWS, so that each is evidence by itself. Pure but for the key.

The node signs acts (``xinqiao-act+jws``); a body signs receipts (``xinqiao-receipt+jws``) and events
(``xinqiao-event+jws``). The events of one proceeding are numbered from 1 and each names the digest of the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.crypto import SigningKey
from xinqiao.oauth.jose import Unreadable, claims_of, compact, ed25519_jwk, header_of
from xinqiao.plumbing import settings as node
from xinqiao.plumbing.key_store import own_key
from xinqiao.settlement.connections import Connection
from xinqiao.settlement.refusals import InvalidStatement
from xinqiao.settlement.rules import EVENTS, LONGEST_REASON
from xinqiao.settlement.types import PaperKind

ACT, RECEIPT, EVENT, CALL = (f"xinqiao-{name}+jws" for name in ("act", "receipt", "event", "call"))
KEY_NAME = "settlement.key"
CALL_SECONDS = 60
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class BodyEvent:
    """An event as a body signed it, read and checked; ``file`` is the digest of its paper, empty when it has none."""

    seq: int
    event: str
    on: date
    reason: str
    document_no: str
    amount_fen: int | None
    perform_by: date | None
    presence: str
    paper: PaperKind | None
    name: str
    file: str
    statement: str


def own_jwk() -> dict[str, str]:
    """The node's public key as a JWK, for a body to be told."""
    return ed25519_jwk(_own().public.raw)


def sign(claims: Mapping[str, Any], *, kind: str) -> str:
    """Claims as a compact JWS by the node's key for bodies, which may lie in a token that only signs."""
    header = canonical_bytes({"alg": "Ed25519", "typ": kind})
    return compact(header, canonical_bytes(dict(claims)), sign=_own().sign)


def call_token(connection: Connection, *, what: str, now: datetime) -> str:
    """What lets the node make one call: bound to the body, the method and path, and a minute."""
    claims = {"iss": node.node_code(), "aud": connection.code, "what": what, "iat": int(now.timestamp())}
    return sign({**claims, "exp": int((now + timedelta(seconds=CALL_SECONDS)).timestamp())}, kind=CALL)


def read_receipt(text: str, connection: Connection, *, act: str, proceeding: str, statement: str) -> dict[str, Any]:
    """The claims of a receipt, if the body signed it over exactly this act; raises InvalidStatement."""
    claims = _claims(text, connection, RECEIPT)
    wanted = {"jti": act, "matter": proceeding, "statement_sha256": sha256_hex(statement.encode())}
    wrong = [name for name, value in wanted.items() if claims.get(name) != value]
    ref = claims.get("ref")
    if wrong or not isinstance(ref, str) or not ref or not plain(ref):
        raise InvalidStatement(source=connection.code, what=", ".join(wrong or ["ref"]))
    return claims


def read_event(text: str, connection: Connection, *, proceeding: str, seq: int, before: str) -> BodyEvent:
    """An event, if the body signed it, it is the next of this proceeding and follows on ``before``.

    ``before`` is the digest of the statement before, empty for the first. Raises InvalidStatement naming what is wrong.
    """
    claims = _claims(text, connection, EVENT)
    wanted: dict[str, object] = {"matter": proceeding, "seq": seq, "prev": before}
    wrong = [name for name, value in wanted.items() if not _same(claims.get(name), value)]
    found = _event(claims, text, wrong)
    if wrong:
        raise InvalidStatement(source=connection.code, what=", ".join(wrong))
    return found


def _same(told: object, wanted: object) -> bool:
    """Equal and of one type: true and 1.0 are no number 1."""
    return type(told) is type(wanted) and told == wanted


def plain(text: str) -> bool:
    """Whether a body's words can be kept and shown: no controls, no halves of a pair; Chinese spaces, lines may be."""
    return all(char.isprintable() or char in "\n\u3000\u00a0" for char in text)


def shown(text: str) -> str:
    """A body's words as they may be kept, whatever it sent: five hundred characters that every database takes."""
    return "".join(char if plain(char) else "?" for char in text[:500])


def _event(claims: Mapping[str, Any], text: str, wrong: list[str]) -> BodyEvent:
    """The fields of an event as far as they can be read; what cannot is named in ``wrong``."""

    def words(name: str, most: int) -> str:
        value = claims.get(name, "")
        if not isinstance(value, str) or len(value) > most or not plain(value):
            wrong.append(name)
            return ""
        return value

    def day(name: str) -> date | None:
        try:
            return date.fromisoformat(claims[name]) if claims.get(name) else None
        except (TypeError, ValueError):
            wrong.append(name)
            return None

    event, on = words("event", 24), day("on")
    if event not in EVENTS:
        wrong.append("event")
    if on is None:
        wrong.append("on")
    amount = claims.get("amount_fen")
    if amount is not None and (type(amount) is not int or not 0 <= amount <= 10**17):
        wrong.append("amount_fen")
        amount = None
    paper, name, file = _file(claims, wrong)
    return BodyEvent(
        seq=int(claims["seq"]) if type(claims.get("seq")) is int else 0,
        event=event,
        on=on or date.min,
        reason=words("reason", LONGEST_REASON),
        document_no=words("document_no", 120),
        amount_fen=amount,
        perform_by=day("perform_by"),
        presence=words("presence", 200),
        paper=paper,
        name=name,
        file=file,
        statement=text,
    )


def _file(claims: Mapping[str, Any], wrong: list[str]) -> tuple[PaperKind | None, str, str]:
    told = claims.get("file")
    if told is None:
        return None, "", ""
    try:
        kind, name, digest = PaperKind(told["kind"]), str(told["name"])[:LONGEST_NAME], str(told["sha256"])
        if not plain(name) or len(digest) != 64 or bytes.fromhex(digest).hex() != digest:
            raise ValueError(digest)
    except (TypeError, KeyError, ValueError):
        wrong.append("file")
        return None, "", ""
    return kind, name, digest


def _claims(text: str, connection: Connection, kind: str) -> dict[str, Any]:
    try:
        if header_of(text).get("typ") != kind:
            raise Unreadable("typ")
        claims = claims_of(text, connection.key)
    except (Unreadable, RecursionError) as error:
        raise InvalidStatement(source=connection.code, what=str(error)[:200]) from error
    for name, value in (("iss", connection.code), ("aud", node.node_code())):
        if claims.get(name) != value:
            raise InvalidStatement(source=connection.code, what=name)
    return claims


def _own() -> SigningKey:
    found: SigningKey = own_key(KEY_NAME)
    return found
