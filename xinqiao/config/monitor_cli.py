"""``xinqiao monitor …``: one pass, a full recomputation beside it, signals and the precision of each rule."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.config.console import err, explained, out
from xinqiao.monitoring.content import signals
from xinqiao.monitoring.passing import monitor, recompute, standing
from xinqiao.monitoring.pushing import push_waiting
from xinqiao.monitoring.queries import list_signals, low_rules, precisions

monitor_app = typer.Typer(no_args_is_help=True, help="风险监测")
AsJson = Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")]


@monitor_app.command("run")
def run_once() -> None:
    """看一遍新报送的数据并推送（后台任务每半分钟一遍）。"""
    with explained():
        done = monitor(now=datetime.now(UTC))
        told = push_waiting(now=datetime.now(UTC))
    out.print(
        f"[green]✔[/green] 涉及企业 {done.enterprises}　新信号 {done.raised}　撤回 {done.withdrawn}"
        f"　结束监测 {done.ended}　推送 {told}"
    )


@monitor_app.command("recompute")
def recompute_all() -> None:
    """对全部监测企业、全部规则重算，与现有信号逐条核对；不改动任何数据。"""
    now = datetime.now(UTC)
    with explained():
        wanted, have = recompute(now=now), standing(now=now)
    for watch, (firm, rule, key) in sorted(wanted ^ have):
        side = "缺" if (watch, (firm, rule, key)) in wanted else "多"
        err.print(f"[red]✖[/red] {side}：监测 {watch} {firm} {rule} {key}")
    out.print(f"重算 {len(wanted)} 条，现有 {len(have)} 条，{'一致' if wanted == have else '不一致'}")
    raise typer.Exit(0 if wanted == have else 1)


@monitor_app.command("list")
def listed(as_json: AsJson = False, limit: Annotated[int, typer.Option(help="最多几条")] = 50) -> None:
    """列出最近的信号。"""
    found = list_signals(limit=limit)
    if as_json:
        out.print_json(json.dumps([asdict(signal) for signal in found], ensure_ascii=False, default=str))
        return
    table = Table("编号", "企业", "规则", "等级", "状态", "生成", "到期")
    for one in found:
        when = f"{one.raised_at:%Y-%m-%d %H:%M}"
        table.add_row(one.id, one.enterprise, one.rule, one.level, one.state.label, when, str(one.expires_on))
    out.print(table)


@monitor_app.command("precision")
def precision(as_json: AsJson = False) -> None:
    """每条规则的准确率：有用的回复占全部回复。"""
    found = precisions()
    low = low_rules(found)
    if as_json:
        rows = [{**asdict(one), "percent": one.percent, "low": one.rule in low} for one in found]
        out.print_json(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("规则", "名称", "推送", "回复", "有用", "准确率")
    for one in found:
        rule = signals().rule(one.rule)
        share = "–" if one.percent is None else f"{one.percent}%{'（偏低）' if one.rule in low else ''}"
        name = rule.name.zh if rule else ""
        table.add_row(one.rule, name, str(one.told), str(one.replied), str(one.useful), share)
    out.print(table)
