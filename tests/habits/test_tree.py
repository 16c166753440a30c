"""What the repository must not hold: addresses of machines, refused packages, dependencies without a reason."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "tools/uv.lock")
REFUSED = {"gmssl": "accepts a wrong C3, so altered SM2 ciphertexts pass", "pymerkle": "GPL"}
# Folders of one machine, and files whose addresses say where an installation came from.
MACHINE = re.compile(
    r"(?<![\w.])/(?:work|home|root|Users|mnt|tmp)/[\w.-]+|\b(?:10|172\.(?:1[6-9]|2\d|3[01])|192\.168)\.\d+\.\d+"
)
REGISTRY = re.compile(r"https?://[^\s\"')]*(?:simple/|pypi|packages|mirror|artifactory|nexus)[^\s\"')]*")
NPM_LOCKS = ("tests/foreign/chain/package-lock.json", "tests/foreign/oauth/package-lock.json")
VERSIONS = re.compile(r'"[\^~<>= ]*\d+\.\d+\.\d+(?![.\d])[^"\n]*"')
BINARY = {".png", ".jpg", ".ico", ".woff2", ".parquet", ".xlsx", ".gz", ".mo", ".pdf"}
THIS = "tests/habits/test_tree.py"


def tracked() -> list[str]:
    """Every text file under version control that stands in the tree."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [n for n in names if n and n != THIS and (ROOT / n).is_file() and Path(n).suffix not in BINARY]


def requirement_names(path: str) -> set[str]:
    """Names of the packages a lock file pins, spelled as the index spells them."""
    pinned = re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==", (ROOT / path).read_text("utf-8"), re.M)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in pinned}


def declared() -> set[str]:
    """Runtime dependencies of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {re.split(r"[\[<>=!~ ;]", line, maxsplit=1)[0].lower() for line in project["dependencies"]}


def test_no_file_knows_a_machine() -> None:
    found = [f"{name}: {match.group()}" for name in tracked() for match in MACHINE.finditer(_read(name))]
    assert not found


def _read(name: str) -> str:
    """A file's text; of npm's lock without the versions, some of which look like addresses."""
    text = (ROOT / name).read_text("utf-8")
    return VERSIONS.sub('""', text) if name in NPM_LOCKS else text


def test_no_file_names_a_package_host() -> None:
    found = [f"{n}: {m.group()}" for n in tracked() for m in REGISTRY.finditer((ROOT / n).read_text("utf-8"))]
    assert not found


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_digests_and_no_addresses(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    assert text.count("==") and text.count("--hash=sha256:") >= len(requirement_names(lock))


@pytest.mark.parametrize("lock", NPM_LOCKS)
def test_npm_locks_hold_digests_and_no_addresses(lock: str) -> None:
    packages = json.loads((ROOT / lock).read_text("utf-8"))["packages"]
    assert "://" not in (ROOT / lock).read_text("utf-8")
    assert all("integrity" in found for name, found in packages.items() if name)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_packages_stay_out(name: str) -> None:
    assert all(name not in requirement_names(lock) for lock in LOCKS), REFUSED[name]
    assert name not in declared(), REFUSED[name]


def test_every_dependency_has_its_reason() -> None:
    """The table of decision 0007 and pyproject.toml name the same packages."""
    page = (ROOT / "docs" / "decisions" / "0007-dependencies.md").read_text("utf-8")
    rows = re.findall(r"^\| ([a-z0-9, -]+) \|", page, re.M)
    reasons = {name.strip() for row in rows for name in row.split(",")} - {"package"}
    assert reasons == declared(), sorted(reasons ^ declared())


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (MACHINE, "reads /home/someone/data"),
        (MACHINE, "listens on 192.168.1.20"),
        (REGISTRY, "--index-url https://example.org/simple/"),
    ],
)
def test_the_patterns_see(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


def test_names_of_indexes_and_constraints_are_one_of_a_kind() -> None:
    """They are global in a database: two contexts that chose the same name could not be installed together."""
    models = apps.get_models()
    names = Counter(x.name for model in models for x in (*model._meta.indexes, *model._meta.constraints))
    assert [name for name, count in names.items() if count > 1] == []
