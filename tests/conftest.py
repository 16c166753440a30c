"""What every test may use: an evidence log of its own, and test databases that can be emptied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management.commands import flush
from django.db import connection

from tests.scanner import SCANNED
from xinqiao.evidence import guards
from xinqiao.plumbing import settings as node


@pytest.fixture(autouse=True, scope="session")
def _one_factor() -> Iterator[None]:
    """People of tests sign in by one factor, but where a test says otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XINQIAO_SECOND_FACTOR", "off")
        node.second_factor.cache_clear()
        yield
    node.second_factor.cache_clear()


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> Iterator[None]:
    """Passwords are hashed as always, in fewer rounds: a million of them for each person of each test are minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1_000)
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Every answer of every test passes the scanner of fields that are not on the sharing list."""
    from django.conf import settings

    if "tests.scanner.ListScanner" not in settings.MIDDLEWARE:
        settings.MIDDLEWARE.append("tests.scanner.ListScanner")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much the scanner has seen; what it finds fails the test that asked."""
    if SCANNED.answers:
        seen = f"{SCANNED.answers} answers, {SCANNED.fields} fields"
        terminalreporter.write_line(f"list scanner: {seen}, none off the list")


@pytest.fixture(autouse=True)
def _list_read_anew() -> Iterator[None]:
    """What a process believes of the sharing list for a moment ends with the test that changed it."""
    from xinqiao.sharing.queries import forget

    forget()
    yield
    forget()


@pytest.fixture
def evidence_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty evidence folder and key folder for this test alone."""
    monkeypatch.setenv("XINQIAO_EVIDENCE", str(tmp_path / "evidence"))
    monkeypatch.setenv("XINQIAO_KEYS", str(tmp_path / "keys"))
    node.evidence_dir.cache_clear()
    node.keys_dir.cache_clear()
    yield tmp_path / "evidence"
    node.evidence_dir.cache_clear()
    node.keys_dir.cache_clear()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that only one database can show belong to its run alone; the others run on both."""
    other = "sqlite" if connection.vendor == "postgresql" else "postgresql"
    elsewhere = [item for item in items if item.get_closest_marker(other)]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


CACHED = (node.home, node.lake_uri, node.evidence_dir, node.keys_dir)


@pytest.fixture
def fresh_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[Path]:
    """A node of this test's own: home, lake, evidence and keys in an empty folder, an empty database."""
    from xinqiao.records.lake import lake

    caches = (*CACHED, lake)
    for name in ("XINQIAO_LAKE", "XINQIAO_EVIDENCE", "XINQIAO_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XINQIAO_HOME", str(tmp_path / "home"))
    for cached in caches:
        cached.cache_clear()
    yield tmp_path / "home"
    for cached in caches:
        cached.cache_clear()


@pytest.fixture(autouse=True, scope="session")
def _emptying_lifts_the_guards() -> Iterator[None]:
    """Evidence refuses deletion; only the emptying of a test database between tests is let through."""
    empty = flush.Command.handle

    def lifted(command: flush.Command, **options: Any) -> None:
        guards.remove(connection)
        try:
            empty(command, **options)
        finally:
            guards.install(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush.Command, "handle", lifted)
        yield
