"""The chain of one subject's accesses, hidden among all leaves of the log. Pure.

The n-th access to a subject carries a *label*: the SHA-256 of a signature over (log, subject, n). An RSA signature of
PKCS #1 v1.5 has exactly one value for a message and a key, so the label is settled before the access happens; only the
holder of the private key can compute it and anyone shown the signature can check it (``openssl dgst -verify``). To
everybody else labels are random. A *link*, the salted digest of the leaf before, ties the accesses in order.

So a subject that is shown the signatures 1 … n + 1 can prove from the public log alone that accesses 1 … n are there,
in order, and that the (n + 1)-th is not: these n are all. Leaving one out, exchanging two or labelling twice is seen.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from xinqiao.evidence.merkle import leaf_hash
from xinqiao.kernel.canonical import NotCanonical, read_json, sha256_hex
from xinqiao.kernel.crypto import InvalidKey

KEY_BITS = 2048
GENESIS = bytes(32)  # what the first access is linked to
STATEMENT = "xinqiao-chain-v1"
SIGNED_WITH = (padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Link:
    """One access in its subject's chain: its number from 1, the signature behind its label, the leaf before it."""

    number: int
    signature: bytes
    previous: bytes

    def as_leaf(self, salt: bytes) -> dict[str, str]:
        """What the leaf holds of it."""
        return {"label": label_of(self.signature), "link": link_of(salt, self.previous)}


@dataclass(frozen=True, slots=True)
class Opening:
    """What shows one access of a chain to its subject: number, signature, the leaf and the salt of its link."""

    number: int
    signature: bytes
    leaf: bytes
    salt: bytes

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, bytes in hex."""
        return {
            "n": self.number,
            "signature": self.signature.hex(),
            "leaf": self.leaf.decode("utf-8"),
            "salt": self.salt.hex(),
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """ "These accesses to ``subject`` are all among the first ``size`` leaves": openings in order, and the signature
    whose label must be nowhere."""

    origin: str
    subject: str
    size: int
    openings: tuple[Opening, ...]
    absent: bytes

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, bytes in hex."""
        return {
            "v": STATEMENT,
            "origin": self.origin,
            "subject": self.subject,
            "size": self.size,
            "openings": [opening.as_json() for opening in self.openings],
            "absent": self.absent.hex(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Statement:
        """Read what :meth:`as_json` gave; raises ValueError."""
        try:
            if value["v"] != STATEMENT:
                raise ValueError(f"not a {STATEMENT}")
            openings = tuple(
                Opening(o["n"], bytes.fromhex(o["signature"]), o["leaf"].encode(), bytes.fromhex(o["salt"]))
                for o in value["openings"]
            )
            absent = bytes.fromhex(value["absent"])
            return cls(str(value["origin"]), str(value["subject"]), int(value["size"]), openings, absent)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a {STATEMENT}: {error}") from error


class ChainVerifyKey:
    """The public key behind the labels."""

    __slots__ = ("_key",)

    def __init__(self, pem: bytes) -> None:
        try:
            key = serialization.load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InvalidKey("not a PEM public key") from error
        if not isinstance(key, rsa.RSAPublicKey):
            raise InvalidKey("not an RSA public key")
        self._key = key

    @property
    def pem(self) -> bytes:
        """PEM, SubjectPublicKeyInfo."""
        return self._key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def stands_behind(self, signature: bytes, *, origin: str, subject: str, number: int) -> bool:
        """Whether ``signature`` is the one for this place in this subject's chain."""
        try:
            self._key.verify(signature, chain_message(origin, subject, number), *SIGNED_WITH)
        except InvalidSignature:
            return False
        return True


class ChainSigningKey:
    """The private key behind the labels."""

    __slots__ = ("_key",)

    def __init__(self, pem: bytes) -> None:
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise InvalidKey("not an RSA private key")
        self._key = key

    @classmethod
    def generate(cls) -> ChainSigningKey:
        """A new key."""
        made = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        return cls(
            made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    @property
    def private_pem(self) -> bytes:
        """PEM, PKCS #8, not encrypted: for the key store only."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def public(self) -> ChainVerifyKey:
        """The key that checks what this one signs."""
        return ChainVerifyKey(
            self._key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def sign(self, *, origin: str, subject: str, number: int) -> bytes:
        """The one signature for a place in a chain."""
        return self._key.sign(chain_message(origin, subject, number), *SIGNED_WITH)


def chain_message(origin: str, subject: str, number: int) -> bytes:
    """What is signed for the ``number``-th access (from 1) to ``subject`` in the log ``origin``."""
    return f"{STATEMENT}\n{origin}\n{subject}\n{number}\n".encode()


def label_of(signature: bytes) -> str:
    """The label of a leaf, hex."""
    return sha256_hex(signature)


def link_of(salt: bytes, previous: bytes) -> str:
    """The link of a leaf to the leaf hash before it in the chain, hex."""
    return sha256_hex(salt + previous)


def labels_of(leaves: Iterable[bytes]) -> list[str | None]:
    """The label of each leaf, None for one that belongs to no chain."""
    return [_chain_part(leaf).get("label") for leaf in leaves]


def _chain_part(leaf: bytes) -> Mapping[str, str]:
    try:
        part = read_json(leaf).get("chain", {})
    except (NotCanonical, AttributeError):
        return {}
    return part if isinstance(part, dict) else {}


def check_statement(statement: Statement, leaves: Sequence[bytes], *, key: ChainVerifyKey) -> list[str]:
    """What is wrong with ``statement`` against the first leaves of the log; empty = these accesses are all.

    ``leaves`` are all the leaves of the log up to ``statement.size``, themselves checked against a checkpoint before.
    """
    if len(leaves) != statement.size:
        return [f"size: the log given has {len(leaves)} leaves, the statement speaks of {statement.size}"]
    places: dict[str, list[int]] = {}
    for index, label in enumerate(labels_of(leaves)):
        if label is not None:
            places.setdefault(label, []).append(index)
    faults = _order_faults(statement, places)
    previous = GENESIS
    for expected, opening in enumerate(statement.openings, start=1):
        faults += _opening_faults(statement, opening, expected, previous, places, leaves, key)
        previous = leaf_hash(opening.leaf)
    following = len(statement.openings) + 1
    if not key.stands_behind(statement.absent, origin=statement.origin, subject=statement.subject, number=following):
        faults.append(f"absent: not the signature of access {following}")
    elif label_of(statement.absent) in places:
        faults.append(f"left out: access {following} is in the log at leaf {places[label_of(statement.absent)][0]}")
    return faults


def _opening_faults(
    statement: Statement,
    opening: Opening,
    expected: int,
    previous: bytes,
    places: Mapping[str, list[int]],
    leaves: Sequence[bytes],
    key: ChainVerifyKey,
) -> list[str]:
    where = f"access {expected}"
    if opening.number != expected or not key.stands_behind(
        opening.signature, origin=statement.origin, subject=statement.subject, number=expected
    ):
        return [f"{where}: not the signature of this place"]
    found = places.get(label_of(opening.signature), [])
    if len(found) != 1:
        return [f"{where}: its label is in the log {len(found)} times"]
    faults = []
    if leaves[found[0]] != opening.leaf:
        faults.append(f"{where}: leaf {found[0]} of the log is another")
    link = _chain_part(opening.leaf).get("link", "")
    if not hmac.compare_digest(str(link), link_of(opening.salt, previous)):
        faults.append(f"{where}: not linked to the access before it")
    return faults


def _order_faults(statement: Statement, places: Mapping[str, list[int]]) -> list[str]:
    """Accesses stand in the log in the order of their numbers."""
    found = [places[label_of(o.signature)][0] for o in statement.openings if label_of(o.signature) in places]
    return [] if found == sorted(found) else ["order: accesses stand in the log in another order"]
