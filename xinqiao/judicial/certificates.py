"""The certificate that packages are signed under: the configured one, else one of a root made at set-up.

The root of a node without a licensed certificate signs once and its key is not kept: there is nothing to steal, and
nothing else can ever be issued under it. Packages say that their certificate is of that kind.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import algos, csr, keys
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509.oid import NameOID

from xinqiao.judicial.refusals import CertificateUnfit
from xinqiao.judicial.signing import Signatory, roots_pem
from xinqiao.kernel.certified import CertifiedSigner, algorithm_of
from xinqiao.kernel.crypto import InvalidKey, save_private
from xinqiao.plumbing import settings as node
from xinqiao.plumbing.key_store import own_key

KEYS = {"ecdsa": "package.ec", "rsa": "package.rsa"}
YEARS = 10
OWN_ROOT, OWN_NAME = "信桥节点自建根（未经许可的电子认证机构）", "证据包签署"


def signatory() -> Signatory:
    """Who signs packages now; made on first use unless a certificate is configured. Raises CertificateUnfit."""
    configured = node.package_certificate()
    if configured is None and not _own_file().exists():
        _issue(_own_file(), now=datetime.now(UTC))
    chain = _chain(_read(configured or _own_file()))
    key = _key(KEYS[algorithm_of(_spki(chain[0]))])
    if key.spki != _spki(chain[0]):
        raise CertificateUnfit(what="证书不是这把密钥的")
    return Signatory(key, chain)


def trusted_roots() -> tuple[x509.Certificate, ...]:
    """Roots that packages of this node were and are signed under: every one in its files. Raises CertificateUnfit.

    Roots of former certificates are kept behind the chain in the configured file.
    """
    configured = node.package_certificate()
    found = [*_read(configured)] if configured else [*signatory().chain]
    if configured and _own_file().exists():
        found += _read(_own_file())
    return tuple(dict.fromkeys(one for one in found if one.subject == one.issuer))


def is_own_root(who: Signatory) -> bool:
    """Whether the certificate comes from the node's own root, not from a licensed authority."""
    return who.chain[-1].subject == _name(OWN_ROOT)


def signing_request(kind: str) -> bytes:
    """A certificate request (PKCS #10, PEM) for the node's key of a kind, ``ecdsa`` or ``rsa``, made if need be."""
    key = _key(KEYS[kind])
    info = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": asn1.Name.build({"common_name": f"{node.log_origin()} {OWN_NAME}"}),
            "subject_pk_info": keys.PublicKeyInfo.load(key.spki),
            "attributes": [],
        }
    )
    made = csr.CertificationRequest(
        {
            "certification_request_info": info,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": f"sha256_{kind}"}),
            "signature": key.sign(info.dump()),
        }
    )
    return x509.load_der_x509_csr(made.dump()).public_bytes(Encoding.PEM)


def _key(name: str) -> CertifiedSigner:
    found: CertifiedSigner = own_key(name)
    return found


def _own_file() -> Path:
    return node.keys_dir() / "package.crt"


def _chain(found: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...]:
    """The certificates up to the first root."""
    ends = next((n for n, one in enumerate(found) if one.subject == one.issuer), len(found) - 1)
    return found[: ends + 1]


def _read(file: Path) -> tuple[x509.Certificate, ...]:
    try:
        chain = tuple(x509.load_pem_x509_certificates(file.read_bytes()))
        algorithm_of(_spki(chain[0]))
    except (OSError, ValueError, InvalidKey) as error:
        raise CertificateUnfit(what=str(error)[:120]) from error
    return chain


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _issue(file: Path, *, now: datetime) -> None:
    root = ec.generate_private_key(ec.SECP256R1())
    key = _key(KEYS["ecdsa"])
    authority = _certificate(OWN_ROOT, root.public_key(), root, authority=True, now=now)
    own = _certificate(f"{node.log_origin()} {OWN_NAME}", load_der_public_key(key.spki), root, now=now)
    with suppress(FileExistsError):  # another process of the node was first
        save_private(file, roots_pem([own, authority]))


def _certificate(
    subject: str, public: object, root: ec.EllipticCurvePrivateKey, *, now: datetime, authority: bool = False
) -> x509.Certificate:
    builder = x509.CertificateBuilder(_name(OWN_ROOT), _name(subject), public, x509.random_serial_number())  # type: ignore[arg-type]
    builder = builder.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + timedelta(days=365 * YEARS))
    usage = x509.KeyUsage(not authority, not authority, False, False, False, authority, authority, False, False)
    builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
    builder = builder.add_extension(usage, critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)  # type: ignore[arg-type]
    builder = builder.add_extension(identifier, critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
    return builder.add_extension(issuer, critical=False).sign(root, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
