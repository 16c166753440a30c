"""``xinqiao keys``: what an operator sees and does, and what of it stands in the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.factories import NOW, deliver, registration, uscc
from tests.softhsm import PIN, needs_softhsm, softhsm, use_tokens
from xinqiao.config import settings
from xinqiao.config.cli import app
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.queries import list_entries
from xinqiao.parties.actions import register_person
from xinqiao.plumbing import settings as node


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments])


def events() -> list[str]:
    """Codes of the latest entries."""
    return [entry.event for entry in list_entries(limit=8)]


@pytest.fixture
def person(fresh_node: Path) -> int:
    """A node with a person, an enterprise and a log."""
    deliver("registration.basic", [registration(1, legal_person="司马示例")])
    number = register_person("li", name="李示例", password="a-long-password", actor="t", now=NOW)
    sequence(now=NOW)
    return number


def test_every_use_is_listed_with_its_place_and_time(person: int) -> None:
    keys = {key["use"]: key for key in json.loads(run("list", "--json").output)}
    assert set(keys) == {"log", "log-gm", "document", "package-gm", "index", "master", "data"}, (
        "no session and no access yet"
    )
    assert {key["kind"] for key in keys.values()} == {"file", "database"}
    assert all(key["since"] and key["generation"] == 1 for key in keys.values())
    assert keys["data"]["label"] == "3", "an enterprise, a delivery, a person"
    shown = run("list")
    assert shown.exit_code == 0 and "Ed25519" in shown.output
    assert run("check").exit_code == 0


def test_each_key_is_rotated_by_one_command_and_leaves_an_entry(person: int) -> None:
    assert "第 2 代" in run("rotate", "master").output
    assert {"vault.master_key_changed", "vault.keys_rewrapped", "vault.master_key_retired"} <= set(events())
    assert run("rotate", "log").exit_code == run("rotate", "log-gm").exit_code == 0
    assert events().count("evidence.key_changed") == 2
    generations = [k["generation"] for k in json.loads(run("list", "--json").output) if k["use"] == "log"]
    assert generations == [1, 2]
    assert "已销毁" in run("retire", "log").output
    assert events()[0] == "evidence.key_retired"
    assert run("retire", "master").exit_code == 2
    assert "第 2 版" in run("rotate", "data", f"person:{person}").output
    assert events()[0] == "vault.data_key_changed"
    assert run("check").exit_code == 0


def test_sessions_outlive_a_change_of_their_key(person: int) -> None:
    before = settings._secret_key()
    assert settings._former_secrets() == []
    assert run("rotate", "session").exit_code == 0
    assert settings._secret_key() != before
    assert settings._former_secrets() == [before]
    assert events()[0] == "vault.session_key_changed"
    assert (node.keys_dir() / "session-secret").stat().st_mode & 0o077 == 0


def test_a_subject_is_erased_once_and_for_a_reason(person: int) -> None:
    asked = CliRunner().invoke(app, ["keys", "erase", f"person:{person}", "--reason", "本人请求"], input="n\n")
    assert asked.exit_code == 1 and "vault.subject_erased" not in events()
    for subject in (f"person:{person}", f"enterprise:{uscc(1)}"):
        done = run("erase", subject, "--reason", "本人请求", "--yes")
        assert done.exit_code == 0, done.output
        assert events()[0] == "vault.subject_erased"
        again = run("erase", subject, "--reason", "本人请求", "--yes")
        assert again.exit_code == 1 and "vault.nothing_sealed" in again.output
    assert run("erase", "everyone", "--reason", "r", "--yes").exit_code == 1
    assert run("erase", "person:999", "--reason", "r", "--yes").exit_code == 1
    assert run("check").exit_code == 0


@needs_softhsm
def test_a_locked_token_is_listed_and_fails_the_check_without_showing_its_pin(
    person: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with softhsm(tmp_path / "hsm", monkeypatch, "hsm") as pins:
        assert run("rotate", "log").exit_code == run("rotate", "master").exit_code == 0
        assert run("retire", "log").exit_code == 0
        shown = run("list")
        assert "密码设备" in shown.output and "国密" in shown.output.replace("\n", "").replace(" ", "")
        pins.write_text("wrong\n")
        use_tokens(monkeypatch, pins, "hsm")
        import pkcs11

        pkcs11._loaded[node.pkcs11_module()].reinitialize()
        refused = run("check")
        assert refused.exit_code == 1 and "keys.token_locked" in refused.output
        places = {k["use"]: k["kind"] for k in json.loads(run("list", "--json").output)}
        assert places["log"] == places["master"] == "token"
        assert PIN not in shown.output + refused.output
