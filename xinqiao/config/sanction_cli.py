"""``xinqiao sanction …``: list sanctions, give the records what stands."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.config.console import explained, out
from xinqiao.sanctions.jobs import record_sanctions
from xinqiao.sanctions.queries import list_sanctions

sanction_app = typer.Typer(no_args_is_help=True, help="失信惩戒")


@sanction_app.command("list")
def list_(
    open_only: Annotated[bool, typer.Option("--open", help="只列未结束的")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False,
) -> None:
    """列出惩戒，剩余时间少的在前。"""
    found = list_sanctions(open_only=open_only)
    if as_json:
        out.print_json(json.dumps([asdict(one) for one in found], ensure_ascii=False, default=str))
        return
    table = Table("编号", "企业", "认定文书", "措施", "状态", "期限")
    for s in found:
        table.add_row(s.id, s.enterprise, s.document_no, " ".join(s.measures), s.state.label, str(s.due_on or ""))
    out.print(table)


@sanction_app.command("record")
def record() -> None:
    """把生效的登记到信用数据库，把已结束的撤下（后台任务每分钟做一遍）。"""
    with explained():
        count = record_sanctions(now=datetime.now(UTC))
    out.print(f"[green]✔[/green] {count} 条")
