"""The bytes of a leaf, and how a holder of the salts shows what a leaf is about. Pure.

A leaf names its event and time openly, until version 2 also the number of its row; actor, subject and body only as
salted digests, each with a salt of its own, so that showing one part tells nothing of the others and guessing a name or
a code shows nothing. A leaf about an access also stands in the hidden chain of its subject
(:mod:`xinqiao.evidence.chains`).
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from xinqiao.evidence.chains import Link
from xinqiao.kernel.canonical import NotCanonical, read_json, sha256_hex, sm3_hex

VERSION = 3  # version 1 held the number of its row too, so that had to be fetched before the row could be written
CHAINED_VERSION = 4  # version 3 and the part ``chain``; version 2 was version 1 and that
SALT_BYTES = 16
PARTS = ("actor", "subject", "body")


@dataclass(frozen=True, slots=True)
class Salts:
    """One salt for each part of a leaf that is not open; ``link`` is for a chain's link."""

    actor: bytes
    subject: bytes
    body: bytes
    link: bytes = b""

    @classmethod
    def generate(cls) -> Salts:
        """New salts from the operating system's randomness."""
        return cls.from_bytes(os.urandom(SALT_BYTES * (len(PARTS) + 1)))

    @classmethod
    def from_bytes(cls, data: bytes) -> Salts:
        """Read what :meth:`to_bytes` gave; raises ValueError on another length."""
        if len(data) not in (SALT_BYTES * len(PARTS), SALT_BYTES * (len(PARTS) + 1)):
            raise ValueError(f"salts take {SALT_BYTES * len(PARTS)} bytes and {SALT_BYTES} for a link, not {len(data)}")
        return cls(*(data[start : start + SALT_BYTES] for start in range(0, len(data), SALT_BYTES)))

    def to_bytes(self) -> bytes:
        """The salts, one after the other."""
        return self.actor + self.subject + self.body + self.link


def leaf_bytes(
    *,
    at: datetime,
    event: str,
    actor: str,
    subject: str,
    body: bytes,
    salts: Salts,
    link: Link | None = None,
) -> bytes:
    """Canonical JSON of one leaf. ``body`` is the canonical JSON of the entry's body, ``link`` its place in a chain.

    ``event`` is the code of an Event. All of a leaf is digits, letters and dots, so it is spelled here in the order of
    RFC 8785: every act waits for it.
    """
    salted, version, chain = salts.body + body, VERSION, ""
    if link is not None:
        part, version = link.as_leaf(salts.link), CHAINED_VERSION
        chain = f'"chain":{{"label":"{part["label"]}","link":"{part["link"]}"}},'
    return (
        f'{{"actor":"{sha256_hex(salts.actor + actor.encode())}","at":"{instant_text(at)}",'
        f'"body":{{"sha256":"{sha256_hex(salted)}","sm3":"{sm3_hex(salted)}"}},{chain}"event":"{event}",'
        f'"subject":"{sha256_hex(salts.subject + subject.encode())}","v":{version}}}'
    ).encode()


def instant_text(at: datetime) -> str:
    """An instant in UTC to the microsecond, one spelling only; raises ValueError for a naive time."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def disclosure_of(
    *, actor: str, subject: str, body: bytes, salts: Salts, parts: tuple[str, ...] = PARTS
) -> dict[str, Any]:
    """What a holder needs to show the named parts of a leaf: each part's content (text) and its salt (hex)."""
    content = {"actor": actor, "subject": subject, "body": body.decode("utf-8")}
    return {part: {"content": content[part], "salt": getattr(salts, part).hex()} for part in parts}


def check_disclosure(leaf: bytes, disclosure: Mapping[str, Any]) -> tuple[str, ...]:
    """The parts of ``disclosure`` that the leaf does not bear out; empty = all shown.

    A disclosure with no part, or one that cannot be read, shows nothing and returns every part.
    """
    try:
        digests = read_json(leaf)
        wrong = tuple(part for part in disclosure if not _borne_out(digests, part, disclosure[part]))
    except (NotCanonical, KeyError, TypeError, ValueError, AttributeError):
        return PARTS
    return wrong if disclosure else PARTS


def _borne_out(digests: Mapping[str, Any], part: str, shown: Mapping[str, str]) -> bool:
    salt = bytes.fromhex(shown["salt"])
    if part not in PARTS or len(salt) != SALT_BYTES:
        return False
    data = salt + shown["content"].encode()
    if part == "body":
        expected = digests["body"]["sha256"] + digests["body"]["sm3"]
        return hmac.compare_digest(sha256_hex(data) + sm3_hex(data), expected)
    return hmac.compare_digest(sha256_hex(data), digests[part])
