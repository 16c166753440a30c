"""``xinqiao federation …``: this node's card, links, what waits, what is held, replay."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from xinqiao.config.console import ACTOR, err, explained, out
from xinqiao.evidence.actions import sequence
from xinqiao.federation import linking
from xinqiao.federation.adapters import above
from xinqiao.federation.collecting import collect, publish_documents
from xinqiao.federation.effects import hand_over_outcomes
from xinqiao.federation.keys import own_card
from xinqiao.federation.queries import (
    alarms,
    differences,
    get_link,
    link_state,
    list_flows,
    list_held,
    list_links,
)
from xinqiao.federation.receiving import give_up, try_again
from xinqiao.federation.refusals import UnknownLink
from xinqiao.federation.rules import card_bytes, fingerprint
from xinqiao.federation.statistics import network_counts
from xinqiao.federation.sync import link_above, replay, sync
from xinqiao.federation.types import HeldState, Side

federation_app = typer.Typer(no_args_is_help=True, help="节点互联：上级国家平台，下级市级平台")
AsJson = Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")]
Reason = Annotated[str, typer.Option(help="理由，留痕")]


def _now() -> datetime:
    return datetime.now(UTC)


def _print(data: Any) -> None:
    out.print_json(json.dumps(data, ensure_ascii=False, default=str))


@federation_app.command("card")
def card(file: Annotated[Path, typer.Argument(help="写到哪个文件")]) -> None:
    """导出本节点的名片，交给对方；指纹请用电话等另一途径告知对方的第二人。"""
    with explained():
        found = own_card()
        file.write_bytes(card_bytes(found) + b"\n")
    out.print(f"{found.node}　{found.name}　{found.url or '（无地址：不能作上级）'}", highlight=False)
    out.print(f"指纹 {fingerprint(found)}", highlight=False)


@federation_app.command("propose")
def propose(
    file: Annotated[Path, typer.Argument(help="对方的名片")],
    side: Annotated[Side, typer.Option(help="对方在上级（above）还是下级（below）")],
    kind: Annotated[list[str] | None, typer.Option(help="只传这些种类；默认全部")] = None,
) -> None:
    """凭对方的名片提出连接；由另一人在节点门户输入指纹确认。"""
    with explained():
        made = linking.propose_link(file.read_bytes(), side=side, kinds=kind, actor=ACTOR, now=_now())
    out.print(f"[green]✔[/green] 已提出到 {made.peer} 的连接，等待另一人在节点门户“节点互联”中核对指纹后确认")


@federation_app.command("pause")
def pause(peer: str, reason: Reason) -> None:
    """暂停连接：不传对象，新的对象排队等候。"""
    with explained():
        linking.pause_link(peer, reason=reason, actor=ACTOR, now=_now())
    out.print(f"[green]✔[/green] 已暂停 {peer}")


@federation_app.command("resume")
def resume(peer: str, reason: Reason) -> None:
    """恢复暂停的连接。"""
    with explained():
        linking.resume_link(peer, reason=reason, actor=ACTOR, now=_now())
    out.print(f"[green]✔[/green] 已恢复 {peer}")


@federation_app.command("end")
def end(peer: str, reason: Reason) -> None:
    """终止连接；已收到的对象保留，重新连接须重新交换名片。"""
    with explained():
        linking.end_link(peer, reason=reason, actor=ACTOR, now=_now())
    out.print(f"[green]✔[/green] 已终止 {peer}")


@federation_app.command("links")
def links(
    ended: Annotated[bool, typer.Option("--ended", help="连已终止的一起")] = False, as_json: AsJson = False
) -> None:
    """列出连接：游标、积压、滞后、最近联系。"""
    found = list_links(ended=ended)
    if as_json:
        _print([asdict(link) for link in found])
        return
    table = Table("节点", "位置", "状态", "已收", "已发", "待确认", "滞后", "最近联系", "问题")
    for one in found:
        contact = f"{one.contact_at.astimezone():%m-%d %H:%M:%S}" if one.contact_at else "—"
        lag = f"{one.lag(_now()).total_seconds():.0f} 秒" if one.oldest else "—"
        sent = f"{one.out_acked}/{one.out_seq}"
        row = (one.peer, one.side.label, one.state.label, str(one.in_seq), sent, str(one.waiting))
        table.add_row(*row, lag, contact, one.trouble.message if one.trouble else "")
    out.print(table)


@federation_app.command("status")
def status(
    peer: Annotated[str, typer.Argument(help="对方节点代码；默认全部")] = "",
    compare: Annotated[bool, typer.Option("--compare", help="向上级核对两端的状态摘要")] = False,
    as_json: AsJson = False,
) -> None:
    """逐类显示已发、待确认、被搁置；有滞后超限、搁置或摘要不同时以状态 1 结束。"""
    with explained():
        peers = [peer] if peer else [link.peer for link in list_links()]
        flows = {one: list_flows(one) for one in peers}
        held = [one for one in list_held() if one.peer in peers]
        late = [link.peer for link in alarms(_now()) if link.peer in peers]
        differing = _compared(peers) if compare else {}
    if as_json:
        counts = {c.metric.code: c.total for c in network_counts()}
        data = {name: [asdict(flow) for flow in found] for name, found in flows.items()}
        _print({"flows": data, "held": [asdict(h) for h in held], "late": late, "differ": differing, "counts": counts})
    else:
        table = Table("节点", "种类", "已发", "待确认", "对方搁置或拒绝", "已收", "本方搁置")
        for name, found in flows.items():
            for f in found:
                numbers = (f.placed, f.waiting, f.troubled, f.received, f.held)
                table.add_row(name, f.kind or "（读不出）", *map(str, numbers))
        out.print(table)
        for name in late:
            err.print(f"[red]✖[/red] {name} 的滞后超过设定")
        for name, kinds in differing.items():
            said = "[green]✔[/green] 两端一致" if not kinds else f"[red]✖[/red] 两端不同：{'、'.join(kinds)}"
            out.print(f"{name}　{said}")
    raise typer.Exit(1 if held or late or any(differing.values()) else 0)


def _compared(peers: list[str]) -> dict[str, list[str]]:
    """Kinds that differ between us and the node above; only it can be asked from here."""
    found = [link for link in list_links() if link.peer in peers and link.side is Side.ABOVE]
    return {link.peer: differences(link_state(link.peer), above(link).state()) for link in found}


@federation_app.command("sync")
def sync_once() -> None:
    """立即同步一轮（后台任务每秒同步一轮）。"""
    with explained():
        sequence(now=_now())
        made = collect(now=_now()) + publish_documents(now=_now())
        handed = hand_over_outcomes(actor=ACTOR, now=_now())
        link = link_above()
        moved = sync(link, above(link), clock=_now) if link else 0
    out.print(f"[green]✔[/green] 新对象 {made}，转交归集 {handed}，与上级往来 {moved}")


@federation_app.command("replay")
def replay_from(peer: str, start: Annotated[int, typer.Option("--from", help="从第几个之后")] = 0) -> None:
    """从某个位置起与上级重放两个方向的序列：已有的自动识别，缺的补上，游标不后退。"""
    with explained():
        if get_link(peer).side is not Side.ABOVE:
            raise UnknownLink(link=peer)
        seen = replay(peer, start=start, actor=ACTOR, clock=_now)
    out.print(f"[green]✔[/green] 重放 {seen} 个对象")


@federation_app.command("held")
def held(
    retry: Annotated[int, typer.Option(help="再试这一个")] = 0,
    drop: Annotated[int, typer.Option(help="放弃这一个；须给出理由")] = 0,
    reason: Reason = "",
    everything: Annotated[bool, typer.Option("--all", help="连已处理的一起")] = False,
    as_json: AsJson = False,
) -> None:
    """列出没有收下的对象和原因；修复后再试，或放弃。"""
    with explained():
        if retry or drop:
            done = (
                try_again(retry, actor=ACTOR, now=_now())
                if retry
                else give_up(drop, reason=reason, actor=ACTOR, now=_now())
            )
            out.print(f"{done.id}　{done.state.label}　" + "；".join(p.message for p in done.problems))
            return
    found = list_held(state=None if everything else HeldState.HELD)
    if as_json:
        _print([asdict(one) for one in found])
        return
    table = Table("编号", "来自", "位置", "种类", "名称", "版本", "状态", "原因")
    for one in found:
        why = "；".join(f"{p.field}：{p.message}（{p.code}）" for p in one.problems)
        name = f"{one.origin} {one.object_id}"
        table.add_row(str(one.id), one.peer, str(one.seq), one.kind, name, str(one.version), one.state.label, why)
    out.print(table)
