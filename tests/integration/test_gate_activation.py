"""A release table comes into force only when it is proved, and evidence says which, when and with which proof."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xinqiao.config.cli import app
from xinqiao.evidence.queries import get_entry
from xinqiao.kernel.errors import Invalid
from xinqiao.plumbing.settings import content_dir
from xinqiao.release.activation import activate_first, activate_policy
from xinqiao.release.queries import active_policy, policy

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
TEXT = (content_dir() / "release.toml").read_text("utf-8")
PLANTED = TEXT.replace('form = ["verify", "derived", "report"]', 'form = ["verify", "derived", "report", "detail"]', 1)


def test_a_fresh_node_uses_the_content_packages_table() -> None:
    """Nothing activated yet: the table of the content package, which the loader has checked, decides."""
    assert active_policy() is None
    assert policy().sha256 == activate_first(actor="system", now=NOW).sha256


def test_activation_takes_effect_at_once_and_is_in_evidence() -> None:
    """The next request is decided by the new table; the entry names it, what it replaces and the proof."""
    first = activate_first(actor="system", now=NOW)
    stricter = TEXT.replace(
        'form = ["verify", "derived"]\nauthorisation = "any"\ndecision = "allow"',
        'form = ["verify", "derived"]\nauthorisation = "any"\ndecision = "refuse"\nnext_step = "请走异议流程"',
    )
    assert stricter != TEXT
    second = activate_policy(stricter, actor="op", now=NOW)
    assert policy().sha256 == second.sha256 != first.sha256
    body = get_entry(second.entry).body
    assert body is not None
    assert body["replaces"] == first.sha256
    assert body["policy_sha256"] == second.sha256
    assert body["proof_sha256"] == second.proof_sha256
    assert len(second.proof_sha256) == 64


def test_a_planted_error_leaves_the_table_in_force() -> None:
    """The faulty table is refused with all its faults; the one in force stays and nothing is recorded."""
    held = activate_first(actor="system", now=NOW)
    with pytest.raises(Invalid) as caught:
        activate_policy(PLANTED, actor="op", now=NOW)
    assert caught.value.problems
    assert active_policy() == held


def test_the_same_table_again_changes_nothing() -> None:
    """Activating what is in force leaves no second entry."""
    held = activate_first(actor="system", now=NOW)
    assert activate_policy(TEXT, actor="op", now=NOW) == held


def test_the_command_line_proves_and_activates(tmp_path: Path) -> None:
    """``gate prove`` writes the statements, ``gate activate`` refuses a faulty file with status 1."""
    run = CliRunner().invoke
    proved = run(app, ["gate", "prove", "--out", str(tmp_path / "proof")])
    assert proved.exit_code == 0, proved.output
    assert (tmp_path / "proof" / "raw-detail.smt2").read_text("utf-8")
    assert "forbid" in (tmp_path / "proof" / "release.cedar").read_text("utf-8")
    faulty = tmp_path / "release.toml"
    faulty.write_text(PLANTED, encoding="utf-8")
    assert run(app, ["gate", "activate", str(faulty)]).exit_code == 1
    assert active_policy() is None
    assert run(app, ["gate", "activate"]).exit_code == 0
    assert "规则表" in run(app, ["gate", "show"]).output
