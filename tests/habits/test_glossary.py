"""Every context, enum and public class of the engine's vocabulary stands in docs/glossary.md, in its own section."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

import xinqiao

ENGINE = Path(xinqiao.__file__).parent
GLOSSARY = (ENGINE.parent / "docs" / "glossary.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", GLOSSARY, re.M | re.S))
CONTEXTS = sorted(p.parent.name for p in ENGINE.glob("*/__init__.py"))
VOCABULARY = sorted(
    ".".join(p.relative_to(ENGINE.parent).with_suffix("").parts)
    for p in [*ENGINE.glob("*/types.py"), *ENGINE.glob("kernel/*.py")]
    if p.stem != "__init__"
)


def public_classes(module_name: str) -> list[str]:
    """Public classes that a module itself defines."""
    module = importlib.import_module(module_name)
    found = inspect.getmembers(module, inspect.isclass)
    return [name for name, value in found if value.__module__ == module_name and not name.startswith("_")]


def terms(section: str) -> set[str]:
    """The identifiers of a section's table."""
    return set(re.findall(r"^\| [^|]+ \| `(\w+)` \|", SECTIONS.get(section, ""), re.M))


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_context_is_explained(context: str) -> None:
    assert context in terms("Contexts")


@pytest.mark.parametrize("module_name", VOCABULARY)
def test_every_class_is_a_term(module_name: str) -> None:
    missing = set(public_classes(module_name)) - terms(module_name.split(".")[1])
    assert not missing, f"docs/glossary.md lacks {sorted(missing)}"


def test_no_term_outlives_its_class() -> None:
    """A renamed class leaves no ghost behind."""
    for context in set(SECTIONS) & set(CONTEXTS):
        known = {name for module in VOCABULARY if module.split(".")[1] == context for name in public_classes(module)}
        assert terms(context) <= known, sorted(terms(context) - known)
