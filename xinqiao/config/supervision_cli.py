"""``xinqiao supervision …``: watch the ledger, list alerts, plant canaries."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.config.console import ACTOR, explained, out
from xinqiao.supervision.canaries import plant_canaries
from xinqiao.supervision.queries import count_canaries, list_alerts
from xinqiao.supervision.types import AlertState
from xinqiao.supervision.watch import watch
from xinqiao.violations.queries import list_cases

supervision_app = typer.Typer(no_args_is_help=True, help="滥用监测与违法违规线索")


@supervision_app.command("watch")
def watch_once() -> None:
    """看一遍账本（后台任务每半分钟看一遍）。"""
    with explained():
        found = watch(now=datetime.now(UTC))
    out.print(f"[green]✔[/green] 新增或增长的告警 {len(found)} 条")


@supervision_app.command("alerts")
def alerts(
    open_only: Annotated[bool, typer.Option("--open", help="只列待处置的")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False,
) -> None:
    """列出告警。"""
    found = list_alerts(state=AlertState.OPEN if open_only else None)
    if as_json:
        out.print_json(json.dumps([asdict(alert) for alert in found], ensure_ascii=False, default=str))
        return
    table = Table("编号", "情形", "机构", "谁", "查询", "最近", "状态")
    for a in found:
        when = f"{a.last_at:%Y-%m-%d %H:%M}"
        table.add_row(str(a.id), a.sentinel.label, a.organisation, a.actor, str(len(a.accesses)), when, a.state.label)
    out.print(table)


@supervision_app.command("cases")
def cases(
    open_only: Annotated[bool, typer.Option("--open", help="只列在办的")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False,
) -> None:
    """列出违法违规线索，剩余时间少的在前。"""
    found = list_cases(ended=False if open_only else None)
    if as_json:
        out.print_json(json.dumps([asdict(case) for case in found], ensure_ascii=False, default=str))
        return
    table = Table("编号", "种类", "对象", "来源", "状态", "期限")
    for c in found:
        table.add_row(c.id, c.kind, c.organisation, c.source.label, c.state.label, str(c.due_on or ""))
    out.print(table)


@supervision_app.command("canaries")
def canaries(count: Annotated[int, typer.Argument(help="布设几家")] = 20) -> None:
    """布设哨兵企业：虚构、完整、没有人有理由知道。是哪几家不显示。"""
    with explained():
        plant_canaries(count, actor=ACTOR, now=datetime.now(UTC))
    out.print(f"[green]✔[/green] 已布设 {count} 家，共 {count_canaries()} 家")
