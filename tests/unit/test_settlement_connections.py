"""The file that says which bodies are spoken to by program: what is wrong with it is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey

from xinqiao.plumbing import settings as node
from xinqiao.settlement.connections import find_connection, list_connections
from xinqiao.settlement.refusals import InvalidBodies

KEY = json.dumps({n: v for n, v in OKPKey.generate_key("Ed25519").as_dict(private=False).items() if n in "kty crv x"})
PRIVATE = json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file as the node is told of it."""
    found = tmp_path / "bodies.toml"
    monkeypatch.setenv("XINQIAO_BODIES", str(found))
    node.bodies_file.cache_clear()
    yield found
    monkeypatch.undo()
    node.bodies_file.cache_clear()


def written(file: Path, *rows: str, mode: int = 0o600) -> None:
    file.write_text("".join(f"[[bodies]]\n{row}\n" for row in rows), encoding="utf-8")
    file.chmod(mode)


def row(*, code: str = "'a'", url: str = "'https://a.example/'", key: str = KEY, secret: str = SECRET) -> str:
    return f"code = {code}\nurl = {url}\nkey = '{key}'\nsecret = '{secret}'"


def faults(file: Path, *rows: str) -> set[str]:
    written(file, *rows)
    with pytest.raises(InvalidBodies) as refusal:
        list_connections()
    return {problem.field for problem in refusal.value.problems}


def test_without_a_setting_nobody_is_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XINQIAO_BODIES", raising=False)
    node.bodies_file.cache_clear()
    assert list_connections() == [] and find_connection("a") is None


def test_a_good_file_connects_its_bodies(file: Path) -> None:
    written(file, row(), row(code="'b'"))
    found = find_connection("a")
    assert found is not None and (found.url, found.key["x"]) == ("https://a.example", json.loads(KEY)["x"])
    assert [one.code for one in list_connections()] == ["a", "b"] and find_connection("c") is None


def test_every_fault_of_a_row_is_named(file: Path) -> None:
    assert faults(file, "code = 5\nurl = 5\nkey = 5\nsecret = 5") == {"code", "url", "key", "secret"}
    assert faults(file, "") == {"code", "url", "key", "secret"}
    assert faults(file, row(key=PRIVATE)) == {"key"} and faults(file, row(key="[" * 100_000)) == {"key"}
    assert faults(file, row(url="'file:///etc/passwd'")) == {"url"}
    assert faults(file, row(), row()) == {"code"}, "twice the same body"


@pytest.mark.parametrize("secret", ["whsec_", "whsec_QUFB", "whsec_!!!!", SECRET.removeprefix("whsec_"), "whsec_密"])
def test_a_secret_that_anybody_could_guess_is_refused(file: Path, secret: str) -> None:
    assert faults(file, row(secret=secret)) == {"secret"}


@pytest.mark.parametrize("text", ["bodies = 5", "bodies = ['a']", "[bodies]\ncode = 'a'", "bodies = ", "[" * 10_000])
def test_what_is_no_list_of_bodies_is_told(file: Path, text: str) -> None:
    written(file)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidBodies):
        list_connections()


def test_a_file_that_others_may_read_or_that_is_missing_is_told(file: Path) -> None:
    with pytest.raises(InvalidBodies):
        list_connections()
    written(file, row(), mode=0o640)
    with pytest.raises(InvalidBodies) as refusal:
        list_connections()
    assert [problem.code for problem in refusal.value.problems] == ["settlement.mode"]
    file.chmod(0o600)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidBodies):
        find_connection("a")
