"""A product as an institution writes it: checked whole, every fault named. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.matching.refusals import (
    InvalidProduct,
)
from xinqiao.matching.rules import (
    LONGEST_NAME,
    LONGEST_NOTE,
    MOST_BP,
    MOST_FEN,
    MOST_MONTHS,
    Facts,
    condition_document,
    parse_conditions,
)
from xinqiao.matching.types import (
    Guarantee,
    MatchingRules,
)

Document = dict[str, Any]
# Field → (least, most) of a whole number.
BOUNDS = {
    "amount_from_fen": (0, MOST_FEN),
    "amount_to_fen": (1, MOST_FEN),
    "months_from": (1, MOST_MONTHS),
    "months_to": (1, MOST_MONTHS),
    "rate_from_bp": (0, MOST_BP),
    "rate_to_bp": (0, MOST_BP),
    "fee_bp": (0, MOST_BP),
    "decision_workdays": (1, 10),
}
PAIRS = (("amount_from_fen", "amount_to_fen"), ("months_from", "months_to"), ("rate_from_bp", "rate_to_bp"))
FIELDS = frozenset({"name", "guarantees", "conditions", "windows", "offered_from", "offered_until", "note", *BOUNDS})


class _Faults:
    """Collects what is wrong with a product."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def __call__(self, field: str, code: str, pattern: str, **data: Any) -> None:
        self.found.append(Problem(field=field, code=code, message=Phrase(pattern, **data)))


def read_product(raw: Mapping[str, Any], facts: Facts, grades: Sequence[str], rules: MatchingRules) -> Document:
    """The product as a document in one spelling, ready to be stored and digested; raises InvalidProduct.

    ``facts`` are the indicators a condition may use, ``grades`` those of the scorecard in force.
    """
    say = _Faults()
    for name in sorted(set(raw) - FIELDS):
        say(name, "matching.extra", "不认识“{name}”", name=name)
    document: Document = {
        "name": _text(raw, "name", 2, LONGEST_NAME, say),
        "note": _text(raw, "note", 0, LONGEST_NOTE, say),
    }
    document |= {name: _number(raw, name, *bounds, say) for name, bounds in BOUNDS.items()}
    for low, high in PAIRS:
        if None not in (document[low], document[high]) and document[low] > document[high]:
            say(high, "matching.pair", "上限小于下限")
    document["guarantees"] = _choices(raw, "guarantees", [str(g) for g in Guarantee], say, least=1)
    document["windows"] = _choices(raw, "windows", [w.code for w in rules.windows], say)
    document |= _days(raw, say)
    conditions = parse_conditions(raw.get("conditions", []), facts, grades, say, where="conditions")
    if len(conditions) > rules.most_conditions:
        say("conditions", "matching.many", "条件最多 {most} 个", most=rules.most_conditions)
    document["conditions"] = [condition_document(c) for c in conditions]
    if say.found:
        raise InvalidProduct(say.found)
    return document


def _text(raw: Mapping[str, Any], name: str, least: int, most: int, say: _Faults) -> str:
    text = str(raw.get(name, "") or "").strip()
    if not least <= len(text) <= most:
        say(name, "matching.text", "请写 {least} 至 {most} 字", least=least, most=most)
    return text


def _number(raw: Mapping[str, Any], name: str, least: int, most: int, say: _Faults) -> int | None:
    value = raw.get(name, 0 if name == "fee_bp" else None)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        say(name, "matching.number", "请填 {least} 至 {most} 的整数", least=least, most=most)
        return None
    return value


def _choices(raw: Mapping[str, Any], name: str, allowed: Sequence[str], say: _Faults, *, least: int = 0) -> list[str]:
    value = raw.get(name, [])
    if not isinstance(value, list) or any(v not in allowed for v in value) or len(value) < least:
        say(name, "matching.choice", "请从 {allowed} 中选", allowed=tuple(allowed))
        return []
    return [v for v in allowed if v in value]


def _days(raw: Mapping[str, Any], say: _Faults) -> Document:
    found: Document = {}
    for name, required in (("offered_from", True), ("offered_until", False)):
        value = raw.get(name)
        try:
            found[name] = date.fromisoformat(str(value)).isoformat() if value or required else None
        except ValueError:
            say(name, "matching.date", "请填日期，如 2026-12-01")
            found[name] = None
    if found["offered_from"] and found["offered_until"] and found["offered_from"] > found["offered_until"]:
        say("offered_until", "matching.pair", "上限小于下限")
    return found
