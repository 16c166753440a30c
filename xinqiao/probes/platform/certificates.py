"""A certificate authority for trying out, and server certificates by it: a good one, an expired one, one for others."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from xinqiao.probes.platform.defects import Defect

GOOD_DAYS = 300


@dataclass(frozen=True, slots=True)
class Authority:
    """A root of one's own: key and certificate, and where the certificate lies."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    path: Path

    @classmethod
    def make(cls, folder: Path) -> Authority:
        """A new root; its certificate lies at ``folder/ca.pem``."""
        folder.mkdir(parents=True, exist_ok=True)
        key, name = ec.generate_private_key(ec.SECP256R1()), _name("Sample platform root")
        made = _builder(name, name, key.public_key(), days=365)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        signed = made.add_extension(usage, critical=True).sign(key, hashes.SHA256())
        path = folder / "ca.pem"
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return cls(key, signed, path)

    def issue(self, path: Path, defects: frozenset[Defect]) -> Path:
        """A server certificate with its key in one PEM file, for this machine unless a defect says otherwise."""
        key = ec.generate_private_key(ec.SECP256R1())
        days = -1 if Defect.EXPIRED_CERTIFICATE in defects else GOOD_DAYS
        made = _builder(_name("Sample platform"), self.certificate.subject, key.public_key(), days=days)
        names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        if Defect.OTHER_NAME in defects:
            names = [x509.DNSName("other.example")]
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        signed = (
            made.add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.touch(mode=0o600)
        path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        return path


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
