"""The log under witnesses, time stamps and a change of keys: real processes over HTTP, and nothing waits for them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from tests.tsa_server import running_tsa
from tests.witnesses import Running, running_witness
from xinqiao.evidence import published, queries
from xinqiao.evidence.actions import record, repair_files, sequence
from xinqiao.evidence.keys import LOG, LOG_GM, USES, Use, gm_key, key_store, log_key, log_keys
from xinqiao.evidence.merkle import leaf_hash, root_of, verify_consistency
from xinqiao.evidence.models import Checkpoint, Cosignature, Entry, Stamp
from xinqiao.evidence.notes import InvalidNote, LogKey, TreeHead, open_by_any, open_checkpoint, sign_note
from xinqiao.evidence.outside import ask_outsiders, list_outsiders
from xinqiao.evidence.policy import parse_policy
from xinqiao.evidence.proofs import InclusionProof, receipt_as_json
from xinqiao.evidence.rotation import change_key, retire_key
from xinqiao.evidence.stamping import take_stamps
from xinqiao.evidence.types import WITNESS_CONFLICT, EntryRef, KeyChanged
from xinqiao.evidence.verify import verify_folder, verify_receipt
from xinqiao.evidence.witness import Submission
from xinqiao.evidence.witnessing import collect_cosignatures, consistency
from xinqiao.kernel.canonical import base64_text
from xinqiao.parties.types import ORGANISATION_ADMITTED as DONE
from xinqiao.plumbing import settings as node

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence_folder", "configured")]


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of witnesses and authorities that a test may write."""
    for name, function in (("witnesses", "witnesses_file"), ("tsa", "tsa_file")):
        (tmp_path / name).write_text("")
        monkeypatch.setattr(node, function, lambda path=tmp_path / name: path)


def _grow(count: int = 3) -> list[EntryRef]:
    with transaction.atomic():
        made = [record(DONE, actor="system", subject="firm", body={"n": n}, now=NOW) for n in range(count)]
    assert sequence(now=NOW) == count
    return made


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Running]]:
    """Three witnesses of this log, configured."""
    _grow()
    with ExitStack() as stack:
        running = [
            stack.enter_context(running_witness(tmp_path / f"w{n}", name=f"w{n}.example", logs=[log_key()]))
            for n in range(3)
        ]
        lines = [f"witness w{n} {item.key.vkey} {item.url}" for n, item in enumerate(running)]
        (tmp_path / "witnesses").write_text("\n".join(lines))
        yield running


def _codes(folder: Path, **given: Any) -> list[str]:
    return [finding.code for finding in verify_folder(folder, log_key().vkey, **given).findings]


def test_both_suites_sign_and_each_alone_is_enough(evidence_folder: Path, tmp_path: Path) -> None:
    made = _grow()
    note = (evidence_folder / "checkpoint").read_text()
    assert open_checkpoint(note, key=log_key()) == open_checkpoint(note, key=gm_key())
    proof = InclusionProof.parse(queries.receipt(made[1].id).proof or "")
    assert proof.check(made[1].leaf, key=gm_key()).size == 3
    broken = note.replace("— ", "— x", 1)  # the Ed25519 line is no longer this log's
    with pytest.raises(InvalidNote):
        open_checkpoint(broken, key=log_key())
    assert open_checkpoint(broken, key=gm_key()).size == 3
    assert LogKey.parse((evidence_folder / "vkey.gm").read_text()) == gm_key()
    assert _codes(evidence_folder) == []
    lines = note.splitlines(keepends=True)
    (evidence_folder / "checkpoint").write_text("".join(lines[:-1]))
    assert _codes(evidence_folder) == ["gm_missing"]


def test_openssl_alone_verifies_the_sm2_line(evidence_folder: Path, tmp_path: Path) -> None:
    import base64

    _grow()
    text, _, lines = (evidence_folder / "checkpoint").read_text().partition("\n\n")
    (tmp_path / "text").write_text(text + "\n")
    (tmp_path / "signature").write_bytes(base64.b64decode(lines.splitlines()[1].split()[2])[4:])
    (tmp_path / "key.pem").write_text(gm_key().key.pem)  # type: ignore[attr-defined]
    command = "openssl dgst -sm3 -verify key.pem -sigopt distid:1234567812345678 -signature signature text"
    assert subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_two_of_three_witnesses_make_a_quorum(evidence_folder: Path, three: list[Running], tmp_path: Path) -> None:
    three[2].process.kill()
    assert ask_outsiders(now=NOW) == 2
    policy = (evidence_folder / "policy").read_text()
    cosigned = (evidence_folder / "checkpoint.cosigned").read_text()
    assert parse_policy(policy).check(cosigned).size == 3
    assert (evidence_folder / "checkpoint").read_text() == cosigned
    assert _codes(evidence_folder, policy=policy) == []
    assert [bool(item.trouble) for item in list_outsiders()].count(True) == 1
    _grow(4)
    three[1].process.kill()
    assert ask_outsiders(now=NOW) == 1  # too few: the last cosigned checkpoint stays
    assert parse_policy(policy).check((evidence_folder / "checkpoint.cosigned").read_text()).size == 3
    assert _codes(evidence_folder, policy=policy) == []


def test_a_proof_carries_the_cosigned_checkpoint(three: list[Running], evidence_folder: Path) -> None:
    first = Entry.objects.order_by("id").first()
    assert first
    ask_outsiders(now=NOW)
    [late] = _grow(1)
    policy = parse_policy((evidence_folder / "policy").read_text())
    cosigned = InclusionProof.parse(queries.receipt(first.id).proof or "")
    assert policy.check(cosigned.note).size == 3
    assert cosigned.check(bytes(first.leaf), key=log_key()).size == 3
    waiting = InclusionProof.parse(queries.receipt(late.id).proof or "")
    with pytest.raises(InvalidNote):
        policy.check(waiting.note)
    assert waiting.check(late.leaf, key=log_key()).size == 4


def test_witnesses_follow_growth_and_say_what_they_know(three: list[Running]) -> None:
    for _ in range(5):
        _grow(70)
        assert ask_outsiders(now=NOW) == 3
    published.Cosignature.objects.all().delete()
    from xinqiao.evidence.models import Outsider

    Outsider.objects.all().delete()  # the node forgot what they know: they say so
    assert ask_outsiders(now=NOW) == 3
    assert ask_outsiders(now=NOW) == 0


def test_writes_and_signatures_do_not_wait_for_witnesses(evidence_folder: Path, three: list[Running]) -> None:
    for item in three:
        item.process.kill()
    _grow(5)
    assert ask_outsiders(now=NOW) == 0
    assert Checkpoint.objects.count() == 2
    assert not (evidence_folder / "checkpoint.cosigned").exists()
    assert _codes(evidence_folder) == ["no_cosigned"]
    assert sum(1 for item in list_outsiders() if item.trouble) == 3


def test_a_forked_log_is_alarmed_about_once_and_recorded(three: list[Running], evidence_folder: Path) -> None:
    """A hand with all power over the node signs another history and shows it to one witness first."""
    import urllib.request

    leaves = [leaf_hash(b"forged")] * 3
    head = TreeHead(log_key().name, 3, root_of(leaves))
    from xinqiao.evidence.keys import signing_key

    fork = Submission(0, (), sign_note(head.text, name=head.origin, key=signing_key())).body
    assert urllib.request.urlopen(f"{three[0].url}/add-checkpoint", fork, timeout=5).status == 200
    for minute in range(3):
        ask_outsiders(now=NOW + timedelta(minutes=minute))
    assert Cosignature.objects.count() == 2
    [alarm] = queries.list_entries(event=WITNESS_CONFLICT.code)
    assert alarm.body["witness"] == three[0].key.vkey
    assert [item.conflict for item in list_outsiders()].count(True) == 1
    assert sequence(now=NOW) == 1
    kept = [path.read_text() for path in (three[0].folder / "state" / "refused").rglob("*.note")]
    assert kept == [Checkpoint.objects.get(size=3).note]


def test_a_quorum_that_does_not_hold_is_found(evidence_folder: Path, three: list[Running]) -> None:
    ask_outsiders(now=NOW)
    good = (evidence_folder / "checkpoint.cosigned").read_text()
    lines = good.splitlines(keepends=True)
    (evidence_folder / "checkpoint.cosigned").write_text("".join(lines[:-2]))
    assert _codes(evidence_folder) == ["no_quorum"]
    assert repair_files() == ["checkpoint.cosigned"]
    (evidence_folder / "policy").write_text("quorum nobody\n")
    assert _codes(evidence_folder) == ["bad_policy"]
    assert _codes(evidence_folder, policy=published.node_policy().text) == []


def test_a_wrong_file_of_witnesses_keeps_nothing_from_being_signed(evidence_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "witnesses").write_text("witness w nonsense\n")
    (tmp_path / "tsa").write_text("nonsense\n")
    _grow()
    assert ask_outsiders(now=NOW) == 0
    assert _codes(evidence_folder) == []


@pytest.mark.parametrize("use", USES, ids=lambda use: use.stem)
def test_a_changed_key_is_announced_and_the_old_one_still_verifies(
    use: Use, evidence_folder: Path, tmp_path: Path
) -> None:
    before = _grow()
    old, old_note = log_key() if use == LOG else gm_key(), queries.signed_note()
    promised = receipt_as_json(queries.receipt(before[0].id))
    new = change_key(use, actor="person:1", now=NOW)
    assert sequence(now=NOW) == 1
    note = queries.signed_note()
    assert open_checkpoint(note, key=old) == open_checkpoint(note, key=new)  # the overlap
    assert retire_key(use, actor="person:1", now=NOW)
    assert sequence(now=NOW) == 1
    with pytest.raises(InvalidNote):
        open_checkpoint(queries.signed_note(), key=old)
    assert open_checkpoint(queries.signed_note(), key=new).size == 5
    assert key_store().find(use.name(1)) is None
    assert not retire_key(use, actor="person:1", now=NOW)
    sequence(now=NOW)
    own = "policy" if use == LOG else "policy.gm"
    assert old.vkey in (evidence_folder / own).read_text()
    trusted = old.vkey if use == LOG else log_key().vkey
    assert verify_folder(evidence_folder, trusted, earlier=[old_note]).ok, "the announcement leads to the new key"
    assert verify_receipt(promised, *[key.vkey for key in log_keys()]).ok
    assert InclusionProof.parse(queries.receipt(before[0].id).proof or "").check(before[0].leaf, key=new).size == 6


def test_an_announcement_nobody_signed_leads_nowhere(evidence_folder: Path) -> None:
    _grow()
    change_key(LOG, actor="person:1", now=NOW)
    sequence(now=NOW)
    path = evidence_folder / "keys" / "log-2.note"
    path.write_text(path.read_text().replace("A", "B", 1))
    assert "bad_announcement" in _codes(evidence_folder)


@pytest.mark.parametrize("use", USES, ids=lambda use: use.stem)
def test_a_lost_announced_key_stops_signing_and_loses_no_entry(use: Use) -> None:
    _grow()
    change_key(use, actor="person:1", now=NOW)
    key_store().destroy(use.name(2))
    with pytest.raises(KeyChanged):
        sequence(now=NOW)
    assert queries.list_entries()[0].event == "evidence.key_changed"


def test_a_crash_while_changing_a_key_is_finished_with_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from xinqiao.evidence import rotation

    _grow()

    def crash(use: Use, new: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(rotation, "put_in_force", crash)
        change_key(LOG_GM, actor="person:1", now=NOW)
    [intended] = queries.list_entries(event="evidence.key_changed")
    assert change_key(LOG_GM, actor="person:1", now=NOW).vkey == intended.body["new"]


def test_stamps_come_once_a_minute_while_the_log_grows(evidence_folder: Path, tmp_path: Path) -> None:
    with running_tsa(tmp_path / "one") as one, running_tsa(tmp_path / "two") as two:
        (tmp_path / "tsa").write_text(f"one {one} one/ca.pem\ntwo {two} two/ca.pem\n")
        assert take_stamps(now=NOW) == 0
        _grow()
        assert take_stamps(now=NOW) == 2
        _grow()
        assert take_stamps(now=NOW + timedelta(seconds=59)) == 0
        assert take_stamps(now=NOW + timedelta(seconds=60)) == 2
        assert take_stamps(now=NOW + timedelta(hours=1)) == 0  # nothing new to date
    assert Stamp.objects.count() == 4
    repair_files()
    assert len(list((evidence_folder / "stamps").glob("*.tsr"))) == 4
    roots = tmp_path / "roots.pem"
    roots.write_bytes((tmp_path / "one/ca.pem").read_bytes() + (tmp_path / "two/ca.pem").read_bytes())
    assert _codes(evidence_folder, authorities=roots) == []
    assert _codes(evidence_folder, authorities=tmp_path / "one/ca.pem") == ["bad_stamp"] * 2
    for name in ("3.one", "6.two"):
        stem = evidence_folder / "stamps" / name
        command = ["openssl", "ts", "-verify", "-data", f"{stem.parent}/{name[0]}.checkpoint", "-in", f"{stem}.tsr"]
        command += ["-CAfile", str(roots)]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (evidence_folder / "stamps" / "3.checkpoint").write_text("another")
    assert _codes(evidence_folder).count("bad_stamp") == 2


def test_an_authority_that_is_away_or_lies_is_shown_and_stops_nothing(tmp_path: Path) -> None:
    with running_tsa(tmp_path / "one"), running_tsa(tmp_path / "two") as two:
        (tmp_path / "tsa").write_text(f"away http://127.0.0.1:9/ one/ca.pem\nstranger {two} one/ca.pem\n")
        _grow()
        assert ask_outsiders(now=NOW) == 0
    assert all(item.trouble for item in list_outsiders())
    assert len(list_outsiders()) == 2
    _grow()
    assert Checkpoint.objects.count() == 2
    assert not Stamp.objects.exists()


def test_the_log_proves_its_growth_between_any_two_checkpoints() -> None:
    for count in (1, 4, 250, 30):
        _grow(count)
    heads = [open_by_any(item.note, keys=log_keys())[0] for item in Checkpoint.objects.order_by("size")]
    for new in heads:
        for old in heads:
            if old.size <= new.size:
                verify_consistency(old.size, new.size, old.root, new.root, consistency(old.size, new.size))
    with pytest.raises(ValueError, match="no consistency proof"):
        consistency(0, 5)
    assert collect_cosignatures(now=NOW) == 0  # no witnesses, nothing to do


def test_the_commands_of_the_explanation_verify_with_openssl_alone(
    evidence_folder: Path, three: list[Running], tmp_path: Path
) -> None:
    """The indented blocks of docs/explanation/evidence.md, as printed."""
    page = (Path(__file__).resolve().parents[2] / "docs/explanation/evidence.md").read_text("utf-8")
    blocks = re.findall(r"(?:^    .*\n)+", page, re.M)
    blocks = [block for block in blocks if "openssl" in block]
    with running_tsa(tmp_path / "tsa-one") as url:
        (tmp_path / "tsa").write_text(f"one {url} tsa-one/ca.pem\n")
        assert ask_outsiders(now=NOW) == 4
    (evidence_folder / "roots.pem").write_bytes((tmp_path / "tsa-one/ca.pem").read_bytes())
    prefix = bytes.fromhex("302a300506032b6570032100")
    (evidence_folder / "witness.der").write_bytes(prefix + three[0].key.key.raw)
    assert len(blocks) == 4
    for block in blocks:
        script = block.replace("NAME OF THE WITNESS", "w0.example").replace("SIZE.NAME", "3.one").replace("SIZE", "3")
        run = ["bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(run, cwd=evidence_folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, block + done.stdout + done.stderr
        assert re.search(r"Verified|OK", done.stdout), done.stdout


def test_the_commands_show_who_answered_change_keys_and_prove_growth(
    three: list[Running], evidence_folder: Path
) -> None:
    from typer.testing import CliRunner

    from xinqiao.config.evidence_cli import evidence_app

    def run(*words: str, status: int = 0) -> str:
        result = CliRunner().invoke(evidence_app, words)
        assert result.exit_code == status, result.output
        return result.output

    three[2].process.kill()
    assert "2" in run("ask")
    assert "已签 3 条" in run("status")
    assert sum(1 for item in list_outsiders() if item.trouble) == 1
    changed = run("change-key", "gm").strip()
    assert changed == gm_key().vkey
    assert "已销毁" in run("retire-key", "gm")
    assert "没有" in run("retire-key", "log")
    sequence(now=NOW)
    size = queries.log_status().size
    assert run("consistency", "3", str(size)).split() == [base64_text(item) for item in consistency(3, size)]
    run("consistency", "0", "3", status=2)
    run("verify", str(evidence_folder), "--vkey", log_key().vkey)
    (evidence_folder / "checkpoint.cosigned").unlink()
    assert "没有经见证的检查点" in run("verify", str(evidence_folder), status=1)
