"""``xinqiao daybook``: an institution's book of receipts, its signed days; ``xinqiao reconcile``: the node's side."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from xinqiao.client.book import Book, NotHandedIn, hand_in
from xinqiao.client.checking import Asked, NotEvidenced
from xinqiao.config.console import err, explained, out
from xinqiao.oauth.caller import Program
from xinqiao.reconciliation.jobs import settle_days
from xinqiao.reconciliation.queries import list_days
from xinqiao.reconciliation.types import DayState

daybook_app = typer.Typer(no_args_is_help=True, help="机构一侧：收用台账的登记、签名、报送")
reconcile_app = typer.Typer(no_args_is_help=True, help="节点一侧：双方对账")
BookFile = Annotated[Path, typer.Argument(help="台账文件（只追加）")]
KeyFile = Annotated[Path, typer.Option("--client", help="客户端密钥文件")]
Organisation = Annotated[str, typer.Option(help="机构代码")]
Revision = Annotated[int, typer.Option(min=1, help="这一天的第几次报送；更正时加一")]


@contextmanager
def _spoken() -> Iterator[None]:
    """Failures of the institution's side in one line and status 1."""
    try:
        yield
    except (OSError, ValueError, KeyError, NotEvidenced, NotHandedIn, urllib.error.URLError) as error:
        err.print(f"[red]✖[/red] {' '.join(map(str, error.args))}", highlight=False)
        raise typer.Exit(1) from error


@daybook_app.command("note")
def note(
    book: BookFile,
    answer: Annotated[Path, typer.Option(help="接口的回答（JSON 文件）")],
    vkey: Annotated[list[str], typer.Option(help="存证日志的公钥，从节点以外的渠道取得")],
) -> None:
    """核验一份回答的回执，成立的登记为收到。"""
    with _spoken():
        said: dict[str, Any] = json.loads(answer.read_text("utf-8"))
        document = said["document"]
        asked = Asked(document["recipient"]["code"], document["enterprise"], document["purpose"], document["form"])
        found = Book(book).receive(said, asked=asked, vkeys=vkey)
    out.print(f"[green]✔[/green] {found.access}")


@daybook_app.command("use")
def use(
    book: BookFile, access: str, code: Annotated[str, typer.Argument(help="用途代码")], organisation: Organisation
) -> None:
    """登记一次使用。"""
    with _spoken():
        Book(book).use(access, code, organisation=organisation, at=datetime.now(UTC))
    out.print(f"[green]✔[/green] {access} {code}")


@daybook_app.command("make")
def make(
    book: BookFile,
    day: Annotated[str, typer.Argument(help="日期，如 2026-11-20（北京时间）")],
    organisation: Organisation,
    client: KeyFile,
    to: Annotated[Path, typer.Option("--out", help="写到这个文件，可在门户上传")],
    revision: Revision = 1,
) -> None:
    """把一天的台账签名成文件。"""
    with _spoken():
        found = Book(book).day(organisation, date.fromisoformat(day))
        key = json.loads(client.read_text("utf-8"))["key"]
        to.write_text(json.dumps(found.file(revision, key=key)), "utf-8")
    out.print(f"[green]✔[/green] 收到 {len(found.received)}，使用 {len(found.used)}：{to}", highlight=False)


@daybook_app.command("send")
def send(
    book: BookFile,
    day: Annotated[str, typer.Argument(help="日期，如 2026-11-20（北京时间）")],
    organisation: Organisation,
    client: KeyFile,
    server: Annotated[str, typer.Option(help="节点地址")] = "http://127.0.0.1:8000",
    revision: Revision = 1,
) -> None:
    """报送一天的台账，补节点要的明细，打印核对结果；不一致时状态为 1。"""
    with _spoken():
        program = Program.load(client, server=server)
        found = Book(book).day(organisation, date.fromisoformat(day))
        said = hand_in(found, revision=revision, key=program.key, call=program.call)
    out.print_json(json.dumps(said, ensure_ascii=False))
    raise typer.Exit(0 if said["state"] == "agreed" else 1)


@reconcile_app.command("settle")
def settle() -> None:
    """登记逾期和到期仍不一致的（后台任务每半小时做一遍）。"""
    with explained():
        found = settle_days(now=datetime.now(UTC))
    out.print(f"[green]✔[/green] 新登记线索 {len(found)} 条")


@reconcile_app.command("list")
def list_(
    open_only: Annotated[bool, typer.Option("--open", help="只列不一致和逾期的")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False,
) -> None:
    """列出各机构各日的对账。"""
    found = [d for d in list_days(limit=1000) if not open_only or d.state is not DayState.AGREED]
    if as_json:
        out.print_json(json.dumps([asdict(day) for day in found], ensure_ascii=False, default=str))
        return
    table = Table("日期", "机构", "状态", "期限", "不一致", "线索")
    for d in found:
        table.add_row(str(d.day), d.organisation, d.state.label, str(d.due_on), str(d.mismatches), d.case)
    out.print(table)
