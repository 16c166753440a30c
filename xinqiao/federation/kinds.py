"""The kinds of objects and the fields each may hold. Pure; declared once, checked on both sides.

What goes up holds public facts and counts only: a field that is not declared here does not pass, so nothing else can
leave a node by mistake. ``relayed``: whether a node hands the object on to the next level under its origin's signature.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from xinqiao.federation.refusals import fault
from xinqiao.federation.types import NodeLevel, Side
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.identifiers import InvalidUscc, parse_uscc


class FieldKind(StrEnum):
    """What a field of an object holds."""

    TEXT = "text"
    NUMBER = "number"  # a whole one
    DATE = "date"
    INSTANT = "instant"
    USCC = "uscc"
    SHA256 = "sha256"
    CHOICE = "choice"
    TEXTS = "texts"
    FLAG = "flag"
    DOCUMENT = "document"  # a JSON object of another context's making
    COUNTS = "counts"  # name → whole number, or null for a small cell


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field: what it holds, whether it may be missing, how long or large it may be."""

    kind: FieldKind
    required: bool = True
    most: int = 200
    least: int = 0
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """A kind of object: to which sides it goes, whether it goes further, its fields."""

    code: str
    name: str
    goes: frozenset[Side]
    relayed: bool
    fields: Mapping[str, FieldRule]


def _text(most: int = 200, *, required: bool = True) -> FieldRule:
    return FieldRule(FieldKind.TEXT, required, most)


def _number(most: int, *, required: bool = True) -> FieldRule:
    return FieldRule(FieldKind.NUMBER, required, most)


def _one_of(*choices: str) -> FieldRule:
    return FieldRule(FieldKind.CHOICE, choices=choices)


USCC, SHA256 = FieldRule(FieldKind.USCC), FieldRule(FieldKind.SHA256)
DATE, INSTANT = FieldRule(FieldKind.DATE), FieldRule(FieldKind.INSTANT)
DOCUMENT, TEXTS = FieldRule(FieldKind.DOCUMENT), FieldRule(FieldKind.TEXTS)
MOST_FEN = 10**15
STATUSES = ("active", "withdrawn", "expired", "used_up", "superseded", "void")
UP, DOWN = frozenset({Side.ABOVE}), frozenset({Side.BELOW})

_NODE = {
    "code": _text(40),
    "name": _text(120),
    "level": _one_of(*NodeLevel),
    "division": _text(12, required=False),
    "keys": TEXTS,
    "standing": FieldRule(FieldKind.FLAG),
}
_CATALOGUE = {"list_sha256": SHA256, "version": _text(40), "document": DOCUMENT}
_GUIDELINE = {"code": _text(40), "version": _text(20), "scorecard_sha256": SHA256, "document": DOCUMENT}
_REGISTRATION = {"uscc": USCC, "name": _text(), "division": _text(6), "registered_at": INSTANT, "platform": _text(40)}
_AUTHORISATION = {
    "subject": USCC,
    "recipient": _text(40),
    "purpose": _text(30),
    "items": TEXTS,
    "form": _one_of("verify", "derived", "report", "detail"),
    "status": _one_of(*STATUSES),
    "valid_from": INSTANT,
    "valid_to": INSTANT,
    "times_max": _number(100_000),
    "template": _text(40),
    "template_version": _text(20),
    "list_sha256": SHA256,
    "text_sha256": SHA256,
    "platform": _text(40),
}
_PRODUCT = {
    "name": _text(120),
    "institution": _text(120),
    "amount_from_fen": _number(MOST_FEN),
    "amount_to_fen": _number(MOST_FEN),
    "months_from": _number(600),
    "months_to": _number(600),
    "rate_from_bp": _number(10_000),
    "rate_to_bp": _number(10_000),
    "guarantee": TEXTS,
    "divisions": TEXTS,
    "offered_from": DATE,
    "offered_until": FieldRule(FieldKind.DATE, required=False),
}
_NEED = {
    "division": _text(6),
    "industry": _text(1),
    "amount_band": _one_of("below_1m", "1m_5m", "5m_10m", "above_10m"),
    "months": _number(600),
    "purpose": _text(60),
    "posted_on": DATE,
    "until": DATE,
}
_OUTCOME = {
    "uscc": USCC,
    "authorisation": _text(40),
    "receipt_no": _text(60),
    "institution": _text(120),
    "amount_fen": _number(MOST_FEN),
    "rate_bp": _number(2_400),
    "guarantee": _one_of("信用", "抵押", "质押", "保证", "组合"),
    "first_loan": FieldRule(FieldKind.FLAG),
    "drawn_on": DATE,
    "due_on": FieldRule(FieldKind.DATE, required=False),
}
_STATISTIC = {"on": DATE, "counts": FieldRule(FieldKind.COUNTS)}

KINDS = {
    kind.code: kind
    for kind in (
        ObjectKind("node", "节点名片", UP | DOWN, True, _NODE),
        ObjectKind("catalogue", "共享清单", DOWN, True, _CATALOGUE),
        ObjectKind("guideline", "评价指引", DOWN, True, _GUIDELINE),
        ObjectKind("registration", "企业注册", UP, True, _REGISTRATION),
        # Who else but the node that must honour it has a use for an enterprise's own agreement?
        ObjectKind("authorisation", "企业授权", UP, False, _AUTHORISATION),
        ObjectKind("product", "融资产品", UP, True, _PRODUCT),
        ObjectKind("need", "融资需求", UP, False, _NEED),
        ObjectKind("outcome", "融资结果", UP, False, _OUTCOME),
        # Each node counts what is below it: passed on, it would be counted twice.
        ObjectKind("statistic", "统计", UP, False, _STATISTIC),
    )
}

NAMES = {code: kind.name for code, kind in KINDS.items()}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_HEX = re.compile(r"[0-9a-f]{64}")


def check_body(kind: str, body: object) -> list[Problem]:
    """Everything wrong with the body of an object of a known kind; empty when it is right."""
    if not isinstance(body, Mapping):
        return [fault("body", "应为 JSON 对象", "object")]
    fields = KINDS[kind].fields
    found = [fault(str(name)[:60], "没有这个字段", "unknown") for name in sorted(set(map(str, body)) - set(fields))]
    for name, rule in fields.items():
        value = body.get(name)
        if value is None:
            found += [fault(name, "必填", "required")] if rule.required else []
        elif said := _CHECKS[rule.kind](value, rule):
            found.append(Problem(field=name, code=f"federation.{rule.kind}", message=said))
    return found


def _bad_text(value: Any, rule: FieldRule) -> Phrase | None:
    right = isinstance(value, str) and 0 < len(value.strip()) <= rule.most and "\x00" not in value
    return None if right else Phrase("应为不超过 {most} 个字的文本", most=rule.most)


def _bad_number(value: Any, rule: FieldRule) -> Phrase | None:
    right = type(value) is int and rule.least <= value <= rule.most
    return None if right else Phrase("应为 {least} 到 {most} 的整数", least=rule.least, most=rule.most)


def _bad_date(value: Any, rule: FieldRule) -> Phrase | None:
    try:
        date.fromisoformat(value)
        return None if len(value) == 10 else Phrase("应为日期 YYYY-MM-DD")
    except (TypeError, ValueError):
        return Phrase("应为日期 YYYY-MM-DD")


def _bad_instant(value: Any, rule: FieldRule) -> Phrase | None:
    try:
        return None if datetime.fromisoformat(value).tzinfo else Phrase("应为带时区的时刻")
    except (TypeError, ValueError):
        return Phrase("应为带时区的时刻")


def _bad_uscc(value: Any, rule: FieldRule) -> Phrase | None:
    try:
        found = parse_uscc(value) if isinstance(value, str) else None
    except InvalidUscc:
        found = None
    return None if found and found.check_ok and found.code == value else Phrase("不是有效的统一社会信用代码")


def _bad_sha256(value: Any, rule: FieldRule) -> Phrase | None:
    return None if isinstance(value, str) and _HEX.fullmatch(value) else Phrase("应为 SHA-256 的十六进制")


def _bad_choice(value: Any, rule: FieldRule) -> Phrase | None:
    return None if isinstance(value, str) and value in rule.choices else Phrase("应为：{choices}", choices=rule.choices)


def _bad_texts(value: Any, rule: FieldRule) -> Phrase | None:
    right = isinstance(value, list) and len(value) <= rule.most and not any(_bad_text(v, rule) for v in value)
    return None if right else Phrase("应为文本的列表")


def _bad_flag(value: Any, rule: FieldRule) -> Phrase | None:
    return None if isinstance(value, bool) else Phrase("应为 true 或 false")


def _bad_document(value: Any, rule: FieldRule) -> Phrase | None:
    return None if isinstance(value, Mapping) and value else Phrase("应为 JSON 对象")


def _bad_counts(value: Any, rule: FieldRule) -> Phrase | None:
    def right(name: Any, count: Any) -> bool:
        return bool(_NAME.fullmatch(str(name))) and (count is None or (type(count) is int and 0 <= count < 10**12))

    if isinstance(value, Mapping) and len(value) <= rule.most and all(right(n, c) for n, c in value.items()):
        return None
    return Phrase("应为计数：名称到整数，小数目写空")


_CHECKS: Mapping[FieldKind, Callable[[Any, FieldRule], Phrase | None]] = {
    FieldKind.TEXT: _bad_text,
    FieldKind.NUMBER: _bad_number,
    FieldKind.DATE: _bad_date,
    FieldKind.INSTANT: _bad_instant,
    FieldKind.USCC: _bad_uscc,
    FieldKind.SHA256: _bad_sha256,
    FieldKind.CHOICE: _bad_choice,
    FieldKind.TEXTS: _bad_texts,
    FieldKind.FLAG: _bad_flag,
    FieldKind.DOCUMENT: _bad_document,
    FieldKind.COUNTS: _bad_counts,
}
