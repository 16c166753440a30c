"""Stops, not aims: a function, file or test that reaches one is to be redesigned, not given a bigger stop."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTION_LINES = 50
FILE_LINES = {"xinqiao": 400, "shaanxi": 400, "tools": 400, "benchmarks": 400, "tests": 600}


def sources(folder: str) -> Iterator[Path]:
    """Python files of a folder, migrations left out: they are written by a program."""
    return (p for p in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in p.parts)


def long_functions(path: Path) -> Iterator[str]:
    """Functions of a file that are over the stop, with their lengths."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines"


@pytest.mark.parametrize("folder", FILE_LINES)
def test_no_function_is_too_long(folder: str) -> None:
    assert not [found for path in sources(folder) for found in long_functions(path)]


@pytest.mark.parametrize(("folder", "stop"), FILE_LINES.items())
def test_no_file_is_too_long(folder: str, stop: int) -> None:
    lengths = {p.relative_to(ROOT).as_posix(): len(p.read_text("utf-8").splitlines()) for p in sources(folder)}
    assert not {name: lines for name, lines in lengths.items() if lines > stop}
