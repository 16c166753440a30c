"""``xinqiao directory …``: make the index of enterprises, find in it."""

from __future__ import annotations

from datetime import UTC, datetime

import typer
from rich.table import Table

from xinqiao.config.console import ACTOR, explained, out
from xinqiao.directory.actions import find
from xinqiao.directory.build import rebuild as build_anew

directory_app = typer.Typer(no_args_is_help=True, help="企业名录")


@directory_app.command("rebuild")
def rebuild() -> None:
    """重新生成名录（后台任务在数据或评价更新后一分钟内自动生成）。"""
    with explained():
        made = build_anew(actor=ACTOR, now=datetime.now(UTC), progress=lambda text: out.print(f"… {text}"))
    out.print(f"[green]✔[/green] 名录 {made.enterprises:,} 家")


@directory_app.command("find")
def find_by_text(text: str) -> None:
    """按名称、拼音首字母或代码开头查找。"""
    with explained():
        found = find(text, organisation="node", actor=ACTOR, now=datetime.now(UTC))
    table = Table("统一社会信用代码", "企业名称", "行政区划", "成立")
    for entry in found.entries:
        table.add_row(entry.code, entry.name, entry.division, str(entry.registered_on or ""))
    out.print(table)
    out.print(f"共 {found.total} 家" if found.total is not None else "匹配的很多，名称最短的在前")
