"""Template tags of quality: colours beside numbers, changes, names of sources."""

from __future__ import annotations

from typing import Any

from django import template

from xinqiao.quality.types import SourceState
from xinqiao.sharing.queries import current_list, item_ever
from xinqiao.web.templatetags.xinqiao import hundredths, name
from xinqiao.web.words import translate

register = template.Library()


@register.filter
def tone(figure: Any) -> str:
    """The colour of a quality figure: whole, nearly, or not. The number stands beside it."""
    part = figure.hundredths
    return "" if part is None else "good" if part >= 9_900 else "warn" if part >= 9_000 else "risk"


@register.filter
def change(hundredths_more: int | None) -> str:
    """A change against the day before: direction and amount."""
    if not hundredths_more:
        return "" if hundredths_more is None else "="
    return f"{'▲' if hundredths_more > 0 else '▼'} {hundredths(abs(hundredths_more))}"


@register.filter
def item_name(code: str) -> str:
    """The name of an item in the reader's language."""
    return name(item_ever(code))


@register.filter
def department_name(code: str) -> str:
    """The name of a department in the reader's language; that of the node for the node."""
    if code == "node":
        return translate("节点")
    departments = {d.code: d for d in current_list().departments}
    return name(departments[code]) if code in departments else code


@register.filter
def source_word(state: str) -> str:
    """Where a source stands, in words."""
    return translate(SourceState(state).label)
