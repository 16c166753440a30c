"""Keys that certificates name: P-256 or RSA with SHA-256, for papers that readers check with stock tools (CMS, PDF)."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from xinqiao.kernel.crypto import InvalidKey, save_private

RSA_BITS = 3072
ENDINGS = (".ec", ".rsa")


class CertifiedSigner(Protocol):
    """Something that signs under a certificate: a key in memory, or one that never leaves a hardware module."""

    @property
    def spki(self) -> bytes:
        """The public key as certificates hold it (SubjectPublicKeyInfo, DER)."""

    def sign(self, message: bytes) -> bytes:
        """ECDSA (DER) or RSASSA-PKCS1-v1_5, over SHA-256 of the message."""


def algorithm_of(spki: bytes) -> str:
    """``ecdsa`` or ``rsa``; raises InvalidKey for any other kind of key."""
    key = load_der_public_key(spki)
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa"
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ecdsa"
    raise InvalidKey("a certificate's key is P-256 or RSA")


class CertifiedKey:
    """A private key in memory. Its bytes are never shown by ``repr``."""

    __slots__ = ("_key",)

    def __init__(self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
        self._key = key
        algorithm_of(self.spki)

    def __repr__(self) -> str:
        return f"CertifiedKey({algorithm_of(self.spki)})"

    @classmethod
    def generate(cls, ending: str) -> CertifiedKey:
        """A new key: ``.ec`` P-256, ``.rsa`` RSA of 3072 bits."""
        if ending == ".rsa":
            return cls(rsa.generate_private_key(65537, RSA_BITS))
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, path: Path) -> CertifiedKey:
        """Read a key written by :meth:`save`; raises FileNotFoundError or InvalidKey."""
        try:
            found = load_pem_private_key(path.read_bytes(), None)
        except ValueError as error:
            raise InvalidKey("not a PKCS #8 private key") from error
        if not isinstance(found, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
            raise InvalidKey("a certificate's key is P-256 or RSA")
        return cls(found)

    def save(self, path: Path) -> None:
        """Write the key for this user only (mode 0600); raises FileExistsError rather than replace a key."""
        save_private(path, self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    @property
    def spki(self) -> bytes:
        """The public key as certificates hold it."""
        return self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, message: bytes) -> bytes:
        """ECDSA (DER) or RSASSA-PKCS1-v1_5, over SHA-256 of the message."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(message, ec.ECDSA(hashes.SHA256()))
