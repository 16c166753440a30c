"""``xinqiao proceeding …``: proceedings, the bodies they go to, the node's key for them, one round of the messenger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.config.console import explained, out
from xinqiao.judicial.jobs import carry
from xinqiao.settlement.queries import bodies_health, with_due
from xinqiao.settlement.statements import own_jwk

proceeding_app = typer.Typer(no_args_is_help=True, help="公证、仲裁、诉讼")
AsJson = Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")]


@proceeding_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出公证、仲裁和诉讼，剩余时间少的在前。"""
    found = with_due()
    if as_json:
        rows = [
            {"id": p.id, "kind": p.kind, "state": p.state, "body": p.body, "court": p.court, "due_on": p.due_on}
            for p in found
        ]
        out.print_json(json.dumps(rows, ensure_ascii=False, default=str))
        return
    table = Table("编号", "方式", "企业", "受理机构", "状态", "期限")
    for p in found:
        table.add_row(p.id, p.kind.label, p.enterprise, p.body, p.state.label, str(p.due_on or ""))
    out.print(table)


@proceeding_app.command("bodies")
def bodies() -> None:
    """各受理机构：是否程序对接、待送达多少、最近怎样应答。"""
    with explained():
        found = bodies_health()
    table = Table("机构", "类别", "方式", "待送达", "最近应答", "状况")
    for one in found:
        way = "程序对接" if one.body.connected else "司法门户"
        answered = f"{one.answered_at:%Y-%m-%d %H:%M:%S}" if one.answered_at else ""
        table.add_row(one.body.name, one.body.kind.label, way, str(one.waiting), answered, one.trouble or "正常")
    out.print(table)


@proceeding_app.command("carry")
def carry_() -> None:
    """立即送达、查询并登记结果一轮（平时由后台任务每几秒完成）。"""
    with explained():
        moved = carry(now=datetime.now(UTC))
    out.print(f"[green]✔[/green] {moved} 项")


@proceeding_app.command("key")
def key() -> None:
    """打印本节点向受理机构签名所用公钥（JWK），交给对方。"""
    out.print_json(json.dumps(own_jwk()))
