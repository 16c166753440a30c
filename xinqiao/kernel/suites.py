"""Two suites of cryptography behind one interface: ``intl`` and, by the national standards, ``gm``.

| | hash | signature | sealing | key derivation |
|---|---|---|---|---|
| ``intl`` | SHA-256 | Ed25519 | AES-256-GCM | HKDF-SHA-256 |
| ``gm`` | SM3 | SM2 with SM3 | SM4-GCM | HKDF-SM3 |

Whatever a suite makes begins with the byte of its algorithm: it can be opened after the suite in use has changed.
"""

from __future__ import annotations

import hashlib
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import IO, Any, ClassVar, Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext, Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from xinqiao.kernel.crypto import SigningKey, VerifyKey
from xinqiao.kernel.errors import Corrupt
from xinqiao.kernel.sm2 import Sm2SigningKey, Sm2VerifyKey, sm3

NONCE_BYTES = 12
TAG_BYTES = 16
BLOCK = 1 << 20  # bytes opened at a time


class CannotOpen(Corrupt):
    """Sealed bytes were altered, or sealed under another key or for another place; data: ``what``."""

    code = "crypto.cannot_open"
    title = "密文无法打开：{what}"
    clause = "GB/T 36624, RFC 8998, NIST SP 800-38D"
    next_step = "请核对密钥与密文是否配套；若密文被改动，请从备份恢复并通知安全负责人"


class PublicKey(Protocol):
    """A public key of either suite."""

    @property
    def raw(self) -> bytes:
        """Its bytes as signed notes carry them."""

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is right."""


class Signer(Protocol):
    """Something that signs: a key in memory, or one that never leaves a hardware module."""

    @property
    def public(self) -> PublicKey:
        """The key that verifies what this one signs."""

    def sign(self, message: bytes) -> bytes:
        """A signature of the message."""


class SealedFile(io.RawIOBase):
    """A file that seals what is written to it, front to back; sealed once :meth:`finish` was called, not before."""

    def __init__(self, out: IO[bytes], encryptor: AEADEncryptionContext) -> None:
        self._out, self._encryptor, self._size = out, encryptor, 0

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Seal some more bytes."""
        self._out.write(self._encryptor.update(data))
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        """How much was written."""
        return self._size

    def finish(self) -> None:
        """Write the tag without which nothing of it opens."""
        self._out.write(self._encryptor.finalize() + self._encryptor.tag)


class Suite(ABC):
    """One complete set of algorithms. ``key_bytes`` is the length of a key for :meth:`seal`."""

    name: ClassVar[str]
    mark: ClassVar[bytes]  # first byte of everything sealed or signed
    identifiers: ClassVar[dict[str, str]]
    key_bytes: ClassVar[int]
    _hash: ClassVar[type[hashes.HashAlgorithm]]
    _cipher: ClassVar[type[algorithms.AES] | type[algorithms.SM4]]

    @abstractmethod
    def hash(self, data: bytes) -> bytes:
        """32-byte digest."""

    @abstractmethod
    def generate(self) -> Signer:
        """A new key pair."""

    @abstractmethod
    def read_public(self, raw: bytes) -> PublicKey:
        """A public key from its bytes; raises InvalidKey."""

    def sign(self, message: bytes, *, key: Signer) -> bytes:
        """The algorithm's byte, then the signature."""
        return self.mark + key.sign(message)

    def verify(self, signature: bytes, message: bytes, *, key: PublicKey) -> bool:
        """Whether a signature of this suite is right; one of the other suite is not."""
        return signature[:1] == self.mark and key.verify(signature[1:], message)

    def mac(self, data: bytes, *, key: bytes) -> bytes:
        """HMAC, 32 bytes."""
        mac = HMAC(key, self._hash())
        mac.update(data)
        return mac.finalize()

    def mac_holds(self, tag: bytes, data: bytes, *, key: bytes) -> bool:
        """Whether ``tag`` is the HMAC of ``data``, compared in constant time."""
        mac = HMAC(key, self._hash())
        mac.update(data)
        try:
            mac.verify(tag)
        except InvalidSignature:
            return False
        return True

    def kdf(self, secret: bytes, *, purpose: bytes, length: int | None = None, salt: bytes = b"") -> bytes:
        """A key for one purpose out of a secret (HKDF, RFC 5869)."""
        hkdf = HKDF(algorithm=self._hash(), length=length or self.key_bytes, salt=salt or None, info=purpose)
        return hkdf.derive(secret)

    def seal(self, plaintext: bytes, *, key: bytes, place: bytes = b"") -> bytes:
        """Algorithm byte, nonce, ciphertext and tag. ``place`` is bound to it and must be given again to open."""
        nonce = os.urandom(NONCE_BYTES)
        encryptor = Cipher(self._cipher(key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(self.mark + place)
        return self.mark + nonce + encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag

    def open(self, sealed: bytes, *, key: bytes, place: bytes = b"") -> bytes:
        """What was sealed; raises CannotOpen."""
        if sealed[:1] != self.mark or len(sealed) < 1 + NONCE_BYTES + TAG_BYTES:
            raise CannotOpen(what=f"不是 {self.name} 套件的密文")
        nonce, body, tag = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES : -TAG_BYTES], sealed[-TAG_BYTES:]
        return self.open_gcm(body, tag, key=key, nonce=nonce, data=self.mark + place)

    def sealing(self, out: IO[bytes], *, key: bytes, place: bytes = b"") -> SealedFile:
        """A file whose content, finished, is what :meth:`seal` makes of all that was written; for what is large."""
        nonce = os.urandom(NONCE_BYTES)
        encryptor = Cipher(self._cipher(key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(self.mark + place)
        out.write(self.mark + nonce)
        return SealedFile(out, encryptor)

    def open_file(self, sealed: IO[bytes], *, key: bytes, place: bytes = b"") -> Iterator[bytes]:
        """What was sealed into a file from where it stands, in blocks: all is verified before the first is given.

        Raises CannotOpen.
        """
        start, end = sealed.tell(), sealed.seek(0, os.SEEK_END) - TAG_BYTES
        tag = sealed.read(TAG_BYTES) if sealed.seek(max(start, end)) == end else b""
        sealed.seek(start)
        head = sealed.read(1 + NONCE_BYTES)
        if head[:1] != self.mark or end < start + len(head):
            raise CannotOpen(what=f"不是 {self.name} 套件的密文")
        for giving in (False, True):
            decryptor = Cipher(self._cipher(key), modes.GCM(head[1:], tag)).decryptor()
            decryptor.authenticate_additional_data(self.mark + place)
            sealed.seek(start + len(head))
            while (left := end - sealed.tell()) > 0:
                block = decryptor.update(sealed.read(min(BLOCK, left)))
                if giving:
                    yield block
            try:
                decryptor.finalize()
            except InvalidTag as error:
                raise CannotOpen(what="认证标签不符") from error

    def open_gcm(self, body: bytes, tag: bytes, *, key: bytes, nonce: bytes, data: bytes) -> bytes:
        """The bare cipher, with the caller's nonce; raises CannotOpen."""
        decryptor = Cipher(self._cipher(key), modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(data)
        try:
            return decryptor.update(body) + decryptor.finalize()
        except InvalidTag as error:
            raise CannotOpen(what="认证标签不符") from error


class IntlSuite(Suite):
    """Ed25519, SHA-256, AES-256-GCM, HKDF."""

    name = "intl"
    mark = b"\x01"
    identifiers: ClassVar[dict[str, str]] = {"hash": "sha256", "sign": "ed25519", "seal": "aes-256-gcm"}
    key_bytes = 32
    _hash = hashes.SHA256
    _cipher = algorithms.AES

    def hash(self, data: bytes) -> bytes:
        """SHA-256."""
        return hashlib.sha256(data).digest()

    def seal(self, plaintext: bytes, *, key: bytes, place: bytes = b"") -> bytes:
        """As every suite does, by the one call that is three times as fast for short texts."""
        nonce = os.urandom(NONCE_BYTES)
        return self.mark + nonce + AESGCM(key).encrypt(nonce, plaintext, self.mark + place)

    def open_gcm(self, body: bytes, tag: bytes, *, key: bytes, nonce: bytes, data: bytes) -> bytes:
        """The bare cipher, with the caller's nonce; raises CannotOpen."""
        try:
            return AESGCM(key).decrypt(nonce, body + tag, data)
        except InvalidTag as error:
            raise CannotOpen(what="认证标签不符") from error

    def generate(self) -> SigningKey:
        """A new Ed25519 key."""
        return SigningKey.generate()

    def read_public(self, raw: bytes) -> VerifyKey:
        """An Ed25519 public key."""
        return VerifyKey(raw)


class GmSuite(Suite):
    """SM2 with SM3, SM3, SM4-GCM, HKDF over HMAC-SM3."""

    name = "gm"
    mark = b"\x02"
    identifiers: ClassVar[dict[str, str]] = {"hash": "sm3", "sign": "sm2-sm3", "seal": "sm4-gcm"}
    key_bytes = 16
    _hash = hashes.SM3
    _cipher = algorithms.SM4

    def hash(self, data: bytes) -> bytes:
        """SM3."""
        return sm3(data)

    def generate(self) -> Sm2SigningKey:
        """A new SM2 key."""
        return Sm2SigningKey.generate()

    def read_public(self, raw: bytes) -> Sm2VerifyKey:
        """An SM2 public key, 65 bytes."""
        return Sm2VerifyKey(raw)


INTL = IntlSuite()
GM = GmSuite()
SUITES: dict[str, Suite] = {suite.name: suite for suite in (INTL, GM)}


def suite_of(made: bytes) -> Suite:
    """The suite that sealed or signed these bytes; raises CannotOpen."""
    for suite in SUITES.values():
        if made[:1] == suite.mark:
            return suite
    raise CannotOpen(what="未知的算法标识")
