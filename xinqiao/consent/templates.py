"""Reads consent templates from content: one TOML file each, every problem named at once. Pure but for the file."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.consent.types import Ceiling, Form, InvalidTemplate, Option, Scope, Template
from xinqiao.kernel.errors import Problem

LOCALES = ("zh", "en")
PLACEHOLDERS = frozenset({field.name for field in fields(Scope)} - {"organisation"} | {"template", "version"})


@cache
def load_template(path: Path) -> Template:
    """The template of one file; raises InvalidTemplate with every problem."""
    with path.open("rb") as file:
        raw = tomllib.load(file)
    problems = [Problem(field=name, code="template", message=text) for name, text in _problems(raw)]
    if problems:
        raise InvalidTemplate(problems, path=path.name)
    return Template(
        code=raw["code"],
        version=raw["version"],
        name=raw["name"],
        name_en=raw["name_en"],
        draft=raw["draft"],
        basis=raw["basis"],
        answer_days=raw["answer_days"],
        agent_days=raw["agent_days"],
        ceiling=Ceiling(**raw["ceiling"]),
        purposes=_options(raw["purposes"]),
        forms=_options(raw["forms"]),
        text={locale: raw["text"][locale].strip() + "\n" for locale in LOCALES},
    )


def _options(raw: Mapping[str, Any]) -> dict[str, Option]:
    return {
        code: Option(code, value["name"], value["name_en"], Ceiling(**value["ceiling"]) if "ceiling" in value else None)
        for code, value in raw.items()
    }


def _problems(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kinds = {"code": str, "version": str, "name": str, "name_en": str, "draft": bool, "basis": str}
    kinds |= {"answer_days": int, "agent_days": int}
    for name, kind in kinds.items():
        if not isinstance(raw.get(name), kind):
            yield name, f"应为 {kind.__name__}"
    for name in raw.keys() - {*kinds, "ceiling", "purposes", "forms", "text"}:
        yield name, "未知的键"
    yield from _ceiling_problems("ceiling", raw.get("ceiling", {}))
    for group in ("purposes", "forms"):
        for code, option in raw.get(group, {}).items():
            yield from _option_problems(f"{group}.{code}", option)
    if set(raw.get("forms", {})) != set(Form):
        yield "forms", f"应恰为 {'、'.join(Form)}"
    if not raw.get("purposes"):
        yield "purposes", "至少一个用途"
    for locale in LOCALES:
        yield from _text_problems(f"text.{locale}", raw.get("text", {}).get(locale, ""))


def _option_problems(where: str, option: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("name", "name_en"):
        if not isinstance(option.get(name), str):
            yield f"{where}.{name}", "应为 str"
    if "ceiling" in option:
        yield from _ceiling_problems(f"{where}.ceiling", option["ceiling"])


def _ceiling_problems(where: str, ceiling: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    names = {field.name for field in fields(Ceiling)}
    if set(ceiling) != names:
        yield where, f"应恰有 {'、'.join(sorted(names))}"
    for name, value in ceiling.items():
        if type(value) is not int or value < 1:
            yield f"{where}.{name}", "应为正整数"


def _text_problems(where: str, text: str) -> Iterator[tuple[str, str]]:
    """The text must say everything that binds, so every placeholder appears and no other."""
    used = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    for name in sorted(PLACEHOLDERS - used):
        yield where, f"缺少 {{{name}}}"
    for name in sorted(used - PLACEHOLDERS):
        yield where, f"未知的占位符 {{{name}}}"
