"""Template tags: words in the reader's language, money, states, grades."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from xinqiao.catalogue.types import FieldType, Role
from xinqiao.consent.queries import get_template
from xinqiao.evaluation.compute import facts_by_code
from xinqiao.ingest.types import RULES
from xinqiao.kernel.money import format_fen
from xinqiao.sharing.queries import item_ever
from xinqiao.vault.types import ERASED
from xinqiao.web.tones import STATUS_TONES
from xinqiao.web.words import is_english, translate

register = template.Library()

OTHER_PURPOSES = {
    "self": ("企业自查", "own file"),
    "preview": ("企业预览他人可见内容", "preview of what others could see"),
    "public": ("查看公开信息", "public information"),
    "dispute": ("异议核查", "check of a dispute"),
    "correction": ("更正告知", "notice of a correction"),
    "judicial": ("司法调取证据", "evidence for a court, notary or arbitrator"),
    "judicial_look": ("司法调取证据：预览", "evidence for a court, notary or arbitrator: preview"),
    "judicial_package": ("司法调取证据：生成证据包", "evidence for a court, notary or arbitrator: package made"),
    "judicial_fetch": ("司法调取证据：下载证据包", "evidence for a court, notary or arbitrator: package fetched"),
    "node_duty": ("节点履职核查", "check by the node in its duty"),
}
UNITS = {"months": "个月", "days": "天", "years": "年", "persons": "人", "count": "次", "kwh": "千瓦时"}

ACTORS = {"person": "工作人员", "api": "系统接口", "system": "系统"}
STATES = {
    "value": ("good", "有记录"),
    "verified_none": ("good", "已核实没有"),
    "not_known": ("", "未知"),
}
WHY = {
    "never_shared": "该数据尚未归集",
    "outside_items": "所需数据项不在本次查询之内",
    "outside_period": "所需数据早于授权的数据范围",
    "no_record": "没有该企业的记录",
    "source_late": "来源逾期未报，不能核实没有",
    "source_down": "来源停机，不能核实",
    "not_listed": "不在现行共享清单",
    "source_unreachable": "来源查询不通",
    "not_confirmed": "来源核验不一致",
    "not_computable": "记录不足以计算",
    "not_public": "非公开部分需企业授权",
}
ALERT_FIGURES = {
    "enterprises": "企业数",
    "without_application": "没有业务的企业",
    "unknown": "不存在的代码",
    "neighbours": "相邻的代码",
    "looks": "查询次数",
    "most_before": "以往一小时最多",
    "never_before": "从未有过的用途",
    "shift": "构成变化",
    "attempts": "尝试次数",
    "authorisations": "涉及的授权",
}
STATUS_WORDS = {
    "active": "生效中",
    "withdrawn": "已撤回",
    "expired": "已到期",
    "used_up": "已用完",
    "superseded": "已被新授权取代",
    "void": "已随对方退出而终止",
    "requested": "待企业决定",
    "shown": "企业已打开",
    "cancelled": "已取消",
    "legal_representative": "法定代表人",
    "agent": "受托经办人",
    "open": "等待答复",
    "answered": "已答复",
    "granted": "已同意",
    "declined": "已拒绝",
    "accepted": "全部收下",
    "partly": "部分收下",
    "returned": "全部退回",
    "empty": "空报送",
    "undone": "已撤销",
    "running": "运行中",
    "published": "已发布",
    "failed": "失败",
    "rolled_back": "已撤回",
    "verify": "核验",
    "derived": "加工指标",
    "report": "信用报告",
    "detail": "原始明细",
    "large": "大型",
    "medium": "中型",
    "small": "小型",
    "micro": "微型",
    "unknown": "未能划型",
    "collect": "物理归集",
    "call": "接口调用",
    "verify_method": "数据核验",
    "public": "公开",
    "non_public": "非公开",
    "mixed": "部分公开",
    "enterprise": "企业",
    "institution": "接入机构",
    "platform": "平台",
    "department": "部门",
    "node": "节点",
}


@register.filter
def t(text: str) -> str:
    """A Chinese text of the engine or of content, in the reader's language."""
    return translate(text)


@register.filter
def name(thing: Any) -> str:
    """The name of an item, field, indicator or department in the reader's language."""
    return thing.name_en if is_english() else thing.name


@register.filter
def words(pair: Any) -> str:
    """A pair of sentences (``zh``, ``en``) in the reader's language."""
    return pair.en if is_english() else pair.zh


@register.filter
def word(code: str) -> str:
    """A stored code in words: codes are never shown to a reader."""
    return translate(STATUS_WORDS.get(str(code), str(code)))


@register.filter
def yuan(fen: int | None) -> str:
    """Fen as yuan with separators; nothing for nothing."""
    return "" if fen is None else format_fen(int(fen))


@register.filter
def day(value: Any) -> str:
    """A date or instant as a full date in Beijing time."""
    if isinstance(value, str) and value:
        value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    if isinstance(value, datetime):
        value = timezone.localtime(value).date() if value.tzinfo else value.date()
    return value.isoformat() if value else "—"


@register.filter
def moment(value: Any) -> str:
    """An instant to the minute in Beijing time."""
    if isinstance(value, str) and value:
        value = datetime.fromisoformat(value)
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M}" if value else "—"


@register.simple_tag
def state_tag(block: Any) -> SafeString:
    """Value, verified none or not known with its reason, as a tag of word and colour."""
    tone, text = STATES[block["state"]]
    why = translate(WHY[block["why"]]) if block.get("why") else ""
    note = format_html(' <span class="muted small">{}</span>', why) if why else ""
    return format_html('<span class="tag {}">{}</span>{}', tone, translate(text), note)


@register.simple_tag
def status_tag(code: str) -> SafeString:
    """A status as a tag of word and colour."""
    return format_html('<span class="tag {}">{}</span>', STATUS_TONES.get(str(code), ""), word(code))


@register.simple_tag
def label_tag(state: Any) -> SafeString:
    """A state that knows its own word as a tag of that word and its colour."""
    return format_html('<span class="tag {}">{}</span>', STATUS_TONES.get(str(state), ""), translate(state.label))


@register.filter
def figure_word(code: str) -> str:
    """What a figure of an alert counts."""
    return translate(ALERT_FIGURES.get(code, code))


@register.simple_tag
def meter(points: int, known: int, maximum: int) -> SafeString:
    """A bar of points out of the maximum, with what is not known hatched at its end."""
    scale = max(maximum, 1)
    hatch = format_html('<i style="width:{}%"></i>', round(100 * (maximum - known) / scale)) if known < maximum else ""
    return format_html(
        '<span class="meter" aria-hidden="true"><span style="width:{}%"></span>{}</span>',
        round(100 * points / scale),
        hatch,
    )


@register.filter
def masked(actor: str) -> str:
    """An actor as an enterprise may see it: what kind, and the last two characters of its number."""
    kind, _, number = actor.partition(":")
    return f"{translate(ACTORS.get(kind, kind))} **{number[-2:]}"


@register.filter
def listed(texts: Any) -> str:
    """Texts one after the other, with the comma of the reader's language."""
    return (", " if is_english() else "、").join(map(str, texts))


@register.filter
def names(things: Any) -> str:
    """Names of several items, one after the other."""
    return listed(map(name, things))


@register.filter
def get(mapping: Any, key: str) -> Any:
    """The value of a key, or nothing."""
    return mapping.get(key, "")


@register.filter
def percent(share: float) -> str:
    """A probability, never rounded up to certainty."""
    return "> 99.9 %" if share > 0.999 else f"{100 * share:.1f} %"


@register.filter
def odds(factor: float) -> str:
    """By what a feature multiplies or divides the odds."""
    sign, value = ("×", factor) if factor >= 1 else ("÷", 1 / factor if factor else 0)
    return f"{sign} {value:,.0f}" if value >= 10 else f"{sign} {value:.1f}"


@register.filter
def hundredths(value: int | None) -> str:
    """A number kept in hundredths, with two decimals."""
    return "—" if value is None else f"{value // 100}.{value % 100:02d}"


@register.filter
def purpose(code: str) -> str:
    """A purpose code in words."""
    known = {**{c: (o.name, o.name_en) for c, o in get_template().purposes.items()}, **OTHER_PURPOSES}
    zh, en = known.get(code, (code, code))
    return en if is_english() else zh


@register.filter
def items_of(codes: Any) -> list[Any]:
    """Items of these codes, also those that have left the list: what happened names them."""
    return [item_ever(code) for code in codes]


@register.simple_tag
def answer_text(question: Any, answer: str) -> str:
    """An answer of a dossier as a person reads it; a name of a place stays as it is."""
    if question.kind == "yes_no":
        said = {"yes": "是", "no": "否"}.get(answer, "—")
        return translate(said)
    found = dict(question.choices).get(answer)
    if found is not None and found.zh == found.en:
        return format_html('<span lang="zh-Hans">{}</span>', found.zh)
    return words(found) if found is not None else answer or "—"


@register.filter
def label(fld: Any) -> str:
    """A field's name with its unit where the stored value has one."""
    unit = translate("（元）") if fld.type == FieldType.MONEY else ""
    return f"{name(fld)}{unit}"


@register.simple_tag
def cell(fld: Any, row: Any) -> str:
    """A field of a row as a person reads it."""
    first = row.get(fld.columns[0])
    if first is None:
        return "—"
    if fld.type == FieldType.CAPITAL:
        return f"{format_fen(first)} {row.get(fld.columns[1]) or ''}"
    if fld.type == FieldType.MONEY:
        return format_fen(first)
    if fld.type == FieldType.MONTH:
        return str(first)[:7]
    if fld.type == FieldType.BOOLEAN:
        return translate("是") if first else translate("否")
    return translate(ERASED) if first == ERASED else str(first)


@register.simple_tag
def figure(facts: Any, value: Any) -> str:
    """An indicator's value with its unit."""
    if value is None:
        return "—"
    if facts.unit == "fen":
        return format_fen(int(value))
    if facts.unit == "flag":
        return translate("是") if int(value) else translate("否")
    if facts.unit in ("percent", "ratio"):
        return f"{Decimal(value):.1f}{'%' if facts.unit == 'percent' else ''}"
    return f"{value} {translate(UNITS.get(facts.unit, ''))}".strip()


@register.filter
def fact(code: str) -> Any:
    """The declaration of an indicator."""
    return facts_by_code()[code]


@register.filter
def flag_word(code: str) -> str:
    """What a flag on a stored row means."""
    return translate(RULES[code].title)


@register.filter
def minus(number: int, other: int) -> int:
    """What is left of a number."""
    return number - other


@register.filter
def shown_fields(item: Any, rows: Any) -> list[Any]:
    """The fields that an answer's rows hold, the subject's code left out."""
    present = {column for row in rows for column in row}
    return [f for f in item.fields if f.role != Role.ENTERPRISE and f.columns[0] in present]


@register.filter
def thousands(number: int | None) -> str:
    """A whole number with separators."""
    return f"{number or 0:,}"


@register.filter
def elided(text: str) -> str:
    """A message's pattern with its placeholders left open."""
    return re.sub(r"\{\w+\}", "…", text)
