"""``xinqiao retention …``: the rules, and one pass of deletion."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from xinqiao.config.console import explained, out
from xinqiao.retention.actions import delete_expired_records
from xinqiao.retention.queries import retention_rules

retention_app = typer.Typer(no_args_is_help=True, help="保存期限")


@retention_app.command("rules")
def rules() -> None:
    """到期删除什么、长期保存什么，及其依据。"""
    with explained():
        found = retention_rules()
    for one in found.deletions.values():
        out.print(f"删除　{one.item}　自 {one.ended} 起 {found.years} 年（代码 {found.persons} 开头）", highlight=False)
    for kept in found.kept:
        out.print(f"保存　{kept.what}　不少于 {kept.years} 年　{kept.basis}", highlight=False)


@retention_app.command("run")
def run_once() -> None:
    """删除到期的个人不良信息（后台任务每小时一遍）。"""
    with explained():
        found = delete_expired_records(now=datetime.now(UTC))
    for item, count in sorted(found.items()):
        out.print(f"{item}　{count} 行", highlight=False)
    out.print(f"[green]✔[/green] 删除 {sum(found.values())} 行")
