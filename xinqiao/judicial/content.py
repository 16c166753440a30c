"""The content's ``judicial/package.toml``: what a package says of itself and what it cites. Pure."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xinqiao.judicial.refusals import InvalidPackage
from xinqiao.kernel.errors import Problem


@dataclass(frozen=True, slots=True)
class Standard:
    """A rule or standard that a package cites."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a court reviews, its clause, and the answer with ``{names}`` for what is known when made.

    ``alone`` is the answer of a node whose log nobody outside watches; empty = the same.
    """

    code: str
    question: str
    clause: str
    answer: str
    alone: str = ""


@dataclass(frozen=True, slots=True)
class PackageContent:
    """All of ``package.toml``. ``most_entries`` is how many log entries a package holds at most."""

    draft: bool
    title: str
    operator: str
    most_entries: int
    standards: tuple[Standard, ...]
    questions: tuple[Question, ...]


@cache
def load_package_content(file: Path) -> PackageContent:
    """Read the file; raises InvalidPackage, FileNotFoundError."""
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
        return PackageContent(
            draft=bool(raw["draft"]),
            title=str(raw["title"]),
            operator=str(raw["operator"]),
            most_entries=int(raw["most_entries"]),
            standards=tuple(Standard(**row) for row in raw["standards"]),
            questions=tuple(Question(**row) for row in raw["questions"]),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise InvalidPackage([Problem(field=file.name, code="judicial.content", message=str(error))]) from error
