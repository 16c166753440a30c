"""Reads ``formulas.toml`` and refuses contradictions, all at once. Pure but for the file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

from xinqiao.formulas.refusals import InvalidFormulaRules
from xinqiao.formulas.rules import millibits
from xinqiao.formulas.types import FormulaLimits
from xinqiao.kernel.errors import Problem

TABLES = ("limits", "output", "budget")
LEAST_INSIDE = 1
LEAST_TOLERANCES = 2  # a grain of one tolerance would let a value be told within it


@cache
def load_limits(path: Path) -> FormulaLimits:
    """The bounds of the formula room; raises InvalidFormulaRules."""
    raw = tomllib.loads(path.read_text("utf-8"))
    try:
        grain = {k: v for k, v in raw["grain"].items() if k != "least"}
        ranges = {unit: (int(low), int(high)) for unit, (low, high) in raw["ranges"].items()}
        given = {k: v for name in TABLES for k, v in raw[name].items()} | grain
        limits = FormulaLimits(**given, least=raw["grain"]["least"], ranges=ranges)
        faults = list(_faults(limits))
    except (KeyError, TypeError, ValueError) as error:
        faults = [f"不能读取：{error!r}"]
    if faults:
        raise InvalidFormulaRules([Problem(field=path.name, code="content", message=text) for text in faults])
    return limits


def _faults(limits: FormulaLimits) -> Iterator[str]:
    for one in fields(limits):
        value = getattr(limits, one.name)
        if isinstance(value, int) and value < 1:
            yield f"{one.name} 应是正整数"
    if limits.most_power > 30 or limits.most_digits > 18 or limits.most_places > 6:
        yield "most_power 最多 30，most_digits 最多 18，most_places 最多 6：更大则不能保证精确"
    if limits.deepest > 40 or limits.most_nodes > 400:
        yield "deepest 最多 40，most_nodes 最多 400：更大则不能保证有界"
    if limits.tolerances < LEAST_TOLERANCES:
        yield f"tolerances 至少 {LEAST_TOLERANCES}：颗粒要比允差大"
    if limits.inside < LEAST_INSIDE:
        yield f"inside 至少 {LEAST_INSIDE}：取值的端点不能分辨"
    if not 0 < limits.low_percent < 25 < 75 < limits.high_percent < 100:
        yield "low_percent 应在 0 到 25 之间，high_percent 在 75 到 100 之间"
    yield from (f"单位 {unit} 的颗粒下限应至少为 1" for unit, least in limits.least.items() if least < 1)
    yield from (f"单位 {unit} 没有取值范围" for unit in limits.least if unit not in limits.ranges)
    yield from (f"单位 {unit} 的取值范围为空" for unit, (low, high) in limits.ranges.items() if low >= high)
    if millibits(max(limits.most_bands, limits.most_values)) > limits.institution_millibits:
        yield "institution_millibits 不够一次回答"
    if limits.enterprise_millibits < limits.institution_millibits:
        yield "enterprise_millibits 不能小于 institution_millibits"
