"""``xinqiao admission …``: who is in; decisions proposed here, approved by another in the portal; the watch."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.admission.actions import found as take_in
from xinqiao.admission.actions import propose
from xinqiao.admission.queries import due_on, get_dossier, get_member, list_lapses, list_measures, list_members, orphans
from xinqiao.admission.types import MeasureKind
from xinqiao.admission.watch import watch_members
from xinqiao.config.console import ACTOR, explained, out

admission_app = typer.Typer(no_args_is_help=True, help="接入管理")
AsJson = Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")]
Reason = Annotated[str, typer.Option(help="理由，留痕并公开")]


@admission_app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """列出申请单位和成员。"""
    found = list_members()
    if as_json:
        out.print_json(json.dumps([asdict(m) for m in found], ensure_ascii=False, default=str))
        return
    table = Table("代码", "名称", "类别", "状态", "路线", "到期")
    for m in found:
        due = due_on(m)
        table.add_row(m.organisation, m.name, m.kind.label, m.state.label, m.route.label, str(due) if due else "—")
    out.print(table)


@admission_app.command("show")
def show(organisation: str, as_json: AsJson = False) -> None:
    """一个申请单位或成员：状态、缺项、失效、决定、仍在网络中的。"""
    now = datetime.now(UTC)
    with explained():
        member, dossier = get_member(organisation), get_dossier(organisation, now=now)
        lapses, measures, left = (
            list_lapses(organisation, now=now),
            list_measures(organisation),
            orphans(organisation, now=now),
        )
    if as_json:
        gaps = [{"question": g.question.id, "kind": str(g.kind), "fix": g.fix.zh} for g in dossier.gaps]
        data = {"member": asdict(member), "gaps": gaps, "lapses": [asdict(x) for x in lapses]}
        data |= {"measures": [asdict(m) for m in measures], "left": asdict(left)}
        out.print_json(json.dumps(data, ensure_ascii=False, default=str))
        return
    out.print(f"{member.name}　{member.state.label}　{member.route.label}　{member.reason}")
    for gap in dossier.gaps:
        out.print(f"  缺项　{gap.kind.label}　{gap.question.text.zh}：{gap.fix.zh}")
    for lapse in lapses:
        out.print(f"  失效　{lapse.says}")
    for m in measures:
        out.print(f"  决定　{m.id}　{m.kind.label}　{m.state.label}　{m.reason}")
    out.print(f"  授权 {left.authorisations}，请求 {left.requests}，令牌 {left.tokens}，待送通知 {left.pushes}")


@admission_app.command("decide")
def decide(organisation: str, kind: MeasureKind, reason: Reason) -> None:
    """提出一个决定；由另一人在节点门户批准后生效。"""
    _propose(organisation, kind, reason)


@admission_app.command("suspend")
def suspend(organisation: str, reason: Reason) -> None:
    """提出暂停；批准后下一次查询即被拒绝。"""
    _propose(organisation, MeasureKind.SUSPEND, reason)


@admission_app.command("remove")
def remove(
    organisation: str, reason: Reason, successor: Annotated[str, typer.Option(help="接续机构的代码")] = ""
) -> None:
    """提出退出；接续机构另行向企业请求授权。"""
    _propose(organisation, MeasureKind.REMOVE, reason, successor)


def _propose(organisation: str, kind: MeasureKind, reason: str, successor: str = "") -> None:
    with explained():
        made = propose(organisation, kind, reason=reason, successor=successor, actor=ACTOR, now=datetime.now(UTC))
    out.print(f"[green]✔[/green] 已提出 {made.id}（{made.kind.label}），等待另一人在节点门户批准")


@admission_app.command("found")
def found(
    organisation: str,
    reason: Reason,
    level: Annotated[str, typer.Option(help="平台的层级：province、city、county")] = "",
    place: Annotated[str, typer.Option(help="所占的地方：province、报送单位或县的代码")] = "",
) -> None:
    """把本节点建立之前已连接的单位登记为创始成员；一年内补交材料复核。"""
    with explained():
        member = take_in(organisation, reason=reason, level=level, place=place, actor=ACTOR, now=datetime.now(UTC))
    out.print(f"[green]✔[/green] {member.name}　{member.state.label}　复核 {member.review_on}")


@admission_app.command("watch")
def watch() -> None:
    """看一遍全部成员：失效的列入观察，宽限期满的暂停（后台任务每十分钟看一遍）。"""
    with explained():
        changed = watch_members(now=datetime.now(UTC))
    for m in changed:
        out.print(f"{m.organisation}　{m.state.label}　{m.reason}")
    out.print(f"[green]✔[/green] 状态有变 {len(changed)} 家")
