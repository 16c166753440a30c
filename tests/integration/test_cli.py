"""The command line, as an operator or a department uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.factories import csv_of, registration, uscc
from xinqiao.catalogue.load import load_catalogue
from xinqiao.config.cli import app
from xinqiao.evidence.actions import sequence
from xinqiao.oauth.queries import get_client
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.settings import ROOT, content_dir, evidence_dir


@pytest.fixture
def feed(fresh_node: Path, tmp_path: Path) -> Path:
    """A registry file with one good and one faulty row."""
    path = tmp_path / "feed.csv"
    path.write_bytes(csv_of([registration(1), registration(2, uscc="9161")]))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_ingest_says_what_became_of_every_row(feed: Path) -> None:
    result = run("ingest", "A01", feed)
    assert result.exit_code == 0, result.output
    assert "报送 2 = 收下 1 + 退回 1" in result.output
    assert "xinqiao undo" in result.output
    assert "此前已报送" in run("ingest", "A01", feed).output


def test_json_output_is_one_document(feed: Path) -> None:
    outcome = json.loads(run("ingest", "registration.basic", feed, "--json").output)
    assert (outcome["delivered"], outcome["accepted"], outcome["returned"]) == (2, 1, 1)


def test_rows_come_back_and_a_delivery_is_undone(feed: Path, tmp_path: Path) -> None:
    delivery = json.loads(run("ingest", "A01", feed, "--json").output)["delivery"]
    assert run("returned", delivery, tmp_path).exit_code == 0
    assert "9161" in next(tmp_path.glob("*需修改.csv")).read_text("utf-8-sig")
    assert "已撤销" in run("undo", delivery).output
    again = run("undo", delivery)
    assert again.exit_code == 1


def test_a_dry_run_reads_and_stores_nothing(feed: Path) -> None:
    assert "2 行" in run("ingest", "A01", feed, "--dry-run").output
    assert json.loads(run("ingest", "A01", feed, "--json").output)["repeated"] is False


def test_unknown_columns_are_named_and_can_be_mapped(fresh_node: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(f"单位,机构码,日子\n甲,{uscc(5)},2020-01-01\n", "utf-8")
    assert run("ingest", "A01", path).exit_code == 1
    maps = ("--map", "单位=name", "--map", "机构码=uscc", "--map", "日子=registered_on")
    assert run("ingest", "A01", path, *maps).exit_code == 0
    assert run("ingest", "A01", path, "--map", "坏").exit_code == 2


def test_a_refusal_ends_with_status_one(fresh_node: Path) -> None:
    for arguments in (("ingest", "Z99", __file__), ("undo", "nothing"), ("template", "Z99", "x.xlsx")):
        assert run(*arguments).exit_code == 1, arguments


def test_evaluate_retract_and_roll_back(feed: Path, tmp_path: Path) -> None:
    run("ingest", "A01", feed)
    first = json.loads(run("evaluate", "--on", "2026-11-22", "--json").output)
    assert first["enterprises"] == 1
    keys = tmp_path / "keys.csv"
    keys.write_text(f"统一社会信用代码\n{uscc(1)}\n", "utf-8")
    assert "已撤回 1 条" in run("retract", "A01", keys, "--reason", "误登").output
    second = json.loads(run("evaluate", "--on", "2026-11-22", "--json").output)
    assert second["enterprises"] == 0
    assert run("evaluate", "--rollback", second["id"]).exit_code == 0
    assert run("evaluate", "--rollback", "nothing").exit_code == 1


def test_the_guideline_is_exported_for_people_and_for_platforms(tmp_path: Path) -> None:
    assert run("guideline", "--output", tmp_path / "g.md").exit_code == 0
    assert "评价指引 v2" in (tmp_path / "g.md").read_text("utf-8")
    document = json.loads(run("guideline", "--format", "json", "--version", "1").output)
    assert (document["version"], document["calibration"]) == ("1", None)
    assert run("guideline", "--version", "9").exit_code == 1
    assert run("guideline", "--format", "pdf").exit_code == 2


def test_content_items_and_templates(fresh_node: Path, tmp_path: Path) -> None:
    listed = len(load_catalogue(content_dir()).items)
    assert f"数据项 {listed}" in run("content", "check").output
    assert len(json.loads(run("items", "--json").output)) == listed >= 37
    assert run("template", "E01", tmp_path / "e01.xlsx").exit_code == 0
    assert (tmp_path / "e01.xlsx").read_bytes()[:2] == b"PK"


def test_a_client_is_registered_rotated_and_ended(fresh_node: Path, tmp_path: Path) -> None:
    """The private key is written once for its owner alone; what is registered is public."""
    now = datetime.now(UTC)
    register_organisation("bank", kind=OrganisationKind.INSTITUTION, name="示例银行", actor="t", now=now)
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert run("client", "add", "bank", "bank-core", "--out", first).exit_code == 0
    assert first.stat().st_mode & 0o777 == 0o600
    held = json.loads(first.read_text("utf-8"))["key"]
    [key] = get_client("bank-core").keys
    assert key.kid == held["kid"] and "d" in held and "d" not in key.jwk
    assert run("client", "rotate", "bank-core", "--out", second).exit_code == 0
    assert run("client", "end", "bank-core", "--kid", key.kid).exit_code == 0
    assert [k.ended_at is None for k in get_client("bank-core").keys] == [False, True]
    assert "bank-core" in run("client", "list").output
    assert run("client", "end", "bank-core").exit_code == 0
    assert get_client("bank-core").ended_at is not None
    assert run("client", "add", "nobody", "bank-two", "--out", tmp_path / "x.json").exit_code == 1
    assert run("client", "add", "bank", "bank-three").exit_code == 2
    assert run("call", "GET", "/api/v1/accesses", "--client", tmp_path / "none.json").exit_code == 1


def test_the_lake_is_audited_and_compacted(feed: Path) -> None:
    run("ingest", "A01", feed)
    assert "摘要不符 0 个" in run("lake", "audit").output
    assert run("lake", "compact", "--all").exit_code == 0


def test_evidence_is_verified_without_a_database(feed: Path, tmp_path: Path) -> None:
    run("ingest", "A01", feed)
    sequence(now=datetime.now(UTC))
    environment = {
        **os.environ,
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "XINQIAO_HOME": str(tmp_path / "e"),
    }
    command = [sys.executable, "-m", "xinqiao.config.cli", "evidence", "verify", str(evidence_dir())]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tile = next(p for p in (evidence_dir() / "tile" / "entries").rglob("*") if p.is_file())
    tile.write_bytes(tile.read_bytes()[:-1] + b"!")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1


def test_quality_shows_todays_cards_and_takes_an_outage(feed: Path) -> None:
    """One command: cards made and shown, as a table and as a document; a source down and back."""
    run("ingest", "A01", feed)
    shown = run("quality", "--provider", "market_regulation").output
    assert "A01" in shown and "50.00%" in shown and "E02" not in shown
    cards = {c["item"]: c for c in json.loads(run("quality", "--json").output)}
    assert cards["registration.basic"]["figures"]["valid"] == {"good": 1, "total": 2, "hundredths": 5000}
    assert cards["tax.payment"]["state"] == "never"
    assert run("quality", "--down", "tax.payment").exit_code == 1, "without a reason"
    assert run("quality", "--down", "tax.payment", "--reason", "机房搬迁").exit_code == 0
    assert {c["item"]: c["state"] for c in json.loads(run("quality", "--json").output)}["tax.payment"] == "down"
    assert run("quality", "--back", "tax.payment").exit_code == 0
    assert json.loads(run("quality", "--day", "2020-01-01", "--json").output) == []


def test_admission_from_the_shell(fresh_node: Path) -> None:
    """Whoever has a shell proposes; it is another person who approves."""
    now = datetime.now(UTC)
    register_organisation("hub", kind=OrganisationKind.PLATFORM, name="Hub", actor="t", now=now)
    assert run("admission", "show", "hub").exit_code == 1
    assert run("admission", "found", "hub", "--reason", "before", "--level", "city", "--place", "610300").exit_code == 0
    assert "等待另一人" in run("admission", "suspend", "hub", "--reason", "an incident").output
    assert run("admission", "decide", "hub", "remove", "--reason", "again").exit_code == 1
    shown = json.loads(run("admission", "show", "hub", "--json").output)
    assert shown["member"]["state"] == "admitted" and shown["measures"][0]["state"] == "proposed"
    assert "暂停" in run("admission", "show", "hub").output
    assert json.loads(run("admission", "list", "--json").output)[0]["place"] == "610300"
    assert "状态有变 0 家" in run("admission", "watch").output
