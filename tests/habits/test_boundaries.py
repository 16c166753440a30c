"""Boundaries that the import contracts cannot express: tables private to their context, programs that do not print."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "xinqiao"
CONTEXTS = sorted(p.parent.name for p in ENGINE.glob("*/models.py"))
# The command line speaks to a terminal, and so does the log's stand-alone verifier (python -m xinqiao.evidence.verify).
MAY_PRINT = {"xinqiao/config/cli.py", "xinqiao/config/province.py", "xinqiao/evidence/verify.py"}
PURE = ("types.py", "rules.py")
CLOCKS = {"now", "today", "utcnow", "localdate", "time", "localtime"}


def parsed(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    """Path from the root and syntax tree of every Python file of a folder."""
    for path in sorted(folder.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names a module imports, those inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("context", CONTEXTS)
def test_tables_are_private_to_their_context(context: str) -> None:
    """Whoever needs a table asks its context's queries: a table that others read can never change."""
    private = f"xinqiao.{context}.models"
    users = [
        name
        for name, tree in parsed(ENGINE)
        if not name.startswith(f"xinqiao/{context}/") and any(i.startswith(private) for i in imported(tree))
    ]
    assert not users


def test_nobody_is_let_in_beside_admission() -> None:
    """The fact that the gate reads is changed by admission alone."""
    users = {
        name for name, tree in parsed(ENGINE) if any(i.endswith("parties.actions.set_admitted") for i in imported(tree))
    }
    assert users == {"xinqiao/admission/effects.py"}


def test_only_programs_print() -> None:
    printers = [
        f"{name}:{node.lineno}"
        for name, tree in parsed(ENGINE)
        if name not in MAY_PRINT
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not printers


def test_rules_never_read_the_clock() -> None:
    """``now`` is an argument, so that a rule can be asked about any day."""
    readers = [
        f"{name}:{node.lineno}"
        for name, tree in parsed(ENGINE)
        if name.endswith(PURE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS
        if isinstance(node.func.value, ast.Name) and node.func.value.id in {"datetime", "date", "time", "timezone"}
    ]
    assert not readers


def test_nothing_is_left_unfinished() -> None:
    words = ("TODO", "FIXME", "XXX", "NotImplementedError", "raise NotImplemented")
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for folder in ("xinqiao", "shaanxi")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".toml", ".html", ".css", ".js"}
        for word in words
        if word in path.read_text("utf-8")
    ]
    assert not found


def test_the_engine_knows_no_province() -> None:
    """Another province adopts the system by writing content; its name must not stand in the engine's code."""
    users = [name for name, tree in parsed(ENGINE) if any(i.split(".")[0] == "shaanxi" for i in imported(tree))]
    assert not users
