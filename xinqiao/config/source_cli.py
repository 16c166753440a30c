"""``xinqiao source``: connections to the exchange platform and the national platform."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.config.console import ACTOR, err, explained, out
from xinqiao.kernel.identifiers import parse_uscc
from xinqiao.sharing.queries import current_list
from xinqiao.sources.actions import ask_sources, forget_heard
from xinqiao.sources.adapters.database import ExchangeTables
from xinqiao.sources.adapters.files import FileInbox
from xinqiao.sources.adapters.service import SignedService
from xinqiao.sources.pulling import pull
from xinqiao.sources.queries import linked, standing
from xinqiao.sources.types import Mode, Unreachable

source_app = typer.Typer(no_args_is_help=True, help="来源连接：交换平台、全国平台的文件、数据库、服务接口")
AsJson = Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")]
ADAPTERS = {Mode.FILE: FileInbox, Mode.DATABASE: ExchangeTables, Mode.SERVICE: SignedService}


@source_app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """每个连接：方式、数据项、是否接通、是否熔断、最近一次成功。"""
    with explained():
        found = standing()
    if as_json:
        rows = [
            {"code": s.connection.code, "mode": s.connection.mode, "linked": s.linked, "items": s.connection.items}
            | {"open": s.circuit.opened_at, "last_ok_at": s.circuit.last_ok_at, "pulled_at": s.pulled_at}
            for s in found
        ]
        out.print_json(json.dumps(rows, ensure_ascii=False, default=str))
        return
    table = Table("连接", "名称", "方式", "数据项", "状态", "最近成功")
    for s in found:
        state = "未接通" if not s.linked else "熔断中" if s.circuit.opened_at else "正常"
        at = s.pulled_at or s.circuit.last_ok_at
        last = f"{at:%Y-%m-%d %H:%M}" if at else "—"
        table.add_row(
            s.connection.code, s.connection.name, s.connection.mode.label, str(len(s.connection.items)), state, last
        )
    out.print(table)


@source_app.command("check")
def check(connection: str) -> None:
    """试一个连接通不通；什么也不取。"""
    with explained():
        ADAPTERS[linked(connection)[0].mode](*linked(connection)).check()
    out.print(f"[green]✔[/green] {connection} 通")


@source_app.command("pull")
def pull_now(connection: str) -> None:
    """立即从文件或数据库连接取一次；后台任务每分钟取一次。"""
    with explained():
        found = pull(connection, now=datetime.now(UTC))
    out.print(f"取得 {found.taken} 份，收下 {found.accepted} 行，退回 {found.returned} 行")
    for fault in found.faults:
        err.print(f"[red]✖[/red] {fault}")
    raise typer.Exit(1 if found.faults else 0)


@source_app.command("ask")
def ask(enterprise: str, items: Annotated[list[str], typer.Argument(help="数据项")]) -> None:
    """现在就向来源查询一家企业的数据项，取得的登记为来件并留痕。"""
    with explained():
        code, found = parse_uscc(enterprise).code, [current_list().item(item) for item in items]
        for item in found:
            forget_heard(enterprise=code, item=item.code)
        said = ask_sources(code, found, actor=ACTOR, now=datetime.now(UTC))
        if not said:
            raise Unreachable(source="、".join(items), why="这些数据项没有接通的服务接口")
    for heard in said:
        out.print(f"{heard.item}　{heard.state}　{heard.detail}")
    raise typer.Exit(1 if any(heard.why for heard in said) else 0)
