"""Canonical JSON (RFC 8785), base64 and digests: the bytes that are hashed, signed and kept as evidence.

Only plain JSON values pass, so that any reader of the format gets the same bytes: text, booleans, null,
lists, objects with text keys, and numbers that every reader holds exactly. Write money as integer fen,
instants and decimals as text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

import rfc8785
from cryptography.hazmat.primitives import hashes

from xinqiao.kernel.errors import Invalid, Problem

_SM3 = hashes.Hash(hashes.SM3())


class NotCanonical(Invalid):
    """A value has no canonical form, or bytes are not JSON; ``reason`` says why."""

    code = "canonical.not_json"
    title = "内容不能写成规范的 JSON：{reason}"
    clause = "RFC 8785"
    next_step = "请只使用文本、整数、布尔、列表和对象；金额写成整数分，时间与小数写成文本"

    def __init__(self, reason: str) -> None:
        super().__init__([Problem(field="", code=self.code, message=reason)], reason=reason)


def canonical_bytes(value: Any) -> bytes:
    """UTF-8 bytes of ``value`` after RFC 8785; raises NotCanonical for what JSON cannot hold exactly."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise NotCanonical(str(error)) from error


def read_json(data: bytes) -> Any:
    """The value of JSON bytes; raises NotCanonical on bad UTF-8 or syntax, a repeated key, NaN or Infinity.

    A repeated key is refused because two readers may each keep another one of the values.
    """
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except ValueError as error:  # covers UnicodeDecodeError and JSONDecodeError
        raise NotCanonical(str(error)) from error


def base64_text(data: bytes) -> str:
    """Standard base64 of ``data`` (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def base64url_text(data: bytes) -> str:
    """base64url of ``data`` without padding (RFC 4648, section 5), as JOSE writes it."""
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def read_base64(text: str) -> bytes:
    """The bytes of standard base64; raises NotCanonical.

    Bytes have one spelling only: stray bits after the last byte are refused, so that no character of a signed
    or hashed text can change unnoticed.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotCanonical("not base64") from error
    if base64_text(data) != text:
        raise NotCanonical("base64 is not spelled canonically")
    return data


def sha256_hex(data: bytes) -> str:
    """SHA-256 of ``data`` in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sm3_hex(data: bytes) -> str:
    """SM3 (GB/T 32905) of ``data`` in lower-case hexadecimal."""
    digest = _SM3.copy()  # half the time of asking the library for the algorithm again
    digest.update(data)
    return digest.finalize().hex()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object repeats a key")
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
