"""Ed25519 keys (RFC 8032): one object that signs, one that verifies, and where the private one is kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from xinqiao.kernel.canonical import NotCanonical, base64_text, read_base64
from xinqiao.kernel.errors import Invalid, Problem

KEY_BYTES = 32
SIGNATURE_BYTES = 64


class InvalidKey(Invalid):
    """Bytes or text that should be a key are not one; ``reason`` says why."""

    code = "crypto.invalid_key"
    title = "密钥无法读取：{reason}"
    clause = "RFC 8032；GB/T 32918"
    next_step = "请核对密钥文件是否完整；若已丢失，请按密钥轮换办法启用新密钥"

    def __init__(self, reason: str) -> None:
        super().__init__([Problem(field="key", code=self.code, message=reason)], reason=reason)


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """The public half: 32 raw bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != KEY_BYTES:
            raise InvalidKey(f"a public key has {KEY_BYTES} bytes, not {len(self.raw)}")

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether ``signature`` over ``message`` was made by the matching private key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    @classmethod
    def from_base64(cls, text: str) -> VerifyKey:
        """Read standard base64; raises InvalidKey."""
        return cls(_from_base64(text))

    def to_base64(self) -> str:
        """Standard base64 of the raw bytes."""
        return base64_text(self.raw)


class SigningKey:
    """The private half. Its bytes are never shown by ``repr``."""

    __slots__ = ("_key",)

    def __init__(self, seed: bytes) -> None:
        if len(seed) != KEY_BYTES:
            raise InvalidKey(f"a private key has {KEY_BYTES} bytes, not {len(seed)}")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.to_base64()})"

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the operating system's randomness."""
        return cls(os.urandom(KEY_BYTES))

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Read a key written by :meth:`save`; raises FileNotFoundError or InvalidKey."""
        return cls(_from_base64(path.read_text(encoding="ascii").strip()))

    def save(self, path: Path) -> None:
        """Write the key for this user only (mode 0600); raises FileExistsError rather than replace a key."""
        save_private(path, base64_text(self._key.private_bytes_raw()).encode() + b"\n")

    @property
    def public(self) -> VerifyKey:
        """The key that verifies what this one signs."""
        return VerifyKey(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of ``message``; the same message always gives the same bytes."""
        return self._key.sign(message)


def save_private(path: Path, data: bytes) -> None:
    """Write a secret for this user only (mode 0600); raises FileExistsError rather than replace one.

    The file appears whole or not at all, so that another process never reads half a key.
    """
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    finally:
        beside.unlink()


def _from_base64(text: str) -> bytes:
    try:
        return read_base64(text)
    except NotCanonical as error:
        raise InvalidKey("not base64") from error
