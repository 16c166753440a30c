"""What an institution says of one day: which answers it received, what it used; the form that both sides compute. Pure.

A line is tab-separated text: ``received access answer_sha256 purpose form``, ``lost access`` (released, it is told, but
never arrived) or ``used access use``. Lines are a set: order and doubling say nothing. Received and lost lines lie in
``2 ** depth`` buckets by the SHA-256 of the access, each sorted under an RFC 6962 root, and the day has the root of
those roots: whoever holds the same lines computes the same root, and where it differs only the buckets that differ
are opened. Days are days in Beijing by the time on the receipt, which the node signed: there is nothing to argue at
midnight.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from joserfc import jws
from joserfc.jwk import import_key

from xinqiao.evidence.merkle import leaf_hash, root_of
from xinqiao.kernel.canonical import canonical_bytes

VERSION = 1
TYPE = "xinqiao-daybook+jws"
PER_BUCKET = 64  # lines, on average
MOST_DEPTH = 14
RECEIVED, LOST, USED = "received", "lost", "used"
_ACCESS, _CODE, _SHA = r"[A-Za-z0-9.-]{1,40}", r"[a-z][a-z_]{0,39}", r"[0-9a-f]{64}"
LINE = re.compile(rf"{RECEIVED}\t{_ACCESS}\t{_SHA}\t{_CODE}\t{_CODE}|{LOST}\t{_ACCESS}|{USED}\t{_ACCESS}\t{_CODE}")


def received_line(access: str, answer_sha256: str, purpose: str, form: str) -> str:
    """That an answer arrived: its access, the digest of its document, and for what and how it was given."""
    return "\t".join((RECEIVED, access, answer_sha256, purpose, form))


def lost_line(access: str) -> str:
    """That an answer which the node names never arrived."""
    return f"{LOST}\t{access}"


def used_line(access: str, use: str) -> str:
    """That something was done on this day with an answer received on this or an earlier one."""
    return "\t".join((USED, access, use))


def access_of(line: str) -> str:
    """The access a line is about."""
    return line.split("\t", 2)[1]


def depth_for(lines: int) -> int:
    """How many levels of buckets a day of so many lines has: one answer only, so that a set has one statement."""
    depth = 0
    while depth < MOST_DEPTH and lines > PER_BUCKET << depth:
        depth += 1
    return depth


def bucket_of(access: str, depth: int) -> int:
    """The bucket that an access falls into."""
    return int.from_bytes(sha256(access.encode()).digest()[:4]) >> (32 - depth)


def tree_root(lines: Iterable[str]) -> bytes:
    """Root over a set of lines, in order."""
    return root_of([leaf_hash(line.encode()) for line in sorted(set(lines))])


def in_buckets(lines: Iterable[str], depth: int, *, only: Iterable[int] | None = None) -> list[set[str]]:
    """The lines by bucket; of some buckets only if given, the others being empty then."""
    found: list[set[str]] = [set() for _ in range(1 << depth)]
    wanted = None if only is None else set(only)
    for line in lines:
        number = bucket_of(access_of(line), depth)
        if wanted is None or number in wanted:
            found[number].add(line)
    return found


def day_root(roots: Sequence[bytes]) -> bytes:
    """Root over the roots of the buckets."""
    return root_of([leaf_hash(root) for root in roots])


@dataclass(frozen=True, slots=True)
class Daybook:
    """One day of one organisation: ``received`` holds received and lost lines, ``used`` the uses."""

    organisation: str
    day: date
    received: frozenset[str]
    used: frozenset[str]

    @property
    def depth(self) -> int:
        """Levels of buckets."""
        return depth_for(len(self.received))

    @property
    def roots(self) -> list[bytes]:
        """The roots of the buckets."""
        return [tree_root(lines) for lines in in_buckets(self.received, self.depth)]

    def bucket(self, number: int) -> list[str]:
        """The lines of one bucket, in order."""
        return sorted(in_buckets(self.received, self.depth, only=[number])[number])

    def buckets(self, numbers: Iterable[int]) -> dict[int, list[str]]:
        """The lines of some buckets, in order."""
        wanted = set(numbers)
        found = in_buckets(self.received, self.depth, only=wanted)
        return {number: sorted(found[number]) for number in sorted(wanted)}

    def statement(self, revision: int, *, roots: Sequence[bytes] | None = None) -> dict[str, Any]:
        """What is signed. ``revision`` counts the hand-ins of the day from 1."""
        return {
            "v": VERSION,
            "organisation": self.organisation,
            "day": self.day.isoformat(),
            "revision": revision,
            "received": len(self.received),
            "used": len(self.used),
            "depth": self.depth,
            "root": day_root(self.roots if roots is None else roots).hex(),
            "used_root": tree_root(self.used).hex(),
        }

    def signed(self, revision: int, *, key: Mapping[str, Any]) -> dict[str, Any]:
        """What is handed in: the signed statement, the roots, the uses. ``key`` is the program's private JWK."""
        roots = self.roots
        statement = sign(self.statement(revision, roots=roots), key=key)
        return {"statement": statement, "roots": [root.hex() for root in roots], "used": sorted(self.used)}

    def file(self, revision: int, *, key: Mapping[str, Any]) -> dict[str, Any]:
        """The same with every line: a file to hand in by hand, of which the node reads the buckets that it opens."""
        return {**self.signed(revision, key=key), "lines": sorted(self.received)}


def sign(statement: Mapping[str, Any], *, key: Mapping[str, Any]) -> str:
    """The statement as a compact JWS by a program's registered key."""
    header = {"alg": key["alg"], "kid": key["kid"], "typ": TYPE}
    return jws.serialize_compact(header, canonical_bytes(dict(statement)), import_key(dict(key)))
