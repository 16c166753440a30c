"""Reads ``admission.toml``: who must prove what, for how long it is good, and what to do about a "no"."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.admission.refusals import InvalidBar
from xinqiao.admission.types import Bar, Level, Question, QuestionKind, Section, Wording
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.kernel.errors import Problem
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.settings import content_dir

PLACES = ("level", "unit", "county", "uscc", "through", "business", "licence", "endpoint")
MOST_QUESTIONS = 40  # of one applicant
TERMS = ("decision_workdays", "trial_days", "review_months", "grace_days", "deletion_days")


def bar() -> Bar:
    """The content package's bar; raises InvalidBar with every fault."""
    return load_bar(content_dir() / "admission.toml", content_dir() / "divisions.toml")


@cache
def load_bar(path: Path, divisions: Path) -> Bar:
    """The bar of a file; raises InvalidBar with every fault."""
    raw, units = tomllib.loads(path.read_text("utf-8")), DivisionTable.load(divisions).units
    found = Bar(
        host=raw["host"],
        host_name=_wording(raw["host_name"]),
        one_per=frozenset(map(Level, raw["one_per"])),
        units=units,
        basis=raw["basis"],
        sections=tuple(Section(s["id"], _wording(s["title"]), s.get("technical", False)) for s in raw["sections"]),
        questions=tuple(_question(q, units) for q in raw["questions"]),
        **{name: int(raw[name]) for name in TERMS},
    )
    problems = [Problem(field=path.name, code="admission.bar", message=text) for text in _faults(found)]
    if problems:
        raise InvalidBar(problems)
    return found


def _wording(raw: Mapping[str, str]) -> Wording:
    return Wording(raw["zh"], raw["en"])


def _question(raw: Mapping[str, Any], units: Mapping[str, str]) -> Question:
    choices = raw.get("choices", [])
    if choices == "units":
        choices = [{"id": code, "zh": name, "en": name} for code, name in units.items()]
    return Question(
        id=raw["id"],
        section=raw["section"],
        kind=QuestionKind(raw["kind"]),
        kinds=frozenset(map(OrganisationKind, raw["kinds"])),
        text=_wording(raw["text"]),
        fix=_wording(raw["fix"]),
        basis=raw["basis"],
        file=raw.get("file", False),
        months=raw.get("months", 0),
        least=raw.get("least", 0),
        choices=tuple((c["id"], Wording(c["zh"], c["en"])) for c in choices),
        place=raw.get("place", ""),
        levels=frozenset(map(Level, raw.get("levels", []))),
    )


def _faults(found: Bar) -> Iterator[str]:
    ids, sections = [q.id for q in found.questions], {s.id for s in found.sections}
    yield from (f"{name}：重复" for name in sorted({n for n in ids if ids.count(n) > 1}))
    yield from (f"{q.id}：没有“{q.section}”这一节" for q in found.questions if q.section not in sections)
    yield from (f"{q.id}：没有选项" for q in found.questions if q.kind is QuestionKind.CHOICE and not q.choices)
    places = [q.place for q in found.questions if q.place]
    yield from (f"place：{name} 应恰有一个问题" for name in PLACES if places.count(name) != 1)
    yield from (f"place：不认识 {name}" for name in sorted(set(places) - set(PLACES)))
    for kind in (OrganisationKind.PLATFORM, OrganisationKind.INSTITUTION):
        if sum(kind in q.kinds for q in found.questions) > MOST_QUESTIONS:
            yield f"{kind}：问题多于 {MOST_QUESTIONS} 个"
