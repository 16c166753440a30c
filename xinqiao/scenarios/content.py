"""Reads the scenarios of a content folder and refuses contradictions, all at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from xinqiao.catalogue.types import Catalogue, UnknownItem
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Problem
from xinqiao.scenarios.types import InvalidScenario, Knowledge, Observed, Purpose, Scenario, UnknownScenario

PARSED = {"purpose": Purpose, "observed": Observed, "knowledge": Knowledge}
RANGES = {
    "months": (1, 60),
    "later_percent": (10, 60),
    "least_events": (1, 1_000_000),
    "minimum_coverage": (0, 100),
    "tolerance_percent": (0, 100),
    "crosses": (0, 60),
}


@cache
def load_scenarios(folder: Path, catalogue: Catalogue, known: frozenset[str]) -> Mapping[str, Scenario]:
    """Code → scenario of ``folder/scenarios``; ``known`` are the indicators there are. Raises InvalidScenario."""
    found: dict[str, Scenario] = {}
    problems = []
    for path in sorted((folder / "scenarios").glob("*.toml")):
        data = path.read_bytes()
        try:
            scenario = _read(tomllib.loads(data.decode("utf-8")), sha256_hex(data))
            faults = list(_faults(scenario, catalogue, known))
            found[scenario.code] = scenario
        except (KeyError, TypeError, ValueError) as error:
            faults = [f"不能读取：{error!r}"]
        problems += [Problem(field=path.name, code="scenario", message=f"{path.name}：{text}") for text in faults]
    if problems:
        raise InvalidScenario(problems)
    return found


def get(scenarios: Mapping[str, Scenario], code: str) -> Scenario:
    """One scenario; raises UnknownScenario."""
    if code not in scenarios:
        raise UnknownScenario(scenario=code)
    return scenarios[code]


def _read(raw: Mapping[str, Any], digest: str) -> Scenario:
    given = {**raw, **raw["drift"], "sha256": digest}
    del given["drift"]
    unknown = given.keys() - {f.name for f in fields(Scenario)}
    if unknown:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {
        name: PARSED[name](value) if name in PARSED else tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
    }
    return Scenario(**values)


def _faults(scenario: Scenario, catalogue: Catalogue, known: frozenset[str]) -> Iterator[str]:
    for code in (scenario.observed_item, scenario.outcome_item):
        try:
            catalogue.item(code)
        except UnknownItem:
            yield f"没有数据项 {code}"
            return
    choices = {f.code: f.choices for f in catalogue.item(scenario.outcome_item).fields}
    if scenario.outcome_field not in choices:
        yield f"{scenario.outcome_item} 没有字段 {scenario.outcome_field}"
    elif not scenario.outcome_values or not set(scenario.outcome_values) <= set(choices[scenario.outcome_field] or ()):
        yield "结果的取值不在该字段的选项之内"
    yield from (f"没有指标 {code}" for code in (*scenario.candidates, *scenario.exclude) if code not in known)
    for name, (low, high) in RANGES.items():
        if not low <= getattr(scenario, name) <= high:
            yield f"{name} 应在 {low} 到 {high} 之间"
    if not 0 < scenario.amber < scenario.red:
        yield "drift：red 应大于 amber，且都大于零"
