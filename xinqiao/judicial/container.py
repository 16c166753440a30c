"""The ASiC-E container (ETSI EN 319 162-1): one ZIP file, its lists of digests and its manifests. Pure.

Members are stored, not compressed, in one order and with one time: the same files give the same bytes, and a container
whose bytes are not those that its files give was tampered with, in whichever field of the ZIP format.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import quoteattr

from xinqiao.kernel.canonical import sha256_hex, sm3_hex
from xinqiao.kernel.errors import Corrupt

MIME = "application/vnd.etsi.asic-e+zip"
SUMS, GM_SUMS, GM_SIGNATURE = "SHA256SUMS", "gm/SM3SUMS", "gm/SM3SUMS.sig"
MANIFEST, SIGNATURE = "META-INF/ASiCManifest001.xml", "META-INF/signature001.p7s"
STAMP_MANIFEST, STAMP = "META-INF/ASiCManifest002.xml", "META-INF/timestamp002.tst"
LARGEST = 32 * 2**20
_MADE = (1980, 1, 1, 0, 0, 0)
_MEDIA = {
    "json": "application/json",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "pem": "application/x-pem-file",
    "xml": "application/xml",
    "p7s": "application/pkcs7-signature",
    "tst": "application/vnd.etsi.timestamp-token",
    "tsr": "application/timestamp-reply",
    "tsq": "application/timestamp-query",
}
Files = dict[str, bytes]


class BadContainer(Corrupt):
    """Bytes that should be a package are not one, or not as a package is written; data: ``what``."""

    code = "judicial.bad_container"
    title = "不是完好的证据包：{what}"
    clause = "ETSI EN 319 162-1"
    next_step = "请重新取得证据包；若由当事人提交，请要求其说明来源"


def media_of(path: str) -> str:
    """The media type of a member by its ending."""
    return _MEDIA.get(path.rpartition(".")[2], "application/octet-stream")


def pack(files: Mapping[str, bytes]) -> bytes:
    """The container; ``mimetype`` first, then by name."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for name, data in [("mimetype", MIME.encode()), *sorted(files.items())]:
            entry = zipfile.ZipInfo(name, _MADE)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, data, zipfile.ZIP_STORED)
    return held.getvalue()


def is_package(data: bytes) -> bool:
    """Whether bytes say of themselves that they are such a container."""
    return data[:2] == b"PK" and MIME.encode() in data[:120]


def unpack(data: bytes) -> Files:
    """The members without ``mimetype``; raises BadContainer unless every byte is as :func:`pack` writes it."""
    if len(data) > LARGEST:
        raise BadContainer(what=f"> {LARGEST}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise BadContainer(what=f"> {LARGEST}")
            files = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, ValueError, KeyError, RuntimeError, OSError, EOFError) as error:
        raise BadContainer(what=str(error)[:80]) from error
    except Exception as error:  # zlib's own error, where a changed byte says that a member is compressed
        raise BadContainer(what=type(error).__name__) from error
    if files.pop("mimetype", b"") != MIME.encode():
        raise BadContainer(what="mimetype")
    if pack(files) != data:
        raise BadContainer(what="ZIP")
    return files


def is_data(path: str) -> bool:
    """Whether a member is content, not a list, a signature or a manifest over content."""
    return path not in (SUMS, GM_SUMS, GM_SIGNATURE) and not path.startswith("META-INF/")


def gm_sums(files: Mapping[str, bytes]) -> bytes:
    """``SM3  path`` of all content: what the SM2 leg signs."""
    return _sums({name: sm3_hex(data) for name, data in files.items() if is_data(name)})


def sums(files: Mapping[str, bytes]) -> bytes:
    """``SHA-256  path`` of all content and of the SM2 leg, as ``sha256sum -c`` reads it."""
    wanted = {n: d for n, d in files.items() if is_data(n) or n in (GM_SUMS, GM_SIGNATURE)}
    return _sums({name: sha256_hex(data) for name, data in wanted.items()})


def _sums(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()


def manifest(files: Mapping[str, bytes]) -> bytes:
    """What the CAdES signature is over: every member outside ``META-INF`` with its SHA-256."""
    covered = {name: data for name, data in files.items() if not name.startswith("META-INF/")}
    return _manifest(SIGNATURE, covered)


def stamp_manifest(files: Mapping[str, bytes]) -> bytes:
    """What the archive time stamp is over: the first manifest and its signature."""
    return _manifest(STAMP, {name: files[name] for name in (MANIFEST, SIGNATURE)})


def _manifest(signature: str, files: Mapping[str, bytes]) -> bytes:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"'
        ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#">',
        f'<asic:SigReference URI={quoteattr(signature)} MimeType="{media_of(signature)}"/>',
        *_references(sorted(files.items())),
        "</asic:ASiCManifest>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _references(files: Iterable[tuple[str, bytes]]) -> Iterable[str]:
    for name, data in files:
        value = base64.b64encode(hashlib.sha256(data).digest()).decode()
        yield (
            f'<asic:DataObjectReference URI={quoteattr(name)} MimeType="{media_of(name)}">'
            '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
            f"<ds:DigestValue>{value}</ds:DigestValue></asic:DataObjectReference>"
        )
