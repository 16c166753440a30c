"""``xinqiao dispute …``: what is under way, the clocks, corrections to tell, and answers made again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from xinqiao.config.console import explained, out
from xinqiao.corrections.rippling import ripple_waiting
from xinqiao.disputes import queries
from xinqiao.disputes.clocks import keep_clocks
from xinqiao.disputes.rules import day_begins
from xinqiao.disputes.settling import settle_corrected
from xinqiao.release.replaying import answered_lines, is_reproduced

dispute_app = typer.Typer(no_args_is_help=True, help="异议、更正与重做答复")


@dispute_app.command("board")
def board() -> None:
    """在办异议，最急的在前。"""
    with explained():
        rows = queries.board(now=datetime.now(UTC))
    for dispute, turn in rows:
        late = "　[red]已超时[/red]" if turn.over else ""
        out.print(f"{dispute.id}　{dispute.state.label}　{turn.holder.label} {turn.due_on}{late}", highlight=False)
    out.print(f"在办 {len(rows)} 件")


@dispute_app.command("clocks")
def clocks() -> None:
    """给出到期提醒，接管渠道逾期未转送的（后台任务每分钟一遍）。"""
    with explained():
        given = keep_clocks(now=datetime.now(UTC))
    out.print(f"[green]✔[/green] 提醒 {given} 次")


@dispute_app.command("ripple")
def ripple() -> None:
    """告知更正：找出拿到过错误信息的全部答复（后台任务每十秒一遍）。"""
    with explained():
        found = ripple_waiting(now=datetime.now(UTC))
        settle_corrected(now=datetime.now(UTC))
    out.print(f"[green]✔[/green] 当时有误的答复 {found} 份")


@dispute_app.command("replay")
def replay(day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="哪一天，北京时间")]) -> None:
    """按当时所知重做一天的全部答复，与账本中的摘要核对；有不一致时退出码为 1。"""
    since, done, differing = day_begins(day.date()), 0, 0
    with explained():
        for line in answered_lines(since=since, until=since + timedelta(days=1)):
            done += 1
            if not is_reproduced(line.id):
                differing += 1
                out.print(f"[red]✖[/red] {line.id}", highlight=False)
    out.print(f"重做 {done} 份，不一致 {differing} 份")
    raise typer.Exit(1 if differing else 0)
