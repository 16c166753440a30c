"""Finds the indicators of a content package and checks them against the catalogue."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Absence, Catalogue, UnknownItem
from xinqiao.indicators.authoring import Declared
from xinqiao.indicators.crossing import CrossRule
from xinqiao.indicators.types import InvalidIndicator
from xinqiao.kernel.errors import Problem
from xinqiao.plumbing.settings import content_dir, content_package


@dataclass(frozen=True, slots=True)
class Registered:
    """An indicator and the dimension (folder) it stands in."""

    indicator: Declared
    dimension: str


@cache
def load_indicators() -> dict[str, Registered]:
    """Code → indicator of the content package; raises InvalidIndicator with every fault at once."""
    found = list(_scan(importlib.import_module(f"{content_package()}.indicators")))
    problems = _faults(found, load_catalogue(content_dir()))
    if problems:
        raise InvalidIndicator(problems)
    return {r.indicator.facts.code: r for r in sorted(found, key=lambda r: r.indicator.facts.code)}


def _scan(package: ModuleType) -> Iterator[Registered]:
    """Every indicator of the package; the first part of its code is the folder (dimension) it stands in."""
    seen: set[int] = set()
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if info.ispkg:
            continue
        module = importlib.import_module(info.name)
        dimension = info.name.removeprefix(f"{package.__name__}.").split(".")[0]
        for value in vars(module).values():
            # An indicator that a derived one is computed from is imported where that stands; it belongs to its own.
            if isinstance(value, Declared) and value.facts.code.split(".")[0] == dimension and id(value) not in seen:
                seen.add(id(value))
                yield Registered(value, dimension)


def _faults(found: list[Registered], catalogue: Catalogue) -> list[Problem]:
    problems = []
    seen: set[str] = set()
    for registered in found:
        facts = registered.indicator.facts
        try:
            items = [catalogue.item(code) for code in facts.items]
        except UnknownItem as error:
            problems.append(Problem(field=facts.code, code="item", message=error.message))
            continue
        if facts.code in seen:
            problems.append(Problem(field=facts.code, code="duplicate", message=f"指标 {facts.code} 定义了两次"))
        if facts.none is not None and items[0].absence is Absence.NOT_KNOWN:
            message = f"{facts.item} 没有记录不等于没有发生，不能设 none"
            problems.append(Problem(field=facts.code, code="none", message=message))
        if not registered.indicator.example_count:
            problems.append(Problem(field=facts.code, code="example", message=f"指标 {facts.code} 没有示例"))
        seen.add(facts.code)
    return problems


@cache
def load_cross_rules() -> dict[str, CrossRule]:
    """Code → rule across items of the content package's ``cross_rules``; raises InvalidIndicator with every fault."""
    try:
        package = importlib.import_module(f"{content_package()}.cross_rules")
    except ModuleNotFoundError:  # a province that declares none
        return {}
    modules = [importlib.import_module(i.name) for i in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    found = list({id(v): v for m in modules for v in vars(m).values() if isinstance(v, CrossRule)}.values())
    if problems := _cross_faults(found, load_catalogue(content_dir())):
        raise InvalidIndicator(problems)
    return {rule.facts.code: rule for rule in sorted(found, key=lambda rule: rule.facts.code)}


def _cross_faults(found: list[CrossRule], catalogue: Catalogue) -> list[Problem]:
    """Rules that name an unknown item, ask a department that has none of theirs, or lack a case of each kind."""
    problems = []
    for rule in found:
        facts = rule.facts
        try:
            asked = {catalogue.item(code).department.code for code in facts.items}
        except UnknownItem as error:
            problems.append(Problem(field=facts.code, code="item", message=error.message))
            continue
        if not facts.explain or not set(facts.explain) <= asked:
            message = f"规则 {facts.code} 请求说明的部门须是所看数据项的责任部门"
            problems.append(Problem(field=facts.code, code="explain", message=message))
        if {example.expect for example in rule.examples} != {True, False}:
            message = f"规则 {facts.code} 须有相符和相悖的示例"
            problems.append(Problem(field=facts.code, code="example", message=message))
        if [r.facts.code for r in found].count(facts.code) > 1:
            problems.append(Problem(field=facts.code, code="duplicate", message=f"规则 {facts.code} 定义了两次"))
    return problems


def items_of(codes: Iterator[str] | tuple[str, ...]) -> tuple[str, ...]:
    """The items that these indicators read: what an authorisation must cover, computed, never typed."""
    registered = load_indicators()
    return tuple(sorted({item for code in codes for item in registered[code].indicator.facts.items}))
