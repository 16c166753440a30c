"""Template tags of financing: conditions, amounts, rates and clocks in words."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from xinqiao.evaluation.compute import facts_by_code
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.kernel.money import format_wan
from xinqiao.lending.types import (
    GuaranteeCode,
    Turn,
)
from xinqiao.matching.types import (
    Basis,
    Condition,
    Guarantee,
    Told,
)
from xinqiao.plumbing.settings import content_dir
from xinqiao.web.templatetags.xinqiao import UNITS, name, word
from xinqiao.web.words import translate

register = template.Library()

# Sections of GB/T 4754-2017.
SECTIONS = {
    "A": "农、林、牧、渔业",
    "B": "采矿业",
    "C": "制造业",
    "D": "电力、热力、燃气及水生产和供应业",
    "E": "建筑业",
    "F": "批发和零售业",
    "G": "交通运输、仓储和邮政业",
    "H": "住宿和餐饮业",
    "I": "信息传输、软件和信息技术服务业",
    "J": "金融业",
    "K": "房地产业",
    "L": "租赁和商务服务业",
    "M": "科学研究和技术服务业",
    "N": "水利、环境和公共设施管理业",
    "O": "居民服务、修理和其他服务业",
    "P": "教育",
    "Q": "卫生和社会工作",
    "R": "文化、体育和娱乐业",
    "S": "公共管理、社会保障和社会组织",
    "T": "国际组织",
}
OUTCOME_TONES = {"passed": "good", "open": "warn", "failed": "risk"}


@register.filter
def wan(fen: int | None) -> str:
    """Fen as ten thousand yuan."""
    return "—" if fen is None else format_wan(int(fen))


@register.filter
def bp(value: int | None) -> str:
    """Basis points as per cent a year with two places."""
    return "—" if value is None else f"{value // 100}.{value % 100:02d}%"


@register.filter
def condition(one: Condition) -> str:
    """A condition as a sentence: what is looked at, and what it must be."""
    if one.basis is Basis.VETO:
        return _("没有一票否决情形")
    return f"{_subject(one)} {_bounds(one)}".strip()


def _subject(one: Condition) -> str:
    if one.basis is Basis.INDICATOR:
        facts = facts_by_code().get(one.indicator)
        return name(facts) if facts else one.indicator
    return translate(one.basis.label)


def _bounds(one: Condition) -> str:
    if one.values:
        return _("为") + " " + _(" 或 ").join(_value(one.basis, value) for value in one.values)
    unit, by = _unit(one)
    # Bounds of whole numbers are said as a person says them: below 37 is at most 36.
    low = one.at_least
    high = one.below - 1 if one.below is not None else None
    if low is not None and high is not None:
        return f"{by(low)}–{by(high)} {unit}".strip()
    if low is not None:
        return f"≥ {by(low)} {unit}".strip()
    return f"≤ {by(high)} {unit}".strip() if high is not None else ""


def _unit(one: Condition) -> tuple[str, Any]:
    facts = facts_by_code().get(one.indicator) if one.basis is Basis.INDICATOR else None
    if one.basis is Basis.AMOUNT or (facts and facts.unit == "fen"):
        return translate("万元"), format_wan
    if one.basis is Basis.MONTHS:
        return translate("个月"), str
    if one.basis is Basis.COVERAGE or (facts and facts.unit == "percent"):
        return "%", str
    return (translate(UNITS.get(facts.unit, "")) if facts else ""), str


def _value(basis: Basis, value: str) -> str:
    if basis is Basis.SIZE:
        return word(value)
    if basis is Basis.GUARANTEE:
        return translate(Guarantee(value).label)
    if basis is Basis.DIVISION:
        return _division(value)
    if basis is Basis.INDUSTRY and value in SECTIONS:
        return translate(SECTIONS[value])
    return value


def _division(beginning: str) -> str:
    table = DivisionTable.load(content_dir() / "divisions.toml")
    code = beginning.ljust(6, "0")
    return table.name(code) if table.is_known(code) else beginning


@register.filter
def guarantee(code: str) -> str:
    """A guarantee, of a product or of the loan statistics, in words."""
    found: Any = GuaranteeCode(code) if code in set(GuaranteeCode) else Guarantee(code)
    return translate(found.label)


@register.simple_tag
def outcome_tag(outcome: Any) -> SafeString:
    """What a condition or a product says, as a tag of word and colour."""
    return format_html('<span class="tag {}">{}</span>', OUTCOME_TONES[str(outcome)], translate(outcome.label))


@register.filter
def told(count: Told) -> str:
    """A count as an institution is told it."""
    if count.count is None:
        return _("少于 %(floor)s") % {"floor": count.floor}
    return f"{count.count:,}+"


@register.simple_tag
def clock(turn: Turn | None) -> SafeString | str:
    """Whose turn it is and how much time is left."""
    if turn is None:
        return "—"
    who = translate(turn.holder.label)
    if turn.over:
        return format_html('<span class="tag risk">{} {}</span>', who, _("已超时（%(day)s）") % {"day": turn.due_on})
    left = ngettext("还剩 %(n)d 个工作日", "还剩 %(n)d 个工作日", turn.workdays_left) % {"n": turn.workdays_left}
    tone = "warn" if turn.elapsed_percent >= 50 else ""
    return format_html(
        '<span class="tag {}">{} {}</span> <span class="muted small">{}</span>', tone, who, left, turn.due_on
    )


@register.simple_tag
def number(value: int | None, scale: str) -> str:
    """A number of the effectiveness page in its unit."""
    if value is None:
        return "—"
    if scale == "fen":
        unit = translate("万元")
        return f"{format_wan(value)} {unit}"
    if scale == "bp":
        return f"{value // 100}.{value % 100:02d}%"
    return f"{value:,}"


@register.filter
def plus(value: int, more: int) -> int:
    """A sum, for places in a picture."""
    return int(value) + int(more)
