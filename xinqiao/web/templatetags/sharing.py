"""Tags for the sharing list: words for attributes, shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django import template

from xinqiao.catalogue.changes import ATTRIBUTES, ItemChange
from xinqiao.evaluation.compute import facts_by_code
from xinqiao.sharing.queries import item_ever
from xinqiao.web.templatetags.xinqiao import name
from xinqiao.web.words import is_english, translate

register = template.Library()


@register.filter
def list_attribute(name: str) -> str:
    """What an attribute of an item is called."""
    return translate(ATTRIBUTES[name])


@register.filter
def alone(change: ItemChange) -> Sequence[ItemChange]:
    """One change as a list of changes."""
    return (change,)


@register.filter
def item_names(codes: Sequence[str]) -> str:
    """Names of items in a row, a dash for none."""
    return _joined(name(item_ever(code)) for code in codes)


@register.filter
def fact_names(codes: Sequence[str]) -> str:
    """Names of indicators in a row, a dash for none."""
    return _joined(name(facts_by_code()[code]) for code in codes)


def _joined(names: Iterable[str]) -> str:
    return (", " if is_english() else "、").join(names) or "—"


@register.filter
def absolute(number: int) -> int:
    """A number without its sign."""
    return abs(number)


@register.simple_tag
def share(part: int, whole: int) -> str:
    """A part of a whole in per cent, never rounded up to all of it; a dash where there is nothing to divide."""
    return f"{int(1000 * part / whole) / 10:.1f} %" if whole else "—"
