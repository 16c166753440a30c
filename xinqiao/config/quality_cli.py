"""``xinqiao quality``: today's cards, made first if need be; what is late, down or contradictory."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Column, Table

from xinqiao.config.console import ACTOR, err, explained, out
from xinqiao.evidence.actions import sequence
from xinqiao.kernel.dated import beijing_day
from xinqiao.quality.actions import end_outage, report_outage
from xinqiao.quality.cards import as_document
from xinqiao.quality.jobs import daily_pass
from xinqiao.quality.queries import list_cards, list_reminders
from xinqiao.quality.types import Aspect, Card
from xinqiao.sharing.queries import current_list


def quality(
    provider: Annotated[str, typer.Option(help="只看这个部门")] = "",
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="看哪一天；默认今天，并先生成")] = None,
    down: Annotated[str, typer.Option(help="报告这个数据项的来源停机（与 --reason 同用）")] = "",
    back: Annotated[str, typer.Option(help="这个数据项的来源已恢复")] = "",
    reason: Annotated[str, typer.Option(help="停机的原因")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False,
) -> None:
    """质量卡：及时、完整、有效、唯一、一致；逾期、停机与跨部门核对的发现。"""
    now, catalogue = datetime.now(UTC), current_list()
    with explained():
        if down:
            report_outage(catalogue.item(down), reason=reason, actor=ACTOR, now=now)
        if back:
            end_outage(catalogue.item(back), actor=ACTOR, now=now)
        if day is None:
            with err.status("核对与计算…"):
                daily_pass(actor=ACTOR, now=now)
        sequence(now=datetime.now(UTC))
        cards = list_cards(day=day.date() if day else beijing_day(now), provider=provider or None)
    if as_json:
        out.print_json(json.dumps([as_document(card) for card in cards], ensure_ascii=False))
        return
    _print(cards)
    late = list_reminders(provider=provider or None)
    if late:
        out.print(f"待处理的提醒 {len(late)} 条：" + "；".join(f"{r.item} {r.kind.label}" for r in late[:10]))


def _print(cards: list[Card]) -> None:
    catalogue = current_list()
    table = Table("编号", Column("数据项", overflow="fold"), "现状", "行数", *(aspect.label for aspect in Aspect))
    for card in cards:
        item = catalogue.item(card.item)
        figures = [_percent(card.figures[aspect].hundredths) for aspect in Aspect]
        table.add_row(item.list_code, item.name, card.state.label, str(card.rows), *figures)
    out.print(table)


def _percent(hundredths: int | None) -> str:
    return "—" if hundredths is None else f"{hundredths // 100}.{hundredths % 100:02d}%"
