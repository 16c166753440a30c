"""What pages of scenario models say: figures kept as integers, bins and changes in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.translation import gettext as _

from xinqiao.evaluation.compute import facts_by_code
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.plumbing.settings import content_dir
from xinqiao.scenarios.queries import scenarios
from xinqiao.web.templatetags.xinqiao import figure, name, word
from xinqiao.web.words import sentence

register = template.Library()


@register.filter
def four(value: int) -> str:
    """Ten-thousandths as a number of four places."""
    return f"{Decimal(value) / 10_000:.4f}"


@register.filter
def millionths(value: int) -> str:
    """Millionths as a number of four places."""
    return f"{Decimal(value) / 1_000_000:.4f}"


@register.filter
def hundredths(value: int) -> str:
    """Ten-thousandths in per cent."""
    return f"{Decimal(value) / 100:.2f}%"


@register.filter
def share(value: str) -> str:
    """A probability in per cent."""
    return f"{Decimal(value) * 100:.2f}%"


@register.filter
def said(why: Mapping[str, Any]) -> str:
    """A sentence kept as pattern and data, in the reader's language."""
    return sentence(why["pattern"], why["data"])


@register.filter
def method(code: str) -> str:
    """A comparison method in words."""
    return {"logistic_regression": _("逻辑回归"), "lightgbm": "LightGBM"}.get(code, code)


@register.filter
def groups(fairness: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The tables of fairness with their titles."""
    return [(_("按企业规模"), fairness["size"]), (_("按地市"), fairness["area"])]


@register.filter
def group_name(code: str) -> str:
    """A size class or a city in words."""
    if not code:
        return _("其他")
    if not code.isdigit():
        return word(code)
    place = DivisionTable.load(content_dir() / "divisions.toml").name(f"{code}00")
    return format_html('<span lang="zh-Hans">{}</span>', place)


@register.filter
def indicator_names(codes: Sequence[str]) -> str:
    """Indicators by their names."""
    facts = facts_by_code()
    return " × ".join(name(facts[code]) if code in facts else code for code in codes)


@register.filter
def scenario_name(code: str) -> str:
    """A scenario by its name."""
    found = scenarios().get(code)
    return name(found) if found else code


@register.simple_tag
def bin_words(facts: Any, bounds: Mapping[str, Any]) -> str:
    """A bin in words, with the indicator's unit."""
    if not bounds:
        return _("未知")
    if "words" in bounds:
        return "、".join(bounds["words"])
    low, high = (figure(facts, bounds[side]) if side in bounds else "" for side in ("at_least", "below"))
    if low and high:
        return _("%(low)s 至不足 %(high)s") % {"low": low, "high": high}
    return _("%(low)s 及以上") % {"low": low} if low else _("不足 %(high)s") % {"high": high}


@register.simple_tag
def what_if(change: Mapping[str, Any]) -> str:
    """What a change of one indicator would bring."""
    facts = facts_by_code()[change["indicator"]]
    bounds = {side: change[side] for side in ("at_least", "below", "words") if side in change}
    said = {"indicator": name(facts), "bin": bin_words(facts, bounds), "gain": change["gain"]}
    return _("%(indicator)s达到“%(bin)s”：+%(gain)s 分") % said
