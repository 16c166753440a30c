"""Packages of evidence: made from what the node holds, checked without it, on either suite alone, bit by bit."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from cryptography import x509
from django.db import connection
from typer.testing import CliRunner

from tests.factories import NOW, uscc
from tests.habits.test_how_to import block
from tests.lawsuit import COURT, RECEIPT, Lawsuit, dated_by_an_authority, lend, request, sue
from tests.market import FIRM, Market
from tests.softhsm import needs_softhsm, softhsm
from xinqiao.config.cli import app
from xinqiao.evidence.keys import gm_key, log_key
from xinqiao.evidence.queries import list_entries
from xinqiao.judicial import container
from xinqiao.judicial.actions import close_case, fetch, look, make_package, open_case
from xinqiao.judicial.certificates import signatory, signing_request
from xinqiao.judicial.queries import list_cases, list_packages, node_trust, package_bytes, row_of
from xinqiao.judicial.refusals import (
    AlreadyOpen,
    CertificateUnfit,
    InvalidCase,
    PackageErased,
    UnknownCase,
    UnknownMatter,
    UnknownPackage,
)
from xinqiao.judicial.signing import Signatory, sign_detached
from xinqiao.judicial.types import CheckState, Suite
from xinqiao.judicial.verifying import Trust, verify_package
from xinqiao.kernel.canonical import canonical_bytes, read_json
from xinqiao.kernel.certified import CertifiedKey
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.plumbing import settings as node
from xinqiao.release.queries import list_accesses
from xinqiao.vault.actions import erase_subject
from xinqiao.vault.types import enterprise_subject

LATER = NOW + timedelta(days=62)
SCRIPT = Path(container.__file__).parent / "procedure" / "verify.sh"


@pytest.fixture
def lawsuit(market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lawsuit]:
    """A package dated by a running authority."""
    with dated_by_an_authority(tmp_path / "tsa", monkeypatch):
        lend(market)
        yield sue()


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a configured certificate, still to be written."""
    monkeypatch.setenv("XINQIAO_PACKAGE_CERTIFICATE", str(tmp_path / "chain.pem"))
    node.package_certificate.cache_clear()
    yield tmp_path / "chain.pem"
    monkeypatch.delenv("XINQIAO_PACKAGE_CERTIFICATE")
    node.package_certificate.cache_clear()


def states(made: Lawsuit, **how: object) -> dict[str, CheckState]:
    """What came of each check."""
    verdict = verify_package(made.data, whole=made.proof, **how)  # type: ignore[arg-type]
    return {check.code: check.state for check in verdict.checks}


def test_a_package_holds_what_a_court_asks_and_every_check_passes(lawsuit: Lawsuit) -> None:
    """All stages that the node knows of, both digests of each piece, five answers; trusted keys come from the node."""
    verdict = verify_package(lawsuit.data, whole=lawsuit.proof, trust=node_trust())
    assert verdict.ok and not verdict.own_keys and verdict.package == lawsuit.package.id
    assert {c.code for c in verdict.checks if c.state is not CheckState.PASSED} == {"chain"}  # none is configured
    assert len(lawsuit.data) == lawsuit.package.size < 2**20 and lawsuit.package.stamped
    files = container.unpack(lawsuit.data)
    told = read_json(files["evidence.json"])
    phases = [item["phase"] for item in told["items"]]
    assert phases == ["authorised", "authorised", "applied", "evaluated", "disbursed", "repaid", "overdue"]
    assert [item["bound"] for item in told["items"]].count("report_sha256") == 3
    assert {r["code"] for r in told["review"]} == {"qualification", "neutrality", "system", "process", "source"}
    assert "〔" not in json.dumps([r["answer"] for r in told["review"]], ensure_ascii=False).replace("〔2021〕", "")
    assert told["matter"]["amount_fen"] == 80_000_000 and told["parties"][1]["cert_no"] == FIRM
    assert files["report.pdf"].startswith(b"%PDF") and files["items/02-authorisation-text.txt"]


@pytest.mark.parametrize("broken", Suite)
def test_with_one_suite_broken_the_other_carries_it_alone(lawsuit: Lawsuit, broken: Suite) -> None:
    """Nothing that rests on the broken suite counts, and what is left is enough; also by the node's keys."""
    other = Suite.GM if broken is Suite.INTL else Suite.INTL
    for trust in (None, Trust((log_key().vkey, gm_key().vkey))):
        verdict = verify_package(lawsuit.data, whole=lawsuit.proof, trust=trust, broken=broken)
        assert verdict.ok and verdict.stands_on(other) and not verdict.stands_on(broken)
    found = states(lawsuit, broken=broken)
    aside = {code for code, state in found.items() if state is CheckState.SET_ASIDE}
    assert ("signature" in aside, "gm_signature" in aside) == (broken is Suite.INTL, broken is Suite.GM)
    assert found["whole"] is CheckState.PASSED


def test_who_breaks_one_suite_cannot_change_a_package_under_the_other(lawsuit: Lawsuit) -> None:
    """With the certificate's key in hand an item is rewritten and all of the first leg made anew: the second tells."""
    files = container.unpack(lawsuit.data)
    document = json.loads(files["evidence.json"])
    document["matter"]["amount_fen"] = 1
    files["evidence.json"] = canonical_bytes(document)
    files[container.SUMS] = container.sums(files)
    files[container.MANIFEST] = container.manifest(files)
    files[container.SIGNATURE] = sign_detached(files[container.MANIFEST], who=signatory(), ask=None)
    for name in (container.STAMP, container.STAMP_MANIFEST):
        del files[name]
    forged = replace(lawsuit, data=container.pack(files))
    for how in ({}, {"broken": Suite.INTL}):
        verdict = verify_package(forged.data, **how)  # type: ignore[arg-type]
        assert [c.code for c in verdict.failed] == ["gm_digests"] and not verdict.ok
    assert states(forged)["whole"] is CheckState.FAILED


def test_any_flipped_bit_is_found(lawsuit: Lawsuit) -> None:
    """With the proof of the whole package each of them; without it all but bytes that no signature can cover."""
    dice, unseen = Random(7), 0
    for _ in range(150):
        at, bit = dice.randrange(len(lawsuit.data)), 1 << dice.randrange(8)
        flipped = bytearray(lawsuit.data)
        flipped[at] ^= bit
        assert not verify_package(bytes(flipped), whole=lawsuit.proof).ok
        unseen += verify_package(bytes(flipped)).ok
    assert unseen <= 2
    for at in range(0, len(lawsuit.proof), 97):
        flipped = bytearray(lawsuit.proof)
        flipped[at] ^= 1
        assert not verify_package(lawsuit.data, whole=bytes(flipped)).ok


def test_another_nodes_keys_do_not_vouch(lawsuit: Lawsuit) -> None:
    """A reader who trusts another root or another log is told, whatever the package itself brings."""
    other = CertifiedKey.generate(".ec")
    stranger = node_trust()
    verdict = verify_package(lawsuit.data, trust=replace(stranger, roots=node_trust().tsa_roots))
    assert {"signature", "report"} <= {c.code for c in verdict.failed} and other.spki
    vkey = "other.example/log+5ee36cc5+AY4wDGNvOFIv9F0QWlyqB2GjXi0UqiDMNq4M63VzTI4k"
    refused = verify_package(lawsuit.data, trust=Trust((vkey,)))
    assert not refused.ok
    assert not verify_package(b"PK" + lawsuit.data[2:200]).ok and not verify_package(b"").ok


def test_without_an_authority_a_package_is_made_and_says_so(market: Market) -> None:
    """An outage of time stamps delays nothing but the time stamps."""
    lend(market)
    made = sue()
    found = states(made)
    assert verify_package(made.data, whole=made.proof).ok and not made.package.stamped
    assert (found["stamp"], found["dates"]) == (CheckState.ABSENT, CheckState.ABSENT)
    told = read_json(container.unpack(made.data)["evidence.json"])
    assert told["system"]["clock_offset_ms"] is None and told["tsa"] == []


def test_the_enterprise_sees_every_look_and_the_court_only_its_case(lawsuit: Lawsuit, market: Market) -> None:
    """Preview, making, fetching: each is a line of who looked; other courts and closed cases see nothing."""
    who = {"organisation": COURT, "actor": "person:7", "now": LATER}
    seen = look(lawsuit.case.id, **who)
    assert len(seen.materials) == 7 and seen.matter.number == RECEIPT
    assert fetch(lawsuit.package.id, **who) == lawsuit.data
    lines = [a for a in list_accesses(enterprise=FIRM) if a.recipient_code == COURT]
    assert sorted(a.purpose for a in lines) == ["judicial_fetch", "judicial_look", "judicial_package"]
    assert not any(a.authorisation for a in lines)  # a court does not read under the bank's authorisation
    assert all(a.rule == "judicial-case" for a in lines)
    assert all("（2026）陕示民初1号 协助调取证据通知书" in a.cause for a in lines)
    stranger = who | {"organisation": "arbitration"}
    with pytest.raises(UnknownCase):
        look(lawsuit.case.id, **stranger)
    with pytest.raises(UnknownPackage):
        fetch(lawsuit.package.id, **stranger)
    close_case(lawsuit.case.id, **who)
    for act in (look, make_package, close_case):
        with pytest.raises(TransitionRefused):
            act(lawsuit.case.id, **who)
    assert fetch(lawsuit.package.id, **who) == lawsuit.data  # what was made stays with the file of the case
    assert [c.state for c in list_cases(organisation=COURT)] == ["closed"] and len(list_packages(lawsuit.case.id)) == 1


def test_a_case_names_its_matter_in_full(market: Market) -> None:
    """A wrong firm, bank or receipt finds nothing, without telling which was wrong, and is on record."""
    application = lend(market)
    who = {"organisation": COURT, "actor": "person:7", "now": LATER}
    for wrong in ({"number": "JJ20269999"}, {"institution": "bank_b"}, {"enterprise": uscc(2)}):
        with pytest.raises(UnknownMatter):
            open_case(request(**wrong), **who)
    assert len(list_entries(event="judicial.case_not_opened")) == 3
    with pytest.raises(InvalidCase) as told:
        open_case(request(kind="x", matter="y", case_no=" ", enterprise="1"), **who)
    assert {p.field for p in told.value.problems} == {"kind", "matter", "case_no", "enterprise"}
    first = open_case(request(), **who)
    with pytest.raises(AlreadyOpen):
        open_case(request(), **who)
    by_application = open_case(request(matter="application", number=application, institution=""), **who)
    assert {first.matter, by_application.matter} == {"loan", "application"}
    made = make_package(by_application.id, **who)
    told_items = read_json(container.unpack(package_bytes(row_of(made.id)))["evidence.json"])["items"]
    assert {i["phase"] for i in told_items} == {"authorised", "applied", "evaluated"}


def test_a_package_is_gone_with_the_enterprises_key(lawsuit: Lawsuit) -> None:
    """Sealed where it lies; erased, only its digest stays in the log."""
    assert lawsuit.data not in bytes(row_of(lawsuit.package.id).sealed)
    erase_subject(enterprise_subject(FIRM), actor="t", reason="t", now=LATER)
    with pytest.raises(PackageErased):
        package_bytes(row_of(lawsuit.package.id))
    [entry] = list_entries(event="judicial.package_made")
    assert entry.body["sha256"] == lawsuit.package.sha256


def licensed(folder: Path, name: str) -> tuple[bytes, bytes]:
    """A certificate for the request in the folder by an authority of that name, and the authority's own."""
    for command in (
        f"req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 400 -subj /CN={name}",
        f"x509 -req -in request.pem -CA {name}.pem -CAkey {name}.key -days 400 -out own.pem -extfile usage.cnf",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    return (folder / "own.pem").read_bytes(), (folder / f"{name}.pem").read_bytes()


def test_a_configured_certificate_signs_and_must_fit_its_key(market: Market, tmp_path: Path, certificate: Path) -> None:
    """A certificate issued on the node's own request, for an RSA key; another key's certificate stops the making."""
    folder = tmp_path / "ca"
    folder.mkdir()
    (folder / "request.pem").write_bytes(signing_request("rsa"))
    (folder / "usage.cnf").write_text("keyUsage = digitalSignature\n")
    first, second = (licensed(folder, name) for name in ("First", "Second"))
    certificate.write_bytes(first[0] + first[1])
    lend(market)
    made = sue()
    verdict = verify_package(made.data, whole=made.proof, trust=Trust(roots=first[1]))
    assert verdict.ok, verdict.failed
    assert not read_json(container.unpack(made.data)["evidence.json"])["signer"]["own_root"]
    certificate.write_bytes(second[0] + second[1])
    assert not verify_package(made.data, trust=node_trust()).ok
    certificate.write_bytes(second[0] + second[1] + first[1])  # the former root stands behind the new chain
    assert verify_package(made.data, trust=node_trust()).ok and len(signatory().chain) == 2
    certificate.write_bytes(first[1])
    with pytest.raises(CertificateUnfit):
        signatory()
    certificate.write_text("nothing")
    with pytest.raises(CertificateUnfit):
        signatory()


@needs_softhsm
@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_the_key_may_stay_in_a_token(
    kind: str, evidence_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Request and signature are made inside; what comes out verifies."""
    with softhsm(tmp_path / "hsm", monkeypatch, "xinqiao"):
        asked = x509.load_pem_x509_csr(signing_request(kind))
        assert asked.is_signature_valid
        if kind == "ecdsa":
            who = signatory()
            assert isinstance(who, Signatory) and sign_detached(b"x", who=who, ask=None)
            assert not list(evidence_folder.parent.glob("keys/package.ec"))


def run_script(*files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", str(SCRIPT), *map(str, files)], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("pdfsig"), reason="pdfsig is not installed (poppler-utils; ./check installs it)")
def test_the_procedure_with_stock_tools_passes_and_fails_where_it_should(lawsuit: Lawsuit, tmp_path: Path) -> None:
    """The page's script as it lies in the package, with openssl, unzip, sha256sum and pdfsig alone."""
    package, proof = tmp_path / "p.asice", tmp_path / "r.asice"
    package.write_bytes(lawsuit.data)
    proof.write_bytes(lawsuit.proof)
    whole = run_script(package, proof)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "全部通过" in whole.stdout and "FAILED" not in whole.stdout and "proof of the receipt" in whole.stdout
    files = container.unpack(lawsuit.data)
    assert files["verify/verify.sh"] == SCRIPT.read_bytes()
    (tmp_path / "P.asice").write_bytes(lawsuit.data)
    (tmp_path / "P.receipt.asice").write_bytes(lawsuit.proof)
    told = subprocess.run(
        ["sh", "-ec", block("verify-a-package.md", "sh")], cwd=tmp_path, capture_output=True, text=True
    )
    assert told.returncode == 0 and told.stdout == whole.stdout  # as the manual prints it
    spoilt = {
        "SHA-256 of every file": {"items/04-accesses.json": b"[]"},
        "CAdES signature": {container.MANIFEST: files[container.MANIFEST] + b"\n"},
        "the stamp covers the signature": {container.SIGNATURE: files[container.SIGNATURE][:-1] + b"\0"},
        "SM2 signature": {container.GM_SIGNATURE: bytes(70)},
        "no file beside the list": {"items/99-more.json": b"{}"},
        "proof of log/": {n: files[n].replace(b"index ", b"index 1") for n in files if n.endswith(".tlog-proof")},
    }
    for step, changes in spoilt.items():
        package.write_bytes(container.pack(files | changes))
        found = run_script(package, proof)
        assert found.returncode == 1 and f"FAILED {step}" in found.stdout, found.stdout
        assert "FAILED digest of the package in the receipt" in found.stdout


def test_the_command_line_makes_and_checks(market: Market, tmp_path: Path) -> None:
    """Make writes the package with its proof beside it; verify takes both; exit status tells."""
    lend(market)
    command = ["package", "make", FIRM, RECEIPT, "--institution", "bank_a", "--court", COURT]
    command += ["--case-no", "（2026）陕示民初2号", "--basis", "示例002", "--folder", str(tmp_path)]
    runner = CliRunner()
    made = runner.invoke(app, command)
    assert made.exit_code == 0, made.output
    [package] = [p for p in tmp_path.glob("*.asice") if "receipt" not in p.name]
    good = runner.invoke(app, ["package", "verify", str(package)])
    assert good.exit_code == 0, good.output
    assert "核验无误" in good.output and "✔ 整包的摘要记载在日志中" in good.output
    spoilt = bytearray(package.read_bytes())
    spoilt[len(spoilt) // 2] ^= 4
    package.write_bytes(spoilt)
    bad = runner.invoke(app, ["package", "verify", str(package), "--json"])
    assert bad.exit_code == 1 and json.loads(bad.output)["ok"] is False
    assert runner.invoke(app, [*command[:-2], "--folder", str(tmp_path)]).exit_code == 0  # the standing case is used
    wrong = runner.invoke(app, ["package", "make", FIRM, "JJ20269999", *command[4:]])
    assert wrong.exit_code == 1
    assert runner.invoke(app, ["package", "request-certificate"]).output.startswith("-----BEGIN CERTIFICATE REQUEST")


def test_a_report_from_before_entries_is_shown_unbound(market: Market) -> None:
    """What was fed back before each report had an entry is in the package and claims no binding."""
    lend(market)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE lending_loan_report SET entry = NULL WHERE id = (SELECT min(id) FROM lending_loan_report)"
        )
    made = sue()
    told = read_json(container.unpack(made.data)["evidence.json"])
    reports = [item for item in told["items"] if "loan-report" in item["path"]]
    assert [item["bound"] for item in reports] == ["", "report_sha256", "report_sha256"]
    assert verify_package(made.data, whole=made.proof).ok
