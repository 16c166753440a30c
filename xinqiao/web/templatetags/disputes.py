"""Template tags of disputes: the link by which a record is disputed, and one change of a correction in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from xinqiao.evaluation.compute import facts_by_code
from xinqiao.kernel.errors import NotFound
from xinqiao.sharing.queries import item_ever
from xinqiao.web.templatetags.xinqiao import name
from xinqiao.web.words import translate

register = template.Library()
PARTS = {
    "rows": "记录",
    "state": "状态",
    "figures": "加工指标",
    "flags": "提示",
    "marks": "标注",
    "score": "信用评分",
    "grade": "等级",
    "coverage": "覆盖度",
    "vetoes": "否决项",
    "indicators": "指标",
    "scenarios": "场景评分",
}


@register.simple_tag
def object_link(item: Any, block: Mapping[str, Any] | None = None, place: int = 0) -> SafeString:
    """The link that opens a dispute about a row of an own report, or about the item as a whole."""
    refs = (block or {}).get("refs") or []
    query = {"item": item.code, **({"ref": refs[place]} if place < len(refs) else {})}
    text = _("有异议") if "ref" in query else _("对此项有异议")
    label = f"{text} · {name(item)}"
    return format_html(
        '<a href="{}?{}" aria-label="{}">{}</a>', reverse("enterprise-dispute-new"), urlencode(query), label, text
    )


@register.filter
def where(change: Mapping[str, Any]) -> str:
    """Which part of an answer a change is about."""
    kind, *rest = str(change["where"]).split("/")
    if kind == "items":
        words = [name(item_ever(rest[0])), translate(PARTS.get(rest[1], rest[1]))]
        words += [_indicator(code) for code in rest[2:]]
    else:
        words = [translate(PARTS.get(part, part)) for part in rest[:1] or [kind]]
        words += [_indicator(code) for code in rest[1:]]
    return " · ".join(words)


def _indicator(code: str) -> str:
    found = facts_by_code().get(code)
    return name(found) if found else code


@register.filter
def value_of(part: Any, change: Mapping[str, Any]) -> str:
    """What an answer said, or should have said, short enough to read: a row by its fields, a line by its value."""
    if part is None:
        return "—"
    if not isinstance(part, Mapping):
        return json.dumps(part, ensure_ascii=False) if isinstance(part, list) else str(part)
    if "value" in part:
        return str(part["value"]) if part["value"] is not None else translate("未知")
    if "score" in part:
        return str(part["score"])
    try:
        item = item_ever(str(change["where"]).split("/")[1])
    except (NotFound, IndexError):
        return json.dumps(part, ensure_ascii=False)
    fields = ((fld, part[fld.columns[0]]) for fld in item.fields if part.get(fld.columns[0]) is not None)
    return "; ".join(f"{name(fld)} {value}" for fld, value in fields)
