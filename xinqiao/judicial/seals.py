"""CAdES, PAdES and time-stamp tokens checked, by pyHanko and rfc3161-client. Knows no database and no network."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms, tsp
from cryptography import x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_detached_cms, async_validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from xinqiao.evidence.stamps import check_stamp
from xinqiao.judicial.checks import Failing
from xinqiao.judicial.signing import as_asn1

logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)


# Authorities give signing certificates either of these.
USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=False)


@dataclass(frozen=True, slots=True)
class Seal:
    """Whom to believe of a signature: roots of signers and of authorities, and the time as of which it is checked."""

    roots: Sequence[x509.Certificate]
    tsa_roots: Sequence[x509.Certificate]
    at: datetime


def check_cades(signature: bytes, data: bytes, *, seal: Seal) -> None:
    """That a detached signature over ``data`` holds and leads to a root; raises Failing, ValueError."""
    held = cms.ContentInfo.load(signature, strict=True)
    signer, stamper = _contexts(seal)
    check = async_validate_detached_cms(
        data,
        held["content"],
        signer_validation_context=signer,
        ts_validation_context=stamper,
        key_usage_settings=USAGE,
    )
    _status(check, seal)


def check_pades(pdf: bytes, *, seal: Seal) -> None:
    """That the document has one signature, over all of it, that holds and leads to a root; raises Failing."""
    try:
        signatures = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    except Exception as error:  # a changed byte may break the reader anywhere
        raise Failing(type(error).__name__) from error
    if len(signatures) != 1:
        raise Failing(f"{len(signatures)} signatures")
    status = _status(async_validate_pdf_signature(signatures[0], *_contexts(seal), key_usage_settings=USAGE), seal)
    if status.coverage.name != "ENTIRE_FILE":
        raise Failing(status.coverage.name)


def check_token(token: bytes, data: bytes, *, roots: Sequence[x509.Certificate]) -> datetime:
    """The time that a bare token gives to ``data``; raises InvalidStamp, ValueError."""
    response = tsp.TimeStampResp(
        {"status": {"status": "granted"}, "time_stamp_token": cms.ContentInfo.load(token, strict=True)}
    )
    return check_stamp(response.dump(), data, roots=roots)


def _contexts(seal: Seal) -> tuple[ValidationContext, ValidationContext]:
    """For the signer and for the authority."""
    return tuple(  # type: ignore[return-value]
        ValidationContext(
            trust_roots=[as_asn1(root) for root in roots],
            allow_fetching=False,
            moment=seal.at,
            best_signature_time=seal.at,
        )
        for roots in (seal.roots, seal.tsa_roots)
    )


def _status(work: Any, seal: Seal) -> Any:
    try:
        status = asyncio.run(work)
    except PdfError as error:
        raise Failing(str(error)[:160]) from error
    except Exception as error:  # whatever a damaged structure makes the library raise
        raise Failing(type(error).__name__) from error
    if not (status.intact and status.valid and status.trusted):
        raise Failing(f"intact={status.intact} valid={status.valid} trusted={status.trusted}")
    stamp = status.timestamp_validity
    if stamp is not None and not (stamp.intact and stamp.valid and (stamp.trusted or not seal.tsa_roots)):
        raise Failing(f"time stamp: intact={stamp.intact} valid={stamp.valid} trusted={stamp.trusted}")
    return status
