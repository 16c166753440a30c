"""The generated pages of the manual say what the program says; events, errors and settings are all on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import policy, reference
from xinqiao.evidence.types import EVENTS
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.plumbing import settings

FAMILY_STATUS = {403, 404, 409, 422, 500}


def stale(pages: dict[Path, str]) -> list[str]:
    """Pages that are missing or differ from what would be written now."""
    return [p.name for p, text in pages.items() if not p.exists() or p.read_text("utf-8") != text]


def test_reference_pages_are_fresh() -> None:
    assert not stale(reference.pages()), "run: python -m tools.reference"


def test_policy_pages_are_fresh() -> None:
    assert not stale(policy.pages()), "run: python -m tools.policy"


def test_no_page_outlives_its_source() -> None:
    wanted = set(reference.pages()) | set(policy.pages())
    standing = {*reference.FOLDER.glob("*.md"), *policy.FOLDER.glob("*.md")}
    assert standing <= wanted, sorted(p.name for p in standing - wanted)


@pytest.mark.parametrize("error", reference.error_classes(), ids=lambda c: c.__name__)
def test_every_error_explains_itself(error: type[XinqiaoError]) -> None:
    """A refusal teaches: a code and a title of its own, what to do next, and what it means."""
    assert "code" in vars(error) and "title" in vars(error), "code and title are declared, not inherited"
    assert "." in error.code and error.next_step and error.__doc__
    assert error.status in FAMILY_STATUS


def test_error_codes_are_unique() -> None:
    codes = [c.code for c in reference.error_classes()]
    assert len(codes) == len(set(codes)), sorted({c for c in codes if codes.count(c) > 1})


def test_every_event_is_documented() -> None:
    reference.modules()
    page = (reference.FOLDER / "events.md").read_text("utf-8")
    assert not [code for code in EVENTS if f"| `{code}` |" not in page]
    assert all(event.name and event.name_en for event in EVENTS.values())


def test_every_setting_is_documented() -> None:
    """Every variable that the program reads from the environment is one of the documented ones."""
    source = Path(settings.__file__).read_text("utf-8")
    read = {line.split('environ.get("')[1].split('"')[0] for line in source.splitlines() if "environ.get(" in line}
    assert read == {name for name, _ in reference.declared_settings()}


def test_settings_are_read_in_one_place() -> None:
    """The environment is read by the settings module alone."""
    engine = Path(settings.__file__).parents[1]
    allowed = {"plumbing/settings.py"}
    readers = {
        p.relative_to(engine).as_posix()
        for p in engine.rglob("*.py")
        if "environ.get(" in p.read_text("utf-8") or "getenv(" in p.read_text("utf-8")
    }
    assert readers <= allowed, sorted(readers - allowed)
