"""Reads ``sample.toml`` and the division table of a content folder."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from xinqiao.catalogue.load import content_date
from xinqiao.catalogue.sample.codes import is_valid
from xinqiao.catalogue.sample.types import Archetype, DemoFirm, FirmModel, Form, Industry, Place
from xinqiao.catalogue.types import InvalidContent
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.kernel.errors import Problem

WORDS = frozenset({"characters", "surnames", "ordinals", "bureaus"})
Row = TypeVar("Row", Archetype, Industry, Form, DemoFirm)


@cache
def load_model(content: Path) -> FirmModel:
    """The firm model of ``content/sample.toml``; raises InvalidContent with every problem at once."""
    raw = tomllib.loads((content / "sample.toml").read_text("utf-8"))
    try:
        model = _parse(raw, DivisionTable.load(content / "divisions.toml"))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidContent([_problem("sample.toml", f"不能读取：{error!r}")]) from error
    if problems := list(_faults(model)):
        raise InvalidContent(problems)
    return model


def _parse(raw: Mapping[str, Any], divisions: DivisionTable) -> FirmModel:
    return FirmModel(
        months=raw["months"],
        province=raw["province"],
        founded_before_months=raw["founded_before_months"],
        classes=dict(raw["classes"]),
        archetypes=tuple(_row(Archetype, r) for r in raw["archetypes"]),
        industries=tuple(_row(Industry, r) for r in raw["industries"]),
        forms=tuple(_row(Form, {k if k != "class" else "class_": v for k, v in r.items()}) for r in raw["forms"]),
        places=tuple(p for city in raw["cities"] for p in _places(city, divisions)),
        capital_amounts=tuple(raw["capital"]["amounts"]),
        capital_spellings=dict(raw["capital"]["spellings"]),
        words={name: tuple(words) for name, words in raw["words"].items()},
        demo_firms=tuple(_row(DemoFirm, r) for r in raw["demo_firms"]),
        divisions=divisions,
    )


def _row(kind: type[Row], raw: Mapping[str, Any]) -> Row:
    """A dataclass from a TOML table; lists become tuples, an unknown key is an error."""
    unknown = raw.keys() - {f.name for f in fields(kind)}
    if unknown:
        raise ValueError(f"{kind.__name__}: unknown key {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    return kind(**values)


def _places(city: Mapping[str, Any], divisions: DivisionTable) -> Iterable[Place]:
    """A city's counties share its weight evenly, after its development zones took theirs."""
    short: str = city["name"]
    counties = [d.code for d in divisions.counties() if d.code.startswith(city["code"])]
    zones: list[str] = city.get("zones", [])
    zone_share = city.get("zone_share", 0.0)
    full = short if divisions.is_zone(f"{city['code']}00") else f"{short}市"
    for codes, share in ((counties, 1 - zone_share), (zones, zone_share)):
        for code in codes:
            district = divisions.name(code).removeprefix(short)
            yield Place(code, short, full, district, city["weight"] * share / len(codes))


def _faults(model: FirmModel) -> Iterable[Problem]:
    archetypes = {a.code for a in model.archetypes}
    industries = {i.code for i in model.industries}
    divisions = {p.division for p in model.places}
    for kind in model.archetypes:
        if (kind.distress_months_ago is None) != (kind.default_after_months is None):
            yield _problem("archetypes", f"{kind.code}：困难与违约的时间要么都写，要么都不写")
    for missing in WORDS - model.words.keys():
        yield _problem("words", f"缺少词表 {missing}")
    for class_ in model.classes.keys() - {f.class_ for f in model.forms}:
        yield _problem("forms", f"{class_} 类没有组织形式")
    for firm in model.demo_firms:
        content_date(firm.registered_on)
        known = ((firm.archetype, archetypes), (firm.industry, industries), (firm.division, divisions))
        for value, among in known:
            if value not in among:
                yield _problem("demo_firms", f"{firm.name}：没有 {value}")
        if firm.uscc[:2] not in model.classes or not is_valid(firm.uscc):
            yield _problem("demo_firms", f"{firm.name}：代码 {firm.uscc} 不符合 GB 32100 或不在样本类别内")


def _problem(field: str, message: str) -> Problem:
    return Problem(field=field, code="sample", message=f"sample.toml {field}：{message}")
