"""The container of packages: one spelling of its bytes, lists that name every file, manifests that escape."""

from __future__ import annotations

import hashlib
import io
import xml.etree.ElementTree as ElementTree
import zipfile

import pytest

from xinqiao.judicial import container
from xinqiao.judicial.container import BadContainer
from xinqiao.judicial.refusals import InvalidCase
from xinqiao.judicial.rules import CASE_TRANSITIONS, check_case
from xinqiao.judicial.types import CaseKind, CaseRequest, CaseState, MatterKind
from xinqiao.kernel.canonical import sm3_hex

FILES = {"evidence.json": b"{}", "items/01-a&b.txt": "正文".encode(), "gm/SM3SUMS": b"", "META-INF/x": b"y"}
REQUEST = CaseRequest("litigation", "1", "x", "loan", "91610102MAXAMPLE2H", "bank", "R1")


def test_the_same_files_give_the_same_bytes_and_come_back() -> None:
    """Whatever their order; the media type is the first thing in the file, uncompressed."""
    made = container.pack(FILES)
    assert made == container.pack(dict(reversed(FILES.items()))) and container.unpack(made) == FILES
    assert container.is_package(made) and made[38:].startswith(container.MIME.encode())
    assert not container.is_package(b"PK") and not container.is_package(b"")


def test_every_other_spelling_of_the_same_files_is_refused() -> None:
    """Compressed, another order, a comment, a file twice, bytes before or behind, a missing media type, cut short."""
    made = container.pack(FILES)
    others = [made + b"\0", b"\0" + made, made[:-30], b"", b"PK\3\4"]
    for how, extra in ((zipfile.ZIP_DEFLATED, {}), (zipfile.ZIP_STORED, {}), (zipfile.ZIP_STORED, {"mimetype": b"x"})):
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", how) as archive:
            for name, data in {"mimetype": container.MIME.encode(), **FILES, **extra}.items():
                archive.writestr(name, data)
        others.append(held.getvalue())
    held = io.BytesIO(made)
    with zipfile.ZipFile(held, "a") as archive:
        archive.comment = b"x"
    others.append(held.getvalue())
    for other in others:
        with pytest.raises(BadContainer):
            container.unpack(other)


def test_a_container_that_would_burst_is_refused() -> None:
    """A small file that says it holds much is not unpacked."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", container.MIME)
        archive.writestr("x", bytes(container.LARGEST + 1))
    with pytest.raises(BadContainer):
        container.unpack(held.getvalue())


def test_lists_and_manifests_name_every_file_with_its_digest() -> None:
    """SHA-256 of all but the signatures' own folder, SM3 of all content; XML that a parser reads."""
    sums = container.sums(FILES).decode().splitlines()
    assert {line.split("  ")[1] for line in sums} == set(FILES) - {"META-INF/x"}
    assert f"{hashlib.sha256(FILES['evidence.json']).hexdigest()}  evidence.json" in sums
    gm = container.gm_sums(FILES).decode().splitlines()
    assert {line.split("  ")[1] for line in gm} == {"evidence.json", "items/01-a&b.txt"}
    assert f"{sm3_hex(FILES['evidence.json'])}  evidence.json" in gm
    root = ElementTree.fromstring(container.manifest(FILES))
    uris = {one.get("URI") for one in root.iter() if one.tag.endswith("DataObjectReference")}
    assert uris == set(FILES) - {"META-INF/x"}


def test_a_case_is_described_in_full_or_refused_with_every_fault() -> None:
    """By application no lender is needed; a closed case has no way back."""
    assert check_case(REQUEST) == (CaseKind.LITIGATION, MatterKind.LOAN)
    by_application = CaseRequest("notarisation", "1", "x", "application", REQUEST.enterprise, "", "A1")
    assert check_case(by_application)[1] is MatterKind.APPLICATION
    with pytest.raises(InvalidCase) as told:
        check_case(CaseRequest("", " ", "x" * 200, "loan", "", "", "a\x00"))
    assert {p.field for p in told.value.problems} == {"kind", "case_no", "basis", "enterprise", "institution", "number"}
    assert CASE_TRANSITIONS.events(CaseState.CLOSED) == ()
