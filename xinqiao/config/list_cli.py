"""``xinqiao list``: the sharing list in force, its versions, and changes proposed here and approved in the portal."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.catalogue.load import list_files, parse_catalogue
from xinqiao.config.console import ACTOR, explained, out
from xinqiao.evidence.keys import document_key
from xinqiao.evidence.notes import InvalidNote, LogKey
from xinqiao.evidence.proofs import InvalidProof, check_document
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.plumbing.settings import content_dir
from xinqiao.sharing.actions import adopt_content
from xinqiao.sharing.queries import current_list, files_in_force, list_versions, signed_list, version_in_force
from xinqiao.sharing.types import KIND, NotTheList
from xinqiao.stewardship.actions import consider, propose_list
from xinqiao.stewardship.impact import as_document
from xinqiao.stewardship.queries import collected, list_proposals, on_time
from xinqiao.stewardship.rules import with_uploads
from xinqiao.stewardship.types import Impact

list_app = typer.Typer(no_args_is_help=True, help="共享清单：版本、修改、按时率、归集率")
AsJson = Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")]
Source = Annotated[
    Path | None, typer.Argument(help="改好的清单：文件夹、压缩包或一个数据项文件；默认内容包；只删除时写 - ")
]
Removed = Annotated[list[str] | None, typer.Option("--remove", help="从清单中删除的数据项，可写多次")]


@list_app.command("show")
def show() -> None:
    """现行的清单：第几版、摘要、何时由谁启用；与内容包是否相同。"""
    held, current = version_in_force(), current_list()
    if held is None:
        out.print(f"尚未启用任何版本；使用内容包里的清单，{len(current.items)} 项")
        return
    by = f"{held.proposed_by} 提出，{held.approved_by} 批准"
    out.print(f"第 {held.number} 版　{len(current.items)} 项　{held.in_force_at.isoformat()}　{by}", soft_wrap=True)
    out.print(f"sha256 {held.sha256}", soft_wrap=True)
    if parse_catalogue(list_files(content_dir())).sha256 != held.sha256:
        out.print("[yellow]内容包里的清单与现行版本不同[/yellow]；用 xinqiao list impact 看差别，list propose 提出修改")


@list_app.command("history")
def history() -> None:
    """启用过的每一版，和每一个提议。"""
    table = Table("版本", "启用", "提出", "批准", "理由", "sha256")
    for v in list_versions():
        table.add_row(
            str(v.number), f"{v.in_force_at:%Y-%m-%d %H:%M}", v.proposed_by, v.approved_by, v.reason, v.sha256[:12]
        )
    out.print(table)
    for p in list_proposals():
        out.print(f"{p.id}　{p.state.label}　{p.proposed_by}　{p.reason}　{'；'.join(p.says)}", soft_wrap=True)


@list_app.command("adopt")
def adopt() -> None:
    """在还没有启用任何版本的节点上，启用内容包里的清单。"""
    with explained():
        held = adopt_content(actor=ACTOR, now=datetime.now(UTC))
    out.print(f"现行第 {held.number} 版　{held.sha256}", soft_wrap=True)


@list_app.command("impact")
def impact(source: Source = None, remove: Removed = None, as_json: AsJson = False) -> None:
    """一个修改会触及什么：机构、授权、请求、记录、指标。什么也不改变。"""
    with explained():
        _, found = consider(_files(source, remove), now=datetime.now(UTC))
    if as_json:
        out.print_json(json.dumps(as_document(found), ensure_ascii=False))
        return
    _print(found)


@list_app.command("propose")
def propose(
    reason: Annotated[str, typer.Option(help="理由，留痕并公开")], source: Source = None, remove: Removed = None
) -> None:
    """提出修改；先显示影响，由另一人在节点门户批准后，各处即时生效。"""
    with explained():
        now, files = datetime.now(UTC), _files(source, remove)
        adopt_content(actor=ACTOR, now=now)
        _, found = consider(files, now=now)
        _print(found)
        made = propose_list(files, reason=reason, actor=ACTOR, now=now)
    out.print(f"[green]✔[/green] 提议 {made.id}；请另一人在节点门户“共享清单”批准")


@list_app.command("export")
def export(
    output: Annotated[Path, typer.Argument(help="写入的文件")],
    version: Annotated[int | None, typer.Option(help="第几版；默认现行")] = None,
) -> None:
    """导出一版清单：全部文件和节点的签名，一个 JSON 文件。"""
    with explained():
        held = version_in_force()
        number = version if version is not None else held.number if held else 0
        output.write_bytes(canonical_bytes(signed_list(number)))
    out.print(f"已写入 {output}")


@list_app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="导出的清单")],
    vkey: Annotated[str, typer.Option(help="节点的文件签名公钥；默认本节点的")] = "",
) -> None:
    """核验一个导出的清单：签名、摘要、每个文件。"""
    with explained():
        held = json.loads(file.read_bytes())
        document = held["document"]
        key = LogKey.parse(vkey) if vkey else document_key()
        try:
            check_document(canonical_bytes(document), held["signature"], kind=KIND, key=key)
        except (InvalidNote, InvalidProof) as error:
            raise NotTheList(why=str(error)) from error
        found = parse_catalogue(document["files"])
        if found.sha256 != document["sha256"]:
            raise NotTheList(why=found.sha256)
    out.print(f"[green]✔[/green] 第 {document['number']} 版　{len(found.items)} 项　{found.sha256}", soft_wrap=True)


@list_app.command("on-time")
def show_on_time(as_json: AsJson = False) -> None:
    """提供单位的按时率，和各级清单的归集率。"""
    now = datetime.now(UTC)
    table = Table("提供单位", "数据项", "应报", "按时", "逾期合计（工作日）", "现在逾期", "从未报送")
    rows = on_time(now=now)
    lists = collected(now=now)
    if as_json:
        data = {"providers": [asdict(row) for row in rows], "lists": [asdict(row) for row in lists]}
        out.print_json(json.dumps(data, ensure_ascii=False))
        return
    for s in rows:
        numbers = (s.items, s.due, s.met, s.late_workdays, len(s.behind), len(s.never))
        table.add_row(s.provider, *map(str, numbers))
    out.print(table)
    for one in lists:
        out.print(f"{one.name}　归集 {one.received}/{one.listed}")


def _files(source: Path | None, remove: list[str] | None) -> dict[str, str]:
    """The files that a change makes: those of a folder, or those in force with files put in and items taken off."""
    if source is None and not remove:
        return list_files(content_dir())
    if source is None or str(source) == "-":
        return with_uploads(files_in_force(), (), remove or ())
    if source.is_dir():
        return with_uploads(list_files(source), (), remove or ())
    return with_uploads(files_in_force(), [(source.name, source.read_bytes())], remove or ())


def _print(found: Impact) -> None:
    for sentence in found.says:
        out.print(f"[bold]{sentence}[/bold]")
    table = Table("数据项", "变化", "未覆盖的授权", "失去的授权", "待答复的请求", "记录", "指标", "分")
    for t in found.touched:
        numbers = (t.lacking, t.losing, t.requests, t.rows, len(t.indicators), t.points)
        table.add_row(f"{t.change.item.list_code} {t.change.item.name}", t.change.kind.label, *map(str, numbers))
        for d in t.change.differences:
            table.add_row(f"  {d.field or '—'}　{d.attribute}：{d.before or '无'} → {d.after or '无'}")
    out.print(table)
    out.print(f"共享规则的证明 {found.proof_sha256}", soft_wrap=True)
