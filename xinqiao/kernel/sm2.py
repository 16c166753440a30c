"""SM2 keys with SM3 (GB/T 32918.2): one object that signs, one that verifies, and where the private one is kept.

A signature binds the signer's identity, which is the standard's default ``1234567812345678`` everywhere here.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from xinqiao.kernel.crypto import InvalidKey, save_private
from xinqiao.kernel.sm2_backends import (
    Sm2Backend,
    backend,
    private_der,
    public_der,
    read_private_der,
    read_public_der,
)

IDENTITY = b"1234567812345678"
PUBLIC_BYTES = 65  # 04, x, y
_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_G = bytes.fromhex(
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)
_CURVE = _A.to_bytes(32, "big") + _B.to_bytes(32, "big") + _G


def sm3(data: bytes) -> bytes:
    """SM3 (GB/T 32905) of ``data``, 32 bytes."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


@dataclass(frozen=True, slots=True)
class Sm2VerifyKey:
    """The public half: 65 bytes, an uncompressed point of the curve."""

    raw: bytes
    _z: bytes = field(init=False, repr=False, compare=False)  # the identity's digest, the same for every message

    def __post_init__(self) -> None:
        x, y = int.from_bytes(self.raw[1:33], "big"), int.from_bytes(self.raw[33:], "big")
        if len(self.raw) != PUBLIC_BYTES or self.raw[0] != 4:
            raise InvalidKey(f"an SM2 public key has {PUBLIC_BYTES} bytes and begins with 04")
        if max(x, y) >= _P or (y * y - x * x * x - _A * x - _B) % _P:
            raise InvalidKey("the point is not on the SM2 curve")
        length = (len(IDENTITY) * 8).to_bytes(2, "big")
        object.__setattr__(self, "_z", sm3(length + IDENTITY + _CURVE + self.raw[1:]))

    def digest(self, message: bytes) -> bytes:
        """What is signed of a message: SM3 of the identity's digest and the message."""
        return sm3(self._z + message)

    def verify(self, signature: bytes, message: bytes, *, using: Sm2Backend | None = None) -> bool:
        """Whether ``signature`` (DER) over ``message`` was made by the matching private key."""
        try:
            r, s = decode_dss_signature(signature)
        except ValueError:
            return False
        if not (0 < r < _N and 0 < s < _N) or encode_dss_signature(r, s) != signature:
            return False  # one spelling only
        return (using or backend()).verify(self.raw[1:], self.digest(message), signature)

    @property
    def pem(self) -> str:
        """The key as OpenSSL reads it (SubjectPublicKeyInfo)."""
        return _pem("PUBLIC KEY", public_der(self.raw[1:]))

    @classmethod
    def from_pem(cls, text: str) -> Sm2VerifyKey:
        """Read :attr:`pem`; raises InvalidKey."""
        try:
            return cls(b"\x04" + read_public_der(_read_pem("PUBLIC KEY", text)))
        except ValueError as error:
            raise InvalidKey(str(error)) from error


class Sm2SigningKey:
    """The private half. Its bytes are never shown by ``repr``."""

    __slots__ = ("_private", "public")

    def __init__(self, private: bytes, public: Sm2VerifyKey) -> None:
        if len(private) != 32 or not 0 < int.from_bytes(private, "big") < _N - 1:
            raise InvalidKey("an SM2 private key is a number of 32 bytes below the order of the curve")
        self._private = private
        self.public = public

    def __repr__(self) -> str:
        return f"Sm2SigningKey(public={self.public.raw.hex()})"

    @classmethod
    def generate(cls, *, using: Sm2Backend | None = None) -> Sm2SigningKey:
        """A new key."""
        private, public = (using or backend()).generate()
        return cls(private, Sm2VerifyKey(b"\x04" + public))

    @classmethod
    def from_pem(cls, text: str) -> Sm2SigningKey:
        """Read a PKCS #8 file, also one made by OpenSSL; raises InvalidKey."""
        try:
            private, public = read_private_der(_read_pem("PRIVATE KEY", text))
        except ValueError as error:
            raise InvalidKey(str(error)) from error
        key = cls(private, Sm2VerifyKey(b"\x04" + public))
        if not key.public.verify(key.sign(b"pair"), b"pair"):
            raise InvalidKey("the private and the public half do not belong together")
        return key

    @classmethod
    def load(cls, path: Path) -> Sm2SigningKey:
        """Read a key written by :meth:`save`; raises FileNotFoundError or InvalidKey."""
        return cls.from_pem(path.read_text(encoding="ascii"))

    @property
    def pem(self) -> str:
        """The key as OpenSSL reads it (PKCS #8, not encrypted)."""
        return _pem("PRIVATE KEY", private_der(self._private, self.public.raw[1:]))

    def save(self, path: Path) -> None:
        """Write the key for this user only (mode 0600); raises FileExistsError rather than replace a key."""
        save_private(path, self.pem.encode())

    def sign(self, message: bytes, *, using: Sm2Backend | None = None) -> bytes:
        """A DER signature of ``message``; every call gives another, as the standard has it."""
        return (using or backend()).sign(self._private, self.public.raw[1:], self.public.digest(message))


def _pem(label: str, der: bytes) -> str:
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def _read_pem(label: str, text: str) -> bytes:
    begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
    _, found, rest = text.partition(begin)
    if not found or end not in rest:
        raise ValueError(f"no {label} in the file")
    return base64.b64decode("".join(rest.partition(end)[0].split()), validate=True)
