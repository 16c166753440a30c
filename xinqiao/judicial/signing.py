"""Signatures that stock tools read: CAdES over the manifest, PAdES in the report, time stamps. Knows no database.

The private key may be in memory or in a hardware module (``kernel.certified``); pyHanko only puts the structures
together. A time-stamping authority is a function that answers a query; without one the signatures carry no time.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from asn1crypto import algos, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from xinqiao.kernel.certified import CertifiedSigner, algorithm_of

AskAuthority = Callable[[bytes], bytes]
FIELD = "XinqiaoPackage"
_MECHANISMS = {"ecdsa": "sha256_ecdsa", "rsa": "sha256_rsa"}


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs packages: the key and its certificates, its own first, the root last."""

    key: CertifiedSigner
    chain: tuple[x509.Certificate, ...]

    @property
    def name(self) -> str:
        """The certificate's subject."""
        return self.chain[0].subject.rfc4514_string()


class _Signer(signers.Signer):
    """pyHanko's signer around a key that may be anywhere."""

    def __init__(self, who: Signatory) -> None:
        held = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        held.register_multiple([as_asn1(item) for item in who.chain[1:]])
        self._key = who.key
        mechanism = algos.SignedDigestAlgorithm({"algorithm": _MECHANISMS[algorithm_of(who.key.spki)]})
        super().__init__(
            signing_cert=as_asn1(who.chain[0]), cert_registry=held, signature_mechanism=mechanism, embed_roots=False
        )

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The signature, or as many bytes as one may have."""
        assert digest_algorithm == "sha256"
        return bytes(512) if dry_run else self._key.sign(data)


class _Stamper(TimeStamper):
    """pyHanko's way to an authority."""

    def __init__(self, ask: AskAuthority) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._ask = ask

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """The authority's answer to a query."""
        return tsp.TimeStampResp.load(self._ask(req.dump()))


def as_asn1(certificate: x509.Certificate) -> asn1.Certificate:
    """A certificate as pyHanko holds it."""
    return asn1.Certificate.load(certificate.public_bytes(Encoding.DER))


def sign_detached(data: bytes, *, who: Signatory, ask: AskAuthority | None) -> bytes:
    """A CAdES signature (baseline T, or B without an authority) over ``data``, which it does not hold; DER."""
    made = _Signer(who).async_sign_general_data(
        data, "sha256", detached=True, use_cades=True, timestamper=_Stamper(ask) if ask else None
    )
    return _now(made).dump()  # type: ignore[no-any-return]


def sign_pdf(pdf: bytes, *, who: Signatory, ask: AskAuthority | None, reason: str) -> bytes:
    """The document with a PAdES signature (baseline T, or B without an authority)."""
    about = signers.PdfSignatureMetadata(
        field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, reason=reason
    )
    signer = signers.PdfSigner(about, signer=_Signer(who), timestamper=_Stamper(ask) if ask else None)
    held = io.BytesIO()
    _now(signer.async_sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=held))
    return held.getvalue()


def stamp_token(data: bytes, *, ask: AskAuthority) -> bytes:
    """A time-stamp token over SHA-256 of ``data``; DER."""
    made = _Stamper(ask).async_timestamp(hashlib.sha256(data).digest(), "sha256")
    return _now(made).dump()  # type: ignore[no-any-return]


def roots_pem(certificates: Sequence[x509.Certificate]) -> bytes:
    """Certificates as one PEM file."""
    return b"".join(item.public_bytes(Encoding.PEM) for item in certificates)


def _now(work: Any) -> Any:
    """Run pyHanko's coroutine to its end; nothing in it waits for anything but the authority."""
    return asyncio.run(work)
