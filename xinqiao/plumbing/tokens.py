"""Keys inside a hardware token, spoken to through PKCS#11 (OASIS, version 2.40 and 3.0). They never leave it.

A session is opened once a process and used by one thread at a time. A PIN that was refused is not tried again before
its file changes: a token locks itself after a few tries.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

from xinqiao.kernel.certified import RSA_BITS
from xinqiao.kernel.crypto import VerifyKey
from xinqiao.kernel.errors import Corrupt, SourceFailed
from xinqiao.kernel.suites import INTL, NONCE_BYTES, TAG_BYTES, CannotOpen

Result = TypeVar("Result")
SECRET = (".kek", ".mac")  # names of secret keys end so; all others are pairs
ED25519 = encode_named_curve_parameters("1.3.101.112")
P256 = encode_named_curve_parameters("1.2.840.10045.3.1.7")
# The other end went away and may be back: one more try on a new session.
GONE = (
    pkcs11.SessionHandleInvalid,
    pkcs11.SessionClosed,
    pkcs11.DeviceRemoved,
    pkcs11.UserNotLoggedIn,
    pkcs11.KeyHandleInvalid,
    pkcs11.ObjectHandleInvalid,
)
REFUSED = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinLocked, pkcs11.PinExpired)


class TokenMissing(SourceFailed):
    """The token, or the library that speaks to it, is not there; data: ``token``, ``what``."""

    code = "keys.token_missing"
    title = "密码设备“{token}”不可用：{what}"
    clause = "GB/T 39786"
    next_step = "请检查设备连接、XINQIAO_PKCS11_MODULE 与 XINQIAO_PKCS11_TOKEN；恢复前节点不签名、不打开个人信息"


class TokenLocked(SourceFailed):
    """The token does not take the PIN; data: ``token``, ``what``."""

    code = "keys.token_locked"
    title = "密码设备“{token}”未解锁：{what}"
    clause = "GB/T 39786"
    next_step = "请改正 XINQIAO_PKCS11_PIN_FILE 里的口令，不必重启；口令被拒后，文件改动之前节点不会再试，以免设备锁死"


class TokenUnfit(SourceFailed):
    """The token cannot do what a key is for; data: ``token``, ``what``."""

    code = "keys.token_unfit"
    title = "密码设备“{token}”不支持 {what}"
    next_step = "请换用支持该算法的设备；检查点的格式只认 Ed25519，不能以 P-256 代替"


class KeyTwice(Corrupt):
    """Two keys of one name in one token; data: ``token``, ``key``."""

    code = "keys.twice"
    title = "密码设备“{token}”里有两把名为 {key} 的密钥"
    next_step = "请用设备自带的工具删去不是由节点生成的那一把，然后重试"


class TokenKeys:
    """The keys of one token, by label. ``line`` is the line of the PIN file that is the token's."""

    _all: weakref.WeakSet[TokenKeys] = weakref.WeakSet()

    def __init__(self, module: str, label: str, pin_file: Path | None, line: int = 0) -> None:
        self.module, self.label, self._pin_file, self._line = module, label, pin_file, line
        self._lock, self._session = threading.RLock(), None
        self._objects: dict[str, Any] = {}
        self._handles: dict[str, Any] = {}
        self._refused: tuple[tuple[int, int], str] | None = None
        TokenKeys._all.add(self)

    def find(self, name: str) -> Any:
        """The key of this name, or None; raises TokenMissing, TokenLocked, KeyTwice."""
        if self.run(lambda session: self.object(session, name)) is None:
            return None
        kinds = {".ec": EcInToken, ".rsa": RsaInToken} | dict.fromkeys(SECRET, SecretInToken)
        kind = next((kind for ending, kind in kinds.items() if name.endswith(ending)), SignerInToken)
        return self._handles.setdefault(name, kind(self, name))

    def create(self, name: str) -> Any:
        """A new key; call it only where no other process of the node does. Raises TokenUnfit."""
        self.run(lambda session: self._generate(session, name))
        return self.find(name)

    def destroy(self, name: str) -> None:
        """Delete a key for good, both halves of a pair."""

        def act(session: Any) -> None:
            for item in list(session.get_objects({Attribute.LABEL: name})):
                item.destroy()

        self.run(act)
        self.forget()

    def object(self, session: Any, name: str) -> Any:
        """The private or secret object of this name in the session, or None."""
        if name not in self._objects:
            wanted = ObjectClass.SECRET_KEY if name.endswith(SECRET) else ObjectClass.PRIVATE_KEY
            found = list(session.get_objects({Attribute.LABEL: name, Attribute.CLASS: wanted}))
            if len(found) > 1:
                raise KeyTwice(token=self.label, key=name)
            if not found:
                return None
            self._objects[name] = found[0]
        return self._objects[name]

    def _generate(self, session: Any, name: str) -> None:
        kept = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
        if name.endswith(".kek"):
            session.generate_key(KeyType.AES, 256, label=name, store=True, template=kept)
        elif name.endswith(".mac"):
            template = {**kept, Attribute.SIGN: True, Attribute.VERIFY: True}
            how = Mechanism.GENERIC_SECRET_KEY_GEN
            session.generate_key(KeyType.GENERIC_SECRET, 256, mechanism=how, label=name, store=True, template=template)
        elif name.endswith(".rsa"):
            session.generate_keypair(
                KeyType.RSA, RSA_BITS, label=name, id=name.encode(), store=True, private_template=kept
            )
        elif name.endswith(".ec"):
            curve = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: P256}, local=True)
            curve.generate_keypair(label=name, id=name.encode(), store=True, private_template=kept)
        else:
            curve = session.create_domain_parameters(KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: ED25519}, local=True)
            how = Mechanism.EC_EDWARDS_KEY_PAIR_GEN
            curve.generate_keypair(mechanism=how, label=name, id=name.encode(), store=True, private_template=kept)

    def run(self, act: Callable[[Any], Result]) -> Result:
        """Do something in the session; raises TokenMissing, TokenLocked or TokenUnfit for whatever the token says."""
        with self._lock:
            for last in (False, True):
                try:
                    return act(self._open())
                except GONE as error:
                    self.forget()
                    if last:
                        raise TokenMissing(token=self.label, what=_said(error), retry=True) from error
                except (pkcs11.MechanismInvalid, pkcs11.FunctionNotSupported) as error:
                    raise TokenUnfit(token=self.label, what=_said(error), retry=False) from error
                except pkcs11.PKCS11Error as error:
                    self.forget()
                    raise TokenMissing(token=self.label, what=_said(error), retry=True) from error
        raise AssertionError("unreachable")

    def _open(self) -> Any:
        if self._session is None:
            pin, mark = self._pin()
            if self._refused and self._refused[0] == mark:
                raise TokenLocked(token=self.label, what=self._refused[1], retry=True)
            try:
                self._session = _log_in(self._token(), pin)
            except REFUSED as error:
                self._refused = (mark, _said(error))
                raise TokenLocked(token=self.label, what=_said(error), retry=True) from error
            except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
                raise TokenMissing(token=self.label, what=_said(error), retry=True) from error
        return self._session

    def _token(self) -> Any:
        library = pkcs11.lib(self.module)
        try:
            return library.get_token(token_label=self.label)
        except pkcs11.NoSuchToken:
            if any(other.module == self.module and other._session for other in TokenKeys._all):
                raise
            library.reinitialize()  # some modules list their tokens once; no session of ours is lost by asking again
            return library.get_token(token_label=self.label)

    def _pin(self) -> tuple[str, tuple[int, int]]:
        """The PIN, and what tells whether its file has changed."""
        if self._pin_file is None:
            raise TokenLocked(token=self.label, what="XINQIAO_PKCS11_PIN_FILE", retry=True)
        try:
            about = self._pin_file.stat()
            if stat.S_IMODE(about.st_mode) & 0o077:
                raise TokenLocked(token=self.label, what="chmod 600 XINQIAO_PKCS11_PIN_FILE", retry=True)
            pin = self._pin_file.read_text(encoding="utf-8").splitlines()[self._line].strip()
        except (OSError, IndexError) as error:
            raise TokenLocked(token=self.label, what=type(error).__name__, retry=True) from error
        return pin, (about.st_mtime_ns, about.st_ino)

    def forget(self) -> None:
        """Drop the session; the next use opens another."""
        self._session, self._objects, self._handles = None, {}, {}


def _log_in(token: Any, pin: str) -> Any:
    try:
        return token.open(user_pin=pin, rw=True)
    except pkcs11.UserAlreadyLoggedIn:  # sessions of one process share a login
        return token.open(rw=True)


def _said(error: Exception) -> str:
    return type(error).__name__


@dataclass(frozen=True)
class SignerInToken:
    """An Ed25519 key pair whose private half signs inside the token."""

    token: TokenKeys
    name: str

    @cached_property
    def public(self) -> VerifyKey:
        """The key that verifies what this one signs."""
        return VerifyKey(self.token.run(self._point))

    def _point(self, session: Any) -> bytes:
        return bytes(_public(session, self.name)[Attribute.EC_POINT])[
            -32:
        ]  # an OCTET STRING around the 32 bytes, or the bytes alone

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of ``message``."""

        def act(session: Any) -> bytes:
            return bytes(_there(self.token.object(session, self.name)).sign(message, mechanism=Mechanism.EDDSA))

        return self.token.run(act)


@dataclass(frozen=True)
class EcInToken:
    """A P-256 key pair whose private half signs inside the token, under a certificate."""

    token: TokenKeys
    name: str

    @cached_property
    def spki(self) -> bytes:
        """The public key as certificates hold it."""
        point = self.token.run(lambda session: bytes(_public(session, self.name)[Attribute.EC_POINT]))[-65:]
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, message: bytes) -> bytes:
        """ECDSA (DER) over SHA-256; the digest is made here, for few tokens hash as well."""
        digest = hashlib.sha256(message).digest()

        def act(session: Any) -> bytes:
            return bytes(_there(self.token.object(session, self.name)).sign(digest, mechanism=Mechanism.ECDSA))

        made = self.token.run(act)
        return encode_dss_signature(int.from_bytes(made[:32], "big"), int.from_bytes(made[32:], "big"))


@dataclass(frozen=True)
class RsaInToken:
    """An RSA key pair whose private half signs inside the token, under a certificate."""

    token: TokenKeys
    name: str

    @cached_property
    def spki(self) -> bytes:
        """The public key as certificates hold it."""

        def act(session: Any) -> tuple[bytes, bytes]:
            found = _public(session, self.name)
            return bytes(found[Attribute.MODULUS]), bytes(found[Attribute.PUBLIC_EXPONENT])

        modulus, exponent = (int.from_bytes(part, "big") for part in self.token.run(act))
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, message: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 over SHA-256."""

        def act(session: Any) -> bytes:
            key = _there(self.token.object(session, self.name))
            return bytes(key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS))

        return self.token.run(act)


def _public(session: Any, name: str) -> Any:
    [found] = list(session.get_objects({Attribute.LABEL: name, Attribute.CLASS: ObjectClass.PUBLIC_KEY}))
    return found


@dataclass(frozen=True, slots=True)
class SecretInToken:
    """A secret key that wraps (AES-256-GCM) or digests (HMAC-SHA-256) inside the token."""

    token: TokenKeys
    name: str

    def wrap(self, secret: bytes, *, place: bytes) -> bytes:
        """The sealed secret, bound to a place; the same bytes as ``Suite.seal`` makes."""
        nonce = os.urandom(NONCE_BYTES)
        how = GCMParams(nonce, INTL.mark + place, TAG_BYTES * 8)

        def act(session: Any) -> bytes:
            key = _there(self.token.object(session, self.name))
            return bytes(key.encrypt(secret, mechanism=Mechanism.AES_GCM, mechanism_param=how))

        return INTL.mark + nonce + self.token.run(act)

    def unwrap(self, wrapped: bytes, *, place: bytes) -> bytes:
        """What was wrapped; raises CannotOpen."""
        how = GCMParams(wrapped[1 : 1 + NONCE_BYTES], INTL.mark + place, TAG_BYTES * 8)

        def act(session: Any) -> bytes:
            key = _there(self.token.object(session, self.name))
            try:
                return bytes(key.decrypt(wrapped[1 + NONCE_BYTES :], mechanism=Mechanism.AES_GCM, mechanism_param=how))
            except (pkcs11.EncryptedDataInvalid, pkcs11.GeneralError, pkcs11.FunctionFailed) as error:
                raise CannotOpen(what=self.name) from error

        return self.token.run(act)

    def digest(self, value: bytes) -> bytes:
        """HMAC-SHA-256 of the value."""

        def act(session: Any) -> bytes:
            return bytes(_there(self.token.object(session, self.name)).sign(value, mechanism=Mechanism.SHA256_HMAC))

        return self.token.run(act)


def _there(found: Any) -> Any:
    if found is None:
        raise pkcs11.KeyHandleInvalid()
    return found


def _begin_again() -> None:
    """A child of a fork has no session with the token; PKCS#11 wants it to introduce itself anew."""
    for module in {token.module for token in TokenKeys._all}:
        known = pkcs11._loaded.get(module)
        if known is not None:
            known.reinitialize()
    for token in TokenKeys._all:
        token._lock = threading.RLock()
        token.forget()


os.register_at_fork(after_in_child=_begin_again)
