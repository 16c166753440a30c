"""Time stamps (RFC 3161): made and checked. Knows no database and no Django.

What is stamped is a checkpoint's note as first signed, so one stamp dates every entry under it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from xinqiao.kernel.errors import Corrupt, Invalid, Problem

QUERY_TYPE = "application/timestamp-query"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class InvalidStamp(Corrupt):
    """A time stamp does not hold for what it should date; data: ``what``."""

    code = "evidence.invalid_stamp"
    title = "时间戳无效：{what}"
    clause = "RFC 3161, GB/T 20520"
    next_step = "请核对时间戳机构的根证书，并重新获取该时间戳；日志本身不受影响"


class InvalidAuthorities(Invalid):
    """The file of time-stamping authorities is wrong; data: ``line`` and ``what``."""

    code = "evidence.invalid_authorities"
    title = "时间戳机构文件第 {line} 行有误：{what}"
    next_step = "每行写成：名称 网址 根证书PEM文件"

    def __init__(self, *, line: int, what: str) -> None:
        super().__init__([Problem(field="", row=line, code=self.code, message=what)], line=line, what=what)


@dataclass(frozen=True, slots=True)
class Authority:
    """A time-stamping authority: short name, address, and the certificates its stamps must lead to."""

    name: str
    url: str
    roots: tuple[x509.Certificate, ...]


def read_authorities(file: Path) -> list[Authority]:
    """Read ``name url pem`` lines, PEM files relative to the file's folder; raises InvalidAuthorities, OSError."""
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 3 or not set(words[0]) <= _NAME or len(words[0]) > 40:
            raise InvalidAuthorities(line=number, what="应为 名称 网址 根证书文件，名称用小写字母、数字和连字符")
        try:
            roots = x509.load_pem_x509_certificates((file.parent / words[2]).read_bytes())
        except (OSError, ValueError) as error:
            raise InvalidAuthorities(line=number, what=f"根证书读不出：{words[2]}") from error
        found.append(Authority(words[0], words[1], tuple(roots)))
    return found


def make_query(data: bytes) -> TimeStampRequest:
    """A request to stamp ``data`` (SHA-256), with a nonce, asking for the certificate."""
    return TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()


def check_stamp(
    response: bytes, data: bytes, *, roots: Sequence[x509.Certificate], nonce: int | None = None
) -> datetime:
    """The time a stamp gives to ``data``; raises InvalidStamp.

    With the ``nonce`` of the request the answer must carry it too: an old answer cannot be played back.
    """
    try:
        stamp = decode_timestamp_response(response)
        builder = VerifierBuilder(roots=list(roots), nonce=nonce)
        builder.build().verify(stamp, hashlib.sha256(data).digest())
        return stamp.tst_info.gen_time
    except (VerificationError, ValueError, TypeError) as error:
        raise InvalidStamp(what=str(error)[:200]) from error
