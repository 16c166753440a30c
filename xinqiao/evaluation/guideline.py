"""The evaluation guideline (评价指引): a scorecard as a document that platforms receive and people read.

Everything in it comes from the scorecard, the declarations of its indicators and its calibration; nothing is typed
twice. As JSON it is what the node hands to platforms, so that a basic evaluation made there follows the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xinqiao.evaluation.types import CardIndicator, Document, Scorecard, Words
from xinqiao.indicators.types import Bin, IndicatorFacts

Facts = Mapping[str, IndicatorFacts]


def guideline(card: Scorecard, facts: Facts, calibration: Document | None) -> Document:
    """The guideline of a scorecard as JSON values: rules, indicators, items they need, calibration if there is one."""
    used = [facts[i.code] for i in card.indicators] + [facts[v.rule.indicator] for v in card.vetoes]
    return {
        "v": 1,
        "code": card.code,
        "version": card.version,
        "name": card.name.zh,
        "name_en": card.name.en,
        "since": card.since.isoformat(),
        "draft": card.draft,
        "basis": card.basis,
        "scorecard_sha256": card.sha256,
        "maximum": card.maximum,
        "minimum_coverage": card.minimum_coverage,
        "items": sorted({item for one in used for item in one.items}),
        "grades": [{"grade": g.grade, "at_least": g.at_least, **_words("meaning", g.meaning)} for g in card.grades],
        "vetoes": [
            {
                "code": v.rule.code,
                "indicator": v.rule.indicator,
                "at_least": v.rule.at_least,
                "grade": v.rule.grade,
                **_words("reason", v.reason),
                "clause": v.clause,
            }
            for v in card.vetoes
        ],
        "dimensions": [
            {
                "code": d.code,
                **_words("name", d.name),
                "maximum": d.maximum,
                "indicators": [_indicator(i, facts[i.code]) for i in d.indicators],
            }
            for d in card.dimensions
        ],
        "calibration": calibration,
    }


def _words(key: str, words: Words) -> dict[str, str]:
    return {key: words.zh, f"{key}_en": words.en}


def _indicator(one: CardIndicator, facts: IndicatorFacts) -> Document:
    return {
        "code": one.code,
        "name": facts.name,
        "name_en": facts.name_en,
        "items": list(facts.items),
        "unit": facts.unit,
        "better": facts.better,
        "months": facts.months,
        "maximum": one.maximum,
        "bins": [_bin(b) for b in one.bins],
        "basis": facts.basis,
        **_words("up", one.up),
        **_words("down", one.down),
        **_words("improve", one.improve),
    }


def _bin(one: Bin) -> Document:
    return {"below": one.below, "values": list(one.values), "points": one.points}


def as_markdown(document: Mapping[str, Any]) -> str:
    """The guideline as one page of Markdown, Chinese with English names."""
    head = f"# {document['name']}评价指引 v{document['version']}{'（草案）' if document['draft'] else ''}"
    facts = (
        f"自 {document['since']} 起施行。满分 {document['maximum']} 分；有数据支持的分值不到 "
        f"{document['minimum_coverage']}% 的不评等级。缺少的数据不给分，只降低覆盖度。\n\n依据：{document['basis']}\n\n"
        f"评分卡文件 SHA-256：`{document['scorecard_sha256']}`\n\n所需数据项：{'、'.join(document['items'])}"
    )
    grades = [(g["grade"], _or_dash(g["at_least"]), g["meaning"]) for g in document["grades"]]
    vetoes = [(v["reason"], v["grade"], v["clause"]) for v in document["vetoes"]]
    parts = [head, facts, "## 等级", _table(("等级", "最低分", "含义"), grades)]
    parts += ["## 否决项", _table(("情形", "等级", "依据"), vetoes)]
    for dimension in document["dimensions"]:
        parts.append(f"## {dimension['name']} {dimension['name_en']}（{dimension['maximum']} 分）")
        parts.append(_table(("指标", "取值与得分", "回看月数", "依据"), [_line(i) for i in dimension["indicators"]]))
    return "\n\n".join([*parts, *_calibrated(document["calibration"])]) + "\n"


def _line(one: Mapping[str, Any]) -> tuple[str, ...]:
    bins = " · ".join(f"{_range(b)} → {b['points']}" for b in one["bins"])
    return f"{one['name']} {one['name_en']} `{one['code']}`", bins, _or_dash(one["months"]), one["basis"]


def _range(one: Mapping[str, Any]) -> str:
    if one["values"]:
        return "、".join(one["values"])
    return "其余" if one["below"] is None else f"< {one['below']}"


def _calibrated(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return []
    text = (
        f"按示例（合成）省份标定：{found['valid_on']} 的 {found['firms']} 户，其后 {found['months']} 个月内 "
        f"{found['failed']} 户违约；分数把违约户排在其余户之下的比例为 {found['separation'] / 100:.2f}%。"
        "合成数据只说明评分卡怎样起作用，不说明真实企业的违约率。"
    )
    bands = [
        (b["grade"], _or_dash(b["at_least"]), b["firms"], _hundredths(b["share"]), b["failed"], _hundredths(b["rate"]))
        for b in found["bands"]
    ]
    moved = [
        (f"`{s['indicator']}`", s["maximum"], *(_hundredths(s[k]) for k in ("dropped", "less", "more")))
        for s in found["sensitivity"]
    ]
    return [
        "## 标定结果",
        text,
        _table(("等级", "最低分", "户数", "占比 %", "违约户", "违约率 %"), bands),
        "## 敏感性：权重变动时等级改变的企业占比",
        _table(("指标", "分值", "去掉 %", "减两成 %", "加两成 %"), moved),
    ]


def _hundredths(value: int | None) -> str:
    return "—" if value is None else f"{value // 100}.{value % 100:02d}"


def _or_dash(value: object) -> str:
    return "—" if value is None else str(value)


def _table(headings: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)
