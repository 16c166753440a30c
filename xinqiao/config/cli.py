"""The ``xinqiao`` command: what operators and departments do from a shell.

Exit status: 0 done, 1 refused or failed (reason and next step on standard error), 2 wrong usage. ``--json``
prints one JSON document; progress and colours appear only on a terminal.
"""

from __future__ import annotations

# Sets Django up before any table is imported.
import xinqiao.config.boot  # noqa: F401

# isort: split
import json
import shutil
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from django.db import DatabaseError
from rich.table import Table

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.template import xlsx_template
from xinqiao.catalogue.types import Catalogue
from xinqiao.config import province
from xinqiao.config.admission_cli import admission_app
from xinqiao.config.anchor_cli import anchors_app
from xinqiao.config.client_cli import call, client_app
from xinqiao.config.console import ACTOR, err, explained, out
from xinqiao.config.daybook_cli import daybook_app, reconcile_app
from xinqiao.config.directory_cli import directory_app
from xinqiao.config.dispute_cli import dispute_app
from xinqiao.config.evidence_cli import evidence_app, witness
from xinqiao.config.federation_cli import federation_app
from xinqiao.config.federation_demo import demo_app
from xinqiao.config.financing_cli import loans_app, product_app
from xinqiao.config.gate_cli import gate_app
from xinqiao.config.keys_cli import keys_app
from xinqiao.config.list_cli import list_app
from xinqiao.config.monitor_cli import monitor_app
from xinqiao.config.package_cli import package_app
from xinqiao.config.people_cli import people_app
from xinqiao.config.probe_cli import probe, probes_app
from xinqiao.config.quality_cli import quality
from xinqiao.config.retention_cli import retention_app
from xinqiao.config.sanction_cli import sanction_app
from xinqiao.config.scenario_cli import scenario_app
from xinqiao.config.settlement_cli import proceeding_app
from xinqiao.config.source_cli import source_app
from xinqiao.config.subject_cli import subject
from xinqiao.config.supervision_cli import supervision_app, trace
from xinqiao.evaluation.actions import roll_back_run, run_evaluation
from xinqiao.evaluation.guideline import as_markdown
from xinqiao.evaluation.queries import get_guideline
from xinqiao.evidence.actions import sequence
from xinqiao.ingest.actions import Upload, receive, retract_rows, undo_delivery
from xinqiao.ingest.annotating import annotated_file
from xinqiao.ingest.mapping import map_columns
from xinqiao.ingest.queries import get_delivery
from xinqiao.ingest.reading import read_table
from xinqiao.ingest.types import Outcome
from xinqiao.kernel.dated import beijing_day
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.actions import audit_files, compact, remove_unregistered
from xinqiao.records.jobs import UNDO_WINDOW
from xinqiao.records.types import AsOf
from xinqiao.sharing.queries import current_list

app = typer.Typer(no_args_is_help=True, help="信桥：中小企业融资信用服务省级节点", pretty_exceptions_enable=False)
lake_app = typer.Typer(no_args_is_help=True, help="信用数据库文件")
content_app = typer.Typer(no_args_is_help=True, help="内容（清单、指标、评分卡、规则）")
app.add_typer(admission_app, name="admission")
app.add_typer(evidence_app, name="evidence")
app.add_typer(lake_app, name="lake")
app.add_typer(content_app, name="content")
app.add_typer(gate_app, name="gate")
app.add_typer(client_app, name="client")
app.add_typer(supervision_app, name="supervision")
app.add_typer(daybook_app, name="daybook")
app.add_typer(reconcile_app, name="reconcile")
app.add_typer(directory_app, name="directory")
app.add_typer(keys_app, name="keys")
app.add_typer(people_app, name="people")
app.add_typer(monitor_app, name="monitor")
app.add_typer(dispute_app, name="dispute")
app.add_typer(retention_app, name="retention")
app.add_typer(list_app, name="list")
app.add_typer(sanction_app, name="sanction")
app.add_typer(proceeding_app, name="proceeding")
app.add_typer(scenario_app, name="scenario")
app.add_typer(source_app, name="source")
app.add_typer(probes_app, name="probes")
app.add_typer(federation_app, name="federation")
app.add_typer(demo_app, name="demo")
app.add_typer(product_app, name="product")
app.add_typer(loans_app, name="loans")
app.add_typer(package_app, name="package")
app.add_typer(anchors_app, name="anchors")
app.command("start")(province.start)
app.command("serve")(province.serve)
app.command("worker")(province.worker)
app.command("witness")(witness)
app.command("call")(call)
app.command("probe")(probe)
app.command("quality")(quality)
app.command("subject")(subject)
app.command("trace")(trace)

AsJson = Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")]


def _show(data: Any) -> None:
    out.print_json(json.dumps(data, ensure_ascii=False, default=str))


def _mapping(pairs: list[str]) -> dict[str, str]:
    parts = [pair.partition("=") for pair in pairs]
    if any(not middle for _, middle, _ in parts):
        raise typer.BadParameter("写成 --map '文件里的列名=字段代码'")
    return {header.strip(): field.strip() for header, _, field in parts}


@app.command()
def ingest(
    item: str,
    files: list[Path],
    map_: Annotated[list[str], typer.Option("--map", help="列对应：文件里的列名=字段代码，会被记住")] = [],  # noqa: B006
    provider: Annotated[str, typer.Option(help="报送部门；默认是该数据项的责任部门")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只认列，不入库")] = False,
    as_json: AsJson = False,
) -> None:
    """接收一次报送：校验、收下合格的行、退回其余。一次可以有多个文件。"""
    with explained():
        found = _listed().item(item)
        uploads = [Upload(path.name, path) for path in files]
        if dry_run:
            for upload in uploads:
                raw = read_table(upload.name, upload.data)
                out.print(f"{upload.name}：{raw.delivered} 行", map_columns(found, raw.headers, _mapping(map_)))
            return
        outcome = receive(
            found,
            uploads,
            provider=provider or found.department.code,
            actor=ACTOR,
            now=datetime.now(UTC),
            mapping=_mapping(map_),
        )
        sequence(now=datetime.now(UTC))
    _show(asdict(outcome)) if as_json else _print_outcome(outcome)


def _print_outcome(outcome: Outcome) -> None:
    repeated = "（此前已报送，未重复入库）" if outcome.repeated else ""
    out.print(
        f"{outcome.delivery}{repeated}　报送 {outcome.delivered} = 收下 {outcome.accepted} + 退回 {outcome.returned}"
        f" + 待认定 {outcome.waiting}（收下并标记 {outcome.flagged}）"
    )
    if outcome.groups:
        table = Table("字段", "问题", "行数", "怎么改", "例子")
        for group in outcome.groups:
            sample = "；".join(f"第 {row} 行 {text}" for row, text in group.samples[:2])
            table.add_row(group.field_name, group.title, str(group.rows), group.repair, sample)
        out.print(table)
    if outcome.returned:
        out.print(f"下载要改的行：xinqiao returned {outcome.delivery}")
    if outcome.undo_until:
        out.print(f"{outcome.undo_until.astimezone():%Y-%m-%d %H:%M} 前可撤销：xinqiao undo {outcome.delivery}")


@app.command()
def returned(
    delivery: str,
    folder: Annotated[Path, typer.Argument(help="写到哪个文件夹")] = Path(),
    everything: Annotated[bool, typer.Option("--all", help="连收下的行一起")] = False,
) -> None:
    """把要改的行连同错误说明写成文件。"""
    with explained():
        name, file = annotated_file(delivery, only_returned=not everything)
        with file, (folder / name).open("wb") as out_file:
            shutil.copyfileobj(file, out_file)
        out.print(str(folder / name))


@app.command()
def undo(delivery: str) -> None:
    """撤销 24 小时内的一次报送，此前的数据恢复有效。"""
    with explained():
        provider = get_delivery(delivery).provider
        outcome = undo_delivery(delivery, provider=provider, actor=ACTOR, now=datetime.now(UTC))
        out.print(f"已撤销 {outcome.delivery}（{outcome.accepted} 行）")


@app.command()
def retract(item: str, file: Path, reason: Annotated[str, typer.Option(help="撤回的原因，留痕")]) -> None:
    """撤回记录：文件每行是要撤回的主键。"""
    with explained():
        found = current_list().item(item)
        raw = read_table(file.name, file)
        known = {f.name: f.code for f in found.fields} | {f.code: f.code for f in found.fields}
        keys = [{known[h]: v for h, v in row.items() if h in known} for row in raw.table.to_pylist()]
        now = datetime.now(UTC)
        count = retract_rows(found, keys, reason=reason, provider=found.department.code, actor=ACTOR, now=now)
        out.print(f"已撤回 {count} 条")


@app.command()
def evaluate(
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="评价日；默认今天")] = None,
    rollback: Annotated[str, typer.Option(help="撤回这次已发布的结果")] = "",
    afresh: Annotated[bool, typer.Option("--afresh", help="全部重算：不接续中断的运行，不沿用上次的结果")] = False,
    as_json: AsJson = False,
) -> None:
    """对登记在册的全部企业做基础性评价并发布；中断的运行自动接续，同日再运行只重算有变动的企业。"""
    now = datetime.now(UTC)
    with explained():
        if rollback:
            roll_back_run(rollback, actor=ACTOR, now=now)
            out.print(f"已撤回 {rollback}")
            return
        day = on.date() if on else beijing_day(now)
        with err.status("评价…") as status:
            run = run_evaluation(AsOf(day, now), actor=ACTOR, now=now, progress=status.update, afresh=afresh)
        sequence(now=datetime.now(UTC))
    if as_json:
        _show(asdict(run))
        return
    out.print(f"{run.id}　{run.enterprises} 户，{run.seconds:.1f} 秒")
    out.print("　".join(f"{grade} {count}" for grade, count in sorted(run.grades.items())))


def _listed() -> Catalogue:
    """The list in force; that of the content package where there is no database yet."""
    try:
        return current_list()
    except DatabaseError:
        return load_catalogue(content_dir())


@app.command()
def items(as_json: AsJson = False) -> None:
    """列出共享清单。"""
    with explained():
        catalogue = _listed()
    if as_json:
        _show(
            [
                {"code": i.code, "list_code": i.list_code, "name": i.name, "provider": i.department.code}
                for i in catalogue
            ]
        )
        return
    table = Table("编号", "代码", "名称", "责任部门", "方式", "公开性")
    for item in catalogue:
        table.add_row(item.list_code, item.code, item.name, item.department.name, item.method, item.openness)
    out.print(table)


@app.command()
def template(item: str, file: Path) -> None:
    """写出一个数据项的报送模板（xlsx）。"""
    with explained():
        file.write_bytes(xlsx_template(_listed().item(item)))
        out.print(str(file))


app.command("sample")(province.sample)


@lake_app.command("compact")
def lake_compact(
    all_: Annotated[bool, typer.Option("--all", help="连 24 小时内的报送也合并；之后不能再撤销")] = False,
) -> None:
    """按企业合并文件，单户查询更快；任何时点的结果不变。"""
    now = datetime.now(UTC)
    window = UNDO_WINDOW * 0 if all_ else UNDO_WINDOW
    for item in current_list():
        merged = compact(item, older_than=window, actor=ACTOR, now=now)
        if merged:
            out.print(f"{item.code}：合并 {merged} 个文件")


@lake_app.command("audit")
def lake_audit() -> None:
    """核对每个登记文件的摘要，并清除未登记的文件。"""
    removed = remove_unregistered(older_than=UNDO_WINDOW / 24, now=datetime.now(UTC))
    faults = audit_files()
    for fault in faults:
        err.print(f"[red]✖[/red] {fault}")
    out.print(f"未登记文件清除 {len(removed)} 个，摘要不符 {len(faults)} 个")
    raise typer.Exit(1 if faults else 0)


@app.command("guideline")
def export_guideline(
    form: Annotated[str, typer.Option("--format", help="md 或 json")] = "md",
    version: Annotated[str, typer.Option(help="评分卡版本；默认今天有效的一版")] = "",
    output: Annotated[Path | None, typer.Option(help="写入的文件；默认打印")] = None,
) -> None:
    """导出评价指引：供平台接收的机读版，或供阅读的文本版。"""
    if form not in ("md", "json"):
        raise typer.BadParameter("--format 应为 md 或 json")
    with explained():
        document = get_guideline(on=beijing_day(datetime.now(UTC)), version=version)
    text = as_markdown(document) if form == "md" else json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, "utf-8")


@content_app.command("check")
def content_check() -> None:
    """读取全部内容文件，列出每一处错误。"""
    from xinqiao.admission.content import bar
    from xinqiao.disputes.queries import dispute_rules
    from xinqiao.evaluation.compute import scorecards
    from xinqiao.evaluation.profile import load_profile
    from xinqiao.formulas.queries import formula_limits
    from xinqiao.indicators.registry import load_cross_rules, load_indicators
    from xinqiao.lending.queries import lending_rules
    from xinqiao.monitoring.content import signals
    from xinqiao.probes.content import kit
    from xinqiao.quality.queries import expectations
    from xinqiao.release.queries import content_policy
    from xinqiao.repair.queries import repair_rules
    from xinqiao.retention.queries import retention_rules
    from xinqiao.scenarios.queries import scenarios

    with explained():
        catalogue = load_catalogue(content_dir())
        expectations()
        formula_limits()
        dispute_rules()
        lending_rules()
        repair_rules()
        retention_rules()
        load_profile(content_dir() / "profile.toml")
        counts = (len(catalogue.items), len(load_indicators()), len(scorecards()), len(content_policy().rules))
        out.print(
            "数据项 {}，指标 {}，评分卡 {}，共享规则 {}".format(*counts)
            + f"，跨部门规则 {len(load_cross_rules())}，接入问题 {len(bar().questions)}，探测 {len(kit().probes)}"
            + f"，场景 {len(scenarios())}"
            + f"，风险信号 {len(signals().rules)}"
        )


def main() -> None:
    """Entry point; Ctrl-C ends quietly."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
