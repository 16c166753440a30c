"""``xinqiao probe URL``: probe a platform, with or without a node; ``xinqiao probes …``: what is probed, reports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from xinqiao.config.console import ACTOR, err, explained, out
from xinqiao.evidence.actions import sequence
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.probes.actions import file_round
from xinqiao.probes.content import chosen, kit
from xinqiao.probes.queries import list_reports, open_report
from xinqiao.probes.refusals import AddressRefused
from xinqiao.probes.reports import check_report, document_of, self_signed
from xinqiao.probes.rules import exit_status
from xinqiao.probes.running import run_round
from xinqiao.probes.types import Outcome, Probe, Result, Round

probes_app = typer.Typer(no_args_is_help=True, help="接入探测：有哪些、核验报告、历次报告")
MARKS = {
    Outcome.PASSED: "[green]✔[/green]",
    Outcome.FAILED: "[red]✖[/red]",
    Outcome.NOT_RUN: "[yellow]–[/yellow]",
    Outcome.COULD_NOT_REACH: "[yellow]?[/yellow]",
}


def probe(
    url: Annotated[str, typer.Argument(help="平台沙箱的地址，如 https://sandbox.platform.example/credit")],
    ca: Annotated[Path | None, typer.Option("--ca", help="可信的根证书（PEM）；默认用系统的")] = None,
    only: Annotated[list[str], typer.Option("--only", help="只做这个探测，可重复")] = [],  # noqa: B006
    report: Annotated[Path | None, typer.Option(help="把报告写到这个文件")] = None,
    member: Annotated[str, typer.Option("--for", help="在节点上：签名并归入这个单位的接入材料")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False,
) -> None:
    """探测一个平台。退出状态：0 都通过，1 有未通过，3 有未能连通。申请单位可自行运行，不需要节点。"""
    with explained():
        found_kit, probes = kit(), chosen(kit(), only)
        if member and only:
            raise typer.BadParameter("--for 的报告必须包含全部探测，不能与 --only 同用")
        found = _run(url, probes, ca=ca, quiet=as_json)
        document = document_of(found, found_kit.probes, organisation=member)
        data = _filed(member, found) if member else self_signed(document)
    if report is not None:
        report.write_bytes(data)
    if as_json:
        out.print_json(data.decode("utf-8"))
    else:
        _say(found, member, report)
    raise typer.Exit(exit_status(found.results))


def _run(url: str, probes: tuple[Probe, ...], *, ca: Path | None, quiet: bool) -> Round:
    """The round, each result printed as it comes."""
    titles = {probe.id: probe for probe in probes}
    try:
        with Progress(console=err, transient=True, disable=quiet) as progress:
            task = progress.add_task("探测", total=len(probes))

            def told(result: Result) -> None:
                progress.advance(task)
                if not quiet:
                    _line(titles[result.probe], result)

            return run_round(url, kit(), probes, trusted=ca, anywhere=True, told=told)
    except ValueError as error:
        problem = Problem(field="url", code="probes.url", message=Phrase("应为 https"))
        raise AddressRefused([problem]) from error


def _line(probe: Probe, result: Result) -> None:
    out.print(f"{MARKS[result.outcome]} {probe.title.zh}　{result.got.phrase}", highlight=False, soft_wrap=True)
    if result.outcome is Outcome.FAILED:
        out.print(f"    应当：{probe.expects.zh}", highlight=False, soft_wrap=True, markup=False)
        out.print(f"    改正：{probe.fix.zh}　（{probe.clause.zh}）", highlight=False, soft_wrap=True, markup=False)
        out.print(f"    发送：{'；'.join(result.sent)}", highlight=False, soft_wrap=True, markup=False)


def _filed(member: str, found: Round) -> bytes:
    made = file_round(member, found, actor=ACTOR, now=datetime.now(UTC))
    sequence(now=datetime.now(UTC))
    return open_report(made.id)[1]


def _say(found: Round, member: str, report: Path | None) -> None:
    out.print("　".join(f"{outcome.label} {found.count(outcome)}" for outcome in Outcome))
    if member:
        out.print(f"已由节点签名，归入 {member} 的接入材料")
    else:
        out.print("自测：报告由一次性密钥签名，不是节点出具的，不能作接入证明")
    if report is not None:
        out.print(f"报告：{report}")


@probes_app.command("list")
def list_all(as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False) -> None:
    """列出全部探测、门槛和依据。"""
    with explained():
        found = kit()
    if as_json:
        rows: list[dict[str, Any]] = [
            {"id": p.id, "title": p.title.zh, "expects": p.expects.zh, "required": p.required, "want": dict(p.want)}
            for p in found.probes
        ]
        out.print_json(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("探测", "名称", "应当", "门槛", "必须", "接入后")
    for p in found.probes:
        want = " ".join(f"{name}={value}" for name, value in p.want.items())
        table.add_row(p.id, p.title.zh, p.expects.zh, want, "是" if p.required else "", "是" if p.after else "")
    out.print(table)


@probes_app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="探测报告")],
    vkey: Annotated[list[str], typer.Option(help="节点公布的文书公钥（log/documents/vkey），可重复")] = [],  # noqa: B006
) -> None:
    """核验一份探测报告；不需要数据库。没有给公钥时，只能说明内容与其自带的签名相符。"""
    with explained():
        document, known = check_report(file.read_bytes(), vkeys=vkey)
    counts = "　".join(f"{outcome.label} {document['counts'].get(str(outcome), 0)}" for outcome in Outcome)
    said = "签名成立" if known else "签名与内容相符；没有给出节点的公钥，不能说明由谁签名"
    out.print(f"{said}\n{document['organisation']} {document['url']} {document['ended']}\n{counts}", markup=False)


@probes_app.command("reports")
def reports(organisation: Annotated[str, typer.Argument(help="单位代码")]) -> None:
    """一个单位的历次报告。"""
    table = Table("编号", "时间", "地址", *(outcome.label for outcome in Outcome))
    table.columns[0].no_wrap = True
    for one in list_reports(organisation):
        counts = [str(one.counts.get(str(outcome), 0)) for outcome in Outcome]
        table.add_row(one.id, f"{one.at:%Y-%m-%d %H:%M}", one.url, *counts)
    out.print(table)
