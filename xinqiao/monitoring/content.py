"""``signals.toml``: read, checked against the sharing list with all problems at once, its examples run as tests."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.schema import arrow_schema, key_columns
from xinqiao.catalogue.types import Catalogue, FieldType, Item, Openness
from xinqiao.evaluation.types import Words
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import add_months
from xinqiao.kernel.errors import Problem
from xinqiao.monitoring.refusals import InvalidSignals
from xinqiao.monitoring.rules import KNOWN, fall_findings, grade_findings, record_findings
from xinqiao.monitoring.types import (
    Condition,
    Duty,
    Elsewhere,
    Finding,
    Reply,
    RuleExample,
    RuleKind,
    SignalLevel,
    SignalRule,
    Signals,
)
from xinqiao.plumbing.settings import content_dir

FIRM = "91610102MAXAMPLE2H"
SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)
GRADES = ("AAA", "AA", "A", "BBB", "BB", "B", "CCC", "CC", "C", "D")
TEXTS = ("name", "next_step", "clause")
NUMBERS = ("at_least", "within_months", "months", "percent", "least", "steps", "expires_workdays")


@dataclass(frozen=True, slots=True)
class ReplyReason:
    """A coded reason and the reply it goes with."""

    code: str
    reply: Reply
    name: Words


def signals() -> Signals:
    """The content's rules; raises InvalidSignals with every fault."""
    return load_signals(content_dir() / "signals.toml", content_dir())


def reply_reasons() -> tuple[ReplyReason, ...]:
    """The coded reasons of replies."""
    raw = _raw(content_dir() / "signals.toml")
    return tuple(ReplyReason(r["code"], Reply(r["reply"]), Words.of(r, "name")) for r in raw["reasons"])


@cache
def _raw(path: Path) -> Mapping[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


@cache
def load_signals(path: Path, content: Path) -> Signals:
    """Every rule of a file; raises InvalidSignals naming all that is wrong, with its place."""
    raw, catalogue = _raw(path), load_catalogue(content)
    problems = [Problem(field=where, code="signals", message=text) for where, text in faults_in(raw, catalogue)]
    if problems:
        raise InvalidSignals(problems)
    rules = tuple(map(_rule, raw["rules"]))
    digest = sha256_hex(path.read_bytes())
    return Signals(rules, raw["low_percent"], raw["least_replies"], raw["embargo_days"], digest)


def faults_in(raw: Mapping[str, Any], catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Where and what: missing texts, unknown codes and fields, numbers out of range, examples that do not hold."""
    seen: set[str] = set()
    for number, one in enumerate(raw.get("rules", ())):
        where = f"rules[{number}] {one.get('code', '')}"
        found = list(_rule_faults(one, catalogue))
        if one.get("code") in seen:
            found.append("the code stands twice")
        seen.add(one.get("code", ""))
        yield from ((where, fault) for fault in found or _example_faults(_rule(one), catalogue))
    for name in ("low_percent", "least_replies", "embargo_days"):
        if not isinstance(raw.get(name), int) or raw[name] < 1:
            yield name, "a whole number above 0"
    for number, reason in enumerate(raw.get("reasons", ())):
        if reason.get("reply") not in set(Reply) or not (reason.get("name") and reason.get("name_en")):
            yield f"reasons[{number}]", "reply or texts are missing"
    if {r.get("reply") for r in raw.get("reasons", ())} != set(Reply):
        yield "reasons", "every reply needs a reason"


def _rule_faults(one: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    for name in TEXTS:
        if not one.get(name) or not one.get(f"{name}_en"):
            yield f"{name} in both languages"
    for name, kind in (("kind", RuleKind), ("level", SignalLevel), ("duty", Duty)):
        if one.get(name) not in set(kind):
            yield f"{name} is one of {', '.join(kind)}"
    for name in NUMBERS:
        if name in one and (not isinstance(one[name], int) or one[name] < 1):
            yield f"{name} is a whole number above 0"
    if not one.get("code") or "expires_workdays" not in one or not one.get("examples"):
        yield "code, expires_workdays and examples are needed"
    if one.get("kind") == RuleKind.GRADE:
        if "steps" not in one or "item" in one:
            yield "a rule over grades has steps and no item"
        return
    items = {item.code: item for item in catalogue}
    if one.get("item") not in items:
        yield f"no item {one.get('item')}"
        return
    yield from _field_faults(one, items)


def _field_faults(one: Mapping[str, Any], items: Mapping[str, Item]) -> Iterator[str]:
    known = {f.code: f for f in items[one["item"]].fields}
    named = [c.get("field") for c in one.get("when", ())] + list(one.get("first_of", ()))
    if one.get("kind") == RuleKind.FALL:
        named.append(one.get("value"))
        if not {"months", "percent", "value"} <= one.keys() or not 0 < one.get("percent", 0) < 100:
            yield "a fall has value, months and a percent below 100"
    yield from (f"no field {name}" for name in named if name not in known)
    yield from (f"{name} is personal" for name in named if name in known and known[name].personal)
    for condition in one.get("when", ()):
        field = known.get(condition.get("field"))
        if sum(name in condition for name in ("among", "above", "empty")) != 1:
            yield f"{condition.get('field')}: one of among, above, empty"
        if field and field.choices:
            yield from (f"{field.code}: no choice {c}" for c in condition.get("among", ()) if c not in field.choices)
        if field and "above" in condition and field.type not in (FieldType.MONEY, FieldType.INTEGER):
            yield f"{field.code}: above needs a whole number"
    if one.get("at_least", 1) > 1 and "within_months" not in one:
        yield "at_least needs within_months"
    other = one.get("elsewhere")
    if other and (other["item"] not in items or other["by"] not in known):
        yield "elsewhere names no item or field"
    elif other:
        there = {f.code for f in items[other["item"]].fields}
        yield from (f"elsewhere: no field {name}" for name in (other["by"], other["field"]) if name not in there)


def _rule(one: Mapping[str, Any]) -> SignalRule:
    other = one.get("elsewhere")
    items = (one["item"],) if "item" in one else ()
    when = [
        Condition(c["field"], tuple(c.get("among", ())), c.get("above"), c.get("empty", False))
        for c in one.get("when", ())
    ]
    declared = {name: value for name, value in one.items() if name != "examples"}
    return SignalRule(
        code=one["code"],
        kind=RuleKind(one["kind"]),
        level=SignalLevel(one["level"]),
        duty=Duty(one["duty"]),
        items=(*items, *([other["item"]] if other else ())),
        sha256=sha256_hex(repr(sorted(declared.items())).encode()),
        conditions=tuple(when),
        first_of=tuple(one.get("first_of", ())),
        elsewhere=Elsewhere(**other) if other else None,
        value=one.get("value", ""),
        examples=tuple(map(_example, one["examples"])),
        **{name: Words.of(one, name) for name in TEXTS},
        **{name: one[name] for name in NUMBERS if name in one},
    )


def _example(raw: Mapping[str, Any]) -> RuleExample:
    return RuleExample(
        expect=raw["expect"],
        rows=tuple(raw.get("rows", ())),
        first_month=raw.get("first_month"),
        values=tuple(raw.get("values", ())),
        grades=tuple(raw.get("grades", ())),
    )


def _example_faults(rule: SignalRule, catalogue: Catalogue) -> Iterator[str]:
    for number, example in enumerate(rule.examples):
        try:
            found = len(found_in(rule, example, catalogue))
        except (KeyError, ValueError, TypeError, pa.ArrowException) as error:
            yield f"examples[{number}]: {error}"
            continue
        if found != example.expect:
            yield f"examples[{number}]: {found} signals, expected {example.expect}"


def found_in(rule: SignalRule, example: RuleExample, catalogue: Catalogue) -> list[Finding]:
    """What a rule finds in an example of its own."""
    if rule.kind is RuleKind.GRADE:
        older, newer = (pa.table({"_enterprise": [FIRM], "grade": [grade]}) for grade in example.grades)
        return grade_findings(rule, older, newer, order=GRADES, run="run", known_at=SOME_TIME)
    item = catalogue.item(rule.item)
    if rule.kind is RuleKind.FALL:
        assert example.first_month is not None
        months = [add_months(example.first_month, n) for n in range(len(example.values))]
        rows = [{"month": month, rule.value: value} for month, value in zip(months, example.values, strict=True)]
        return fall_findings(rule, _table(item, rows))
    key = [column for _, column in key_columns(item)]
    return record_findings(rule, _table(item, example.rows), key=key, public=item.openness is Openness.PUBLIC)


def _table(item: Item, rows: Any) -> pa.Table:
    """Rows as they stand in the lake, with what the system adds."""
    schema = arrow_schema(item)
    unknown = {name for row in rows for name in row} - set(schema.names)
    if unknown:
        raise ValueError(f"no column {', '.join(sorted(unknown))}")
    (on,) = [f.code for f in item.fields if f.role == "occurred_on"]
    table = pa.Table.from_pylist([{"uscc": FIRM, **row} for row in rows], schema=schema)
    table = table.append_column("_enterprise", pa.array([FIRM] * len(rows), pa.string()))
    table = table.append_column("_occurred_on", pa.array([row.get(on) for row in rows], pa.date32()))
    return table.append_column(KNOWN, pa.array([SOME_TIME] * len(rows), pa.timestamp("us", tz="UTC")))
