"""Two makers of SM2 arithmetic behind one interface: GmSSL where its wheel exists, else the system's libcrypto.

Keys are numbers as bytes: a private key of 32, a public key of 64 (x and y). A signature is DER of (r, s) over the
32-byte digest that already binds the signer's identity.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol

_SM2_NID = 1172  # EVP_PKEY_SM2 of OpenSSL 1.1.1 and 3
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200" + "04")
_PKCS8 = bytes.fromhex("308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420")
_PKCS8_PUBLIC = bytes.fromhex("a144034200" + "04")


class Sm2Backend(Protocol):
    """What a maker of SM2 must do. ``verify`` answers False for whatever is not a signature."""

    name: str

    def generate(self) -> tuple[bytes, bytes]:
        """A new pair: private, public."""

    def sign(self, private: bytes, public: bytes, digest: bytes) -> bytes:
        """DER signature of a digest."""

    def verify(self, public: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether the signature is right."""


class GmsslBackend:
    """GmSSL through ``gmssl_pyx``; ``sm2_sign_sm3_digest`` is ten times as fast as its ``sm2_sign``."""

    name = "gmssl"

    def generate(self) -> tuple[bytes, bytes]:
        """A new pair: private, public."""
        import gmssl_pyx

        public, private = gmssl_pyx.sm2_key_generate()
        return private, public

    def sign(self, private: bytes, public: bytes, digest: bytes) -> bytes:
        """DER signature of a digest."""
        import gmssl_pyx

        return bytes(gmssl_pyx.sm2_sign_sm3_digest(private, digest))

    def verify(self, public: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether the signature is right."""
        import gmssl_pyx

        try:
            return bool(gmssl_pyx.sm2_verify_sm3_digest(public, digest, signature))
        except gmssl_pyx.GmsslInnerError:
            return False


class LibcryptoBackend:
    """OpenSSL's libcrypto through ctypes, for machines without a GmSSL wheel (aarch64)."""

    name = "libcrypto"

    def __init__(self) -> None:
        self._lib = _libcrypto()

    def generate(self) -> tuple[bytes, bytes]:
        """A new pair: private, public."""
        context = self._lib.EVP_PKEY_CTX_new_id(_SM2_NID, None)
        key = ctypes.c_void_p()
        try:
            if self._lib.EVP_PKEY_keygen_init(context) <= 0 or self._lib.EVP_PKEY_keygen(context, _ref(key)) <= 0:
                raise OSError("libcrypto made no SM2 key")
            info = ctypes.c_void_p(self._lib.EVP_PKEY2PKCS8(key))
            der = self._encoded(self._lib.i2d_PKCS8_PRIV_KEY_INFO, info)
            self._lib.PKCS8_PRIV_KEY_INFO_free(info)
            public = self._encoded(self._lib.i2d_PUBKEY, key)[-64:]
        finally:
            self._lib.EVP_PKEY_free(key)
            self._lib.EVP_PKEY_CTX_free(context)
        start = der.index(b"\x04\x20", der.index(b"\x02\x01\x01")) + 2  # ECPrivateKey: version 1, then the number
        return der[start : start + 32], public

    def sign(self, private: bytes, public: bytes, digest: bytes) -> bytes:
        """DER signature of a digest."""
        der = private_der(private, public)
        key = self._key(self._lib.d2i_AutoPrivateKey, der)
        context = ctypes.c_void_p(self._lib.EVP_PKEY_CTX_new(key, None))
        try:
            length, out = ctypes.c_size_t(128), ctypes.create_string_buffer(128)
            done = self._lib.EVP_PKEY_sign_init(context) > 0
            if not done or self._lib.EVP_PKEY_sign(context, out, _ref(length), digest, len(digest)) <= 0:
                raise OSError("libcrypto refused to sign")
            return out.raw[: length.value]
        finally:
            self._lib.EVP_PKEY_CTX_free(context)
            self._lib.EVP_PKEY_free(key)

    def verify(self, public: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether the signature is right."""
        key = self._key(self._lib.d2i_PUBKEY, public_der(public))
        if not key:
            return False  # a point off the curve
        context = ctypes.c_void_p(self._lib.EVP_PKEY_CTX_new(key, None))
        try:
            if self._lib.EVP_PKEY_verify_init(context) <= 0:
                return False
            return int(self._lib.EVP_PKEY_verify(context, signature, len(signature), digest, len(digest))) == 1
        finally:
            self._lib.EVP_PKEY_CTX_free(context)
            self._lib.EVP_PKEY_free(key)
            self._lib.ERR_clear_error()

    def _key(self, decode: Any, der: bytes) -> ctypes.c_void_p:
        buffer = ctypes.c_char_p(der)
        return ctypes.c_void_p(decode(None, _ref(buffer), len(der)))

    def _encoded(self, encode: Any, thing: ctypes.c_void_p) -> bytes:
        length = encode(thing, None)
        buffer = ctypes.create_string_buffer(length)
        place = ctypes.c_char_p(ctypes.addressof(buffer))
        encode(thing, _ref(place))
        return buffer.raw


def public_der(public: bytes) -> bytes:
    """SubjectPublicKeyInfo of a public key."""
    return _SPKI + public


def private_der(private: bytes, public: bytes) -> bytes:
    """PKCS #8 of a pair."""
    return _PKCS8 + private + _PKCS8_PUBLIC + public


def read_public_der(der: bytes) -> bytes:
    """The public key of a SubjectPublicKeyInfo; raises ValueError."""
    if len(der) != len(_SPKI) + 64 or not der.startswith(_SPKI):
        raise ValueError("not an SM2 public key")
    return der[-64:]


def read_private_der(der: bytes) -> tuple[bytes, bytes]:
    """The pair of a PKCS #8 file as :func:`private_der` and OpenSSL write it; raises ValueError."""
    private, public = der[len(_PKCS8) : len(_PKCS8) + 32], der[-64:]
    if der != private_der(private, public):
        raise ValueError("not an SM2 private key")
    return private, public


def _ref(value: Any) -> Any:
    return ctypes.byref(value)


@cache
def _libcrypto() -> ctypes.CDLL:
    found = ctypes.util.find_library("crypto") or "libcrypto.so.3"
    library = ctypes.CDLL(found)
    pointers = ("EVP_PKEY_CTX_new_id", "EVP_PKEY_CTX_new", "EVP_PKEY2PKCS8", "d2i_AutoPrivateKey", "d2i_PUBKEY")
    for name in pointers:
        getattr(library, name).restype = ctypes.c_void_p
    library.EVP_PKEY_CTX_new_id.argtypes = [ctypes.c_int, ctypes.c_void_p]
    for name in ("EVP_PKEY_keygen_init", "EVP_PKEY_sign_init", "EVP_PKEY_verify_init", "EVP_PKEY_CTX_free"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    library.EVP_PKEY_keygen.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    text, size = ctypes.c_char_p, ctypes.c_size_t
    library.EVP_PKEY_sign.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, text, size]
    library.EVP_PKEY_verify.argtypes = [ctypes.c_void_p, text, size, text, size]
    library.d2i_AutoPrivateKey.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long]
    library.d2i_PUBKEY.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long]
    return library


@cache
def backend() -> Sm2Backend:
    """The maker used on this machine."""
    return GmsslBackend() if find_spec("gmssl_pyx") else LibcryptoBackend()
