"""A time-stamping authority for tests, as a process of its own: ``python -m tests.tsa_server FOLDER``.

Writes ``ca.pem`` into the folder, prints its address, answers RFC 3161 queries over HTTP with certomancer's stamper.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT = Path(__file__).resolve().parents[1]


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: str, key: Any, *, issuer: str, signer: Any, authority: bool, now: datetime
) -> x509.Certificate:
    builder = x509.CertificateBuilder(_name(issuer), _name(subject), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365))
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(identifier, critical=False)
    if not authority:
        stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(stamping, critical=True)
    return builder.sign(signer, hashes.SHA256())


def stamper(folder: Path) -> Any:
    """A stamper with a certificate of an authority of its own, whose root is written to the folder."""
    from asn1crypto import keys
    from asn1crypto import x509 as asn1
    from certomancer.services import TimeStamper

    root, leaf, now = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
        datetime.now(UTC),
    )
    ca = _certificate("Test Root", root, issuer="Test Root", signer=root, authority=True, now=now)
    own = _certificate("Test TSA", leaf, issuer="Test Root", signer=root, authority=False, now=now)
    (folder / "ca.pem").write_bytes(ca.public_bytes(Encoding.PEM))
    private = leaf.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return TimeStamper(asn1.Certificate.load(own.public_bytes(Encoding.DER)), keys.PrivateKeyInfo.load(private))


def main() -> None:
    """Answer until killed."""
    from asn1crypto import tsp

    maker = stamper(Path(sys.argv[1]))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            body = maker.request_tsa_response(query).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}/\n")
    sys.stdout.flush()
    server.serve_forever()


@contextmanager
def running_tsa(folder: Path) -> Iterator[str]:
    """A running authority's address; its root is ``ca.pem`` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.tsa_server", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


if __name__ == "__main__":
    main()
