"""A package out of its contents: files, SM2 leg, report, CAdES, archive time stamp. Knows no database.

Every file's SHA-256 and SM3 stand in lists of their own; the CAdES signature is over the manifest of all of it, the
SM2 signature over the list of SM3 digests, so that either suite alone vouches for every content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from xinqiao.evidence.notes import ED25519, LogKey
from xinqiao.evidence.types import Extract
from xinqiao.judicial import container
from xinqiao.judicial.container import GM_SIGNATURE, GM_SUMS, MANIFEST, SIGNATURE, STAMP, STAMP_MANIFEST, SUMS, Files
from xinqiao.judicial.document import Contents, entry_stem, evidence_document, item_path
from xinqiao.judicial.signing import AskAuthority, Signatory, roots_pem, sign_detached, sign_pdf, stamp_token
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.kernel.sm2 import Sm2VerifyKey
from xinqiao.kernel.suites import Signer

PROCEDURE = Path(__file__).parent / "procedure"
REASON = "电子证据包报告"


@dataclass(frozen=True, slots=True)
class Hands:
    """Who signs and dates: the certificate's key, the SM2 key of packages, an authority when one answers."""

    who: Signatory
    gm: Signer
    gm_key: LogKey
    ask: AskAuthority | None
    tsa_roots: bytes


def make_package(made: Contents, hands: Hands, *, paper: Callable[[Mapping[str, Any]], bytes]) -> bytes:
    """The bytes of the package. ``paper`` makes the report's PDF out of the document, unsigned."""
    document = evidence_document(made)
    files: Files = {"evidence.json": canonical_bytes(document)}
    files["report.pdf"] = sign_pdf(paper(document), who=hands.who, ask=hands.ask, reason=REASON)
    files |= {item_path(number, one): one.data for number, one in enumerate(made.materials, 1)}
    for extract in made.extracts:
        files |= entry_files(extract)
    files |= _outside(made, hands)
    files |= key_files(made.setting.keys, hands.gm_key)
    files["keys/ca.pem"] = roots_pem(hands.who.chain[1:] or hands.who.chain)
    files |= procedure()
    return container.pack(_signed(files, hands))


def _signed(files: Files, hands: Hands) -> Files:
    files[GM_SUMS] = container.gm_sums(files)
    files[GM_SIGNATURE] = hands.gm.sign(files[GM_SUMS])
    files[SUMS] = container.sums(files)
    files[MANIFEST] = container.manifest(files)
    files[SIGNATURE] = sign_detached(files[MANIFEST], who=hands.who, ask=hands.ask)
    if hands.ask:
        files[STAMP_MANIFEST] = container.stamp_manifest(files)
        files[STAMP] = stamp_token(files[STAMP_MANIFEST], ask=hands.ask)
    return files


def entry_files(extract: Extract) -> Files:
    """An entry as files: leaf, proof, and each part as its salt and content, as ``sha256sum`` takes it."""
    stem = entry_stem(extract.entry)
    files = {f"{stem}.leaf": extract.leaf}
    if extract.proof:
        files[f"{stem}.tlog-proof"] = extract.proof.encode()
    for part, shown in extract.disclosure.items():
        files[f"{stem}.{part}"] = bytes.fromhex(shown["salt"]) + shown["content"].encode()
    return files


def _outside(made: Contents, hands: Hands) -> Files:
    files: Files = {}
    for stamp in made.stamps:
        files[f"tsa/{stamp.size}.checkpoint"] = stamp.note.encode()
        files[f"tsa/{stamp.size}.{stamp.authority}.tsr"] = stamp.response
    if hands.tsa_roots:
        files["keys/tsa.pem"] = hands.tsa_roots
    for anchor in made.anchors:
        files |= anchor.files
    return files


def key_files(held: Mapping[str, bytes], gm_key: LogKey) -> Files:
    """The log's keys and announcements, and each public key once more as the PEM that openssl takes."""
    files = {f"keys/{name}": data for name, data in held.items()}
    files["keys/vkey.package-gm"] = f"{gm_key.vkey}\n".encode()
    for name in ("vkey", "vkey.gm", "vkey.package-gm"):
        files[f"keys/{name}.pem"] = key_pem(files[f"keys/{name}"].decode())
    return files


def key_pem(vkey: str) -> bytes:
    """The public key of a vkey line as PEM; raises InvalidNote."""
    key = LogKey.parse(vkey)
    if key.kind == ED25519:
        public = Ed25519PublicKey.from_public_bytes(key.key.raw)
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Sm2VerifyKey(key.key.raw).pem.encode()


@cache
def procedure() -> Files:
    """How to check a package with stock tools: the page and the script."""
    return {f"verify/{path.name}": path.read_bytes() for path in sorted(PROCEDURE.iterdir())}
