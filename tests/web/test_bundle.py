"""One click gives a firm its evidence; anyone checks it offline, and whatever is changed in it is found."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.web.conftest import FIRM, Town
from xinqiao.config.cli import app
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.bundles import verify_bundle
from xinqiao.evidence.keys import log_key
from xinqiao.plumbing.settings import evidence_dir

Files = dict[str, bytes]


@pytest.fixture
def bundle(town: Town) -> bytes:
    """A read, a refusal, another firm's read and the firm's own look, all under a checkpoint; one more after it."""
    given = town.grant(town.ask(times=2))
    town.read(authorisation=given.id)
    town.read()
    other = town.grant(town.ask("bank-b"))
    town.read(authorisation=other.id)
    owner = town.client("owner")
    assert owner.get("/enterprise/report/").status_code == 200
    sequence(now=town.now)
    town.read()
    answer = owner.get("/enterprise/accesses/bundle.zip")
    assert answer["Content-Type"] == "application/zip"
    assert f"{FIRM}.accesses.zip" in answer["Content-Disposition"]
    return bytes(answer.content)


def unpacked(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Files) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def test_the_bundle_holds_and_says_so(bundle: bytes) -> None:
    """With the key from elsewhere; with a copy of the log also that these are all."""
    vkey = log_key().vkey
    assert verify_bundle(bundle, vkeys=[vkey]).ok
    whole = verify_bundle(bundle, vkeys=[vkey], log=evidence_dir())
    assert whole.ok, whole.lines()
    assert not whole.own_key
    listed = json.loads(unpacked(bundle)["bundle.json"])["accesses"]
    assert [line["n"] for line in listed] == [1, 2, 3, 4, 5]
    assert {line["allowed"] for line in listed} == {"yes", "no"}
    assert listed[3]["recipient_kind"] == "enterprise"


def test_another_key_is_refused(bundle: bytes) -> None:
    """A bundle of another log proves nothing under this key."""
    key = log_key().vkey
    other = key[:-4] + ("AAAA" if key[-4:] != "AAAA" else "BBBB")
    assert not verify_bundle(bundle, vkeys=[other]).ok


def test_the_command_line_checks_it(bundle: bytes, tmp_path: Path) -> None:
    """``xinqiao evidence verify`` on the file: 0, and 1 once something is changed."""
    path = tmp_path / "mine.zip"
    path.write_bytes(bundle)
    good = CliRunner().invoke(app, ["evidence", "verify", str(path), "--log", str(evidence_dir())])
    assert good.exit_code == 0, good.output
    path.write_bytes(packed({k: v for k, v in unpacked(bundle).items() if k != "receipts/000002.json"}))
    assert CliRunner().invoke(app, ["evidence", "verify", str(path)]).exit_code == 1


def test_stock_tools_alone_check_it(bundle: bytes, tmp_path: Path) -> None:
    """As the README in the bundle says: openssl for the places in the chain, sha256sum for the contents."""
    for name, data in unpacked(bundle).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    for number in ("000001", "000002", "000003", "000004", "000005"):
        command = ["openssl", "dgst", "-sha256", "-verify", "chain.pem", "-signature", f"chain/{number}.sig"]
        subprocess.run([*command, f"chain/{number}.msg"], cwd=tmp_path, check=True, capture_output=True)
    for number in ("000001", "000004"):
        leaf = json.loads((tmp_path / f"leaves/{number}.json").read_bytes())
        files = [f"disclosed/{number}.{part}" for part in ("actor", "subject", "body")] + [f"chain/{number}.sig"]
        told = subprocess.run(["sha256sum", *files], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        digests = [line.split()[0] for line in told.splitlines()]
        assert digests == [leaf["actor"], leaf["subject"], leaf["body"]["sha256"], leaf["chain"]["label"]]


def _drop_access(files: Files) -> None:
    body = json.loads(files["bundle.json"])
    body["accesses"] = [line for line in body["accesses"] if line["n"] != 2]
    files["bundle.json"] = json.dumps(body).encode()


def _retell(files: Files) -> None:
    body = json.loads(files["bundle.json"])
    body["accesses"][0]["purpose"] = "post_loan"
    files["bundle.json"] = json.dumps(body).encode()


def _other_content(files: Files) -> None:
    shown = json.loads(files["disclosed/000001.json"])
    shown["body"]["content"] = shown["body"]["content"].replace("approval", "pre_loan")
    files["disclosed/000001.json"] = json.dumps(shown).encode()


def _exchange_receipts(files: Files) -> None:
    files["receipts/000001.json"], files["receipts/000002.json"] = (
        files["receipts/000002.json"], files["receipts/000001.json"],
    )  # fmt: skip


def _flip_receipt(files: Files) -> None:
    data = bytearray(files["receipts/000003.json"])
    data[len(data) // 2] ^= 1
    files["receipts/000003.json"] = bytes(data)


def _other_subject(files: Files) -> None:
    body = json.loads(files["bundle.json"])
    body["subject"] = "91610131MAYDEM0155"
    files["bundle.json"] = json.dumps(body).encode()


@pytest.mark.parametrize(
    "change", [_drop_access, _retell, _other_content, _exchange_receipts, _flip_receipt, _other_subject]
)
def test_whatever_is_changed_is_found(bundle: bytes, change: Callable[[Files], None]) -> None:
    """Left out, told otherwise, exchanged, altered, given to another: a finding each time."""
    files = unpacked(bundle)
    change(files)
    assert not verify_bundle(packed(files), vkeys=[log_key().vkey]).ok


def test_an_access_left_out_with_its_statement_shows_against_the_log(bundle: bytes) -> None:
    """A node that hides the last access of all parts of the bundle is found by anyone with a copy of the log."""
    files = unpacked(bundle)
    body = json.loads(files["bundle.json"])
    hidden = body["statement"]["openings"].pop()
    body["statement"]["absent"] = hidden["signature"]
    body["accesses"] = [line for line in body["accesses"] if line["n"] != hidden["n"]]
    files["bundle.json"] = json.dumps(body).encode()
    assert verify_bundle(packed(files), vkeys=[log_key().vkey]).ok
    assert not verify_bundle(packed(files), vkeys=[log_key().vkey], log=evidence_dir()).ok


def test_a_copy_of_the_log_that_lacks_a_file_proves_nothing(bundle: bytes, tmp_path: Path) -> None:
    """Without all leaves nobody can say that these are all."""
    shutil.copytree(evidence_dir(), tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "tile" / "entries")
    assert not verify_bundle(bundle, vkeys=[log_key().vkey], log=tmp_path / "copy").ok


def test_rubbish_is_a_finding_not_a_crash() -> None:
    """Bytes that are no bundle."""
    assert not verify_bundle(b"no zip").ok
    assert not verify_bundle(packed({"bundle.json": b"{}"})).ok
