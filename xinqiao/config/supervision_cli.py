"""``xinqiao supervision …``: watch the ledger, list alerts, plant canaries."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.config.console import ACTOR, explained, out
from xinqiao.release.queries import get_access
from xinqiao.supervision.canaries import plant_canaries
from xinqiao.supervision.queries import count_canaries, list_alerts
from xinqiao.supervision.types import AlertState
from xinqiao.supervision.watch import watch
from xinqiao.tracing.actions import trace_copy
from xinqiao.tracing.rules import CHANCE
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


def trace(
    file: Annotated[Path, typer.Argument(help="发现的副本：文本、HTML、PDF 或 JSON")],
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False,
) -> None:
    """外泄副本溯源：指出副本来自哪次查询；指不出时状态为 1。"""
    with explained():
        found = trace_copy(file.read_bytes(), name=file.name, actor=ACTOR, now=datetime.now(UTC))
    if as_json:
        out.print_json(json.dumps(asdict(found), ensure_ascii=False, default=str))
    else:
        table = Table("查询", "机构", "谁", "依据", "一致", "强度（位）")
        for read in found.reads:
            line = get_access(read.access)
            agree = f"{read.agree}/{read.shown}"
            table.add_row(read.access, line.recipient_code, line.actor, read.carrier.label, agree, f"{read.bits:.0f}")
        out.print(table)
        out.print(f"候选查询 {found.candidates}，误指的概率不超过 {CHANCE:g}", highlight=False)
    raise typer.Exit(0 if found.reads else 1)
