"""``xinqiao product …`` and ``xinqiao loans …``: publish and list products, feed loans back, reconcile."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.config.console import ACTOR, explained, out
from xinqiao.lending.loans import report_loans
from xinqiao.lending.queries import overdue_applications, reconciliation
from xinqiao.lending.sheets import read_sheet
from xinqiao.matching.actions import publish_product, withdraw_product
from xinqiao.matching.queries import list_products

product_app = typer.Typer(no_args_is_help=True, help="融资产品")
loans_app = typer.Typer(no_args_is_help=True, help="贷款反馈与核对")
Institution = Annotated[str, typer.Option("--institution", help="机构代码")]
AsJson = Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")]


@product_app.command("list")
def products(
    institution: Annotated[str, typer.Option("--institution", help="只列这家机构")] = "", as_json: AsJson = False
) -> None:
    """列出在架产品。"""
    found = list_products(institution=institution or None)
    if as_json:
        out.print_json(json.dumps([asdict(p) for p in found], ensure_ascii=False, default=str))
        return
    table = Table("编号", "版本", "机构", "名称", "年利率（基点）", "条件")
    for p in found:
        rates = f"{p.rate_from_bp}–{p.rate_to_bp}"
        table.add_row(p.code, str(p.version), p.institution_name, p.name, rates, str(len(p.conditions)))
    out.print(table)


@product_app.command("publish")
def publish(
    file: Annotated[Path, typer.Argument(help="产品的 TOML 文件", exists=True, dir_okay=False)],
    institution: Institution,
    code: Annotated[str, typer.Option("--code", help="已有产品的编号：发布为下一版")] = "",
) -> None:
    """发布产品，或已有产品的下一版。"""
    with explained():
        raw = tomllib.loads(file.read_text("utf-8"))
        made = publish_product(raw, institution=institution, code=code, actor=ACTOR, now=datetime.now(UTC))
    out.print(f"[green]✔[/green] {made.code} 第 {made.version} 版：{made.name}")


@product_app.command("withdraw")
def withdraw(code: Annotated[str, typer.Argument(help="产品编号")], institution: Institution) -> None:
    """下架产品；在办的申请照常办理。"""
    with explained():
        withdraw_product(code, institution=institution, actor=ACTOR, now=datetime.now(UTC))
    out.print(f"[green]✔[/green] 已下架 {code}")


@loans_app.command("report")
def report(
    file: Annotated[Path, typer.Argument(help="xlsx 或 csv，列名见模板", exists=True, dir_okay=False)],
    institution: Institution,
) -> None:
    """反馈一批贷款：没有错误的行照收，有错误的逐行列出。"""
    with explained():
        rows = read_sheet(file.name, file.read_bytes())
        taken = report_loans(rows, institution=institution, yuan=True, actor=ACTOR, now=datetime.now(UTC))
    out.print(f"[green]✔[/green] 新增 {taken.new} 笔，更新 {taken.changed} 笔，没有变化 {taken.same} 笔")
    for p in taken.problems:
        out.print(f"  第 {p.row} 行 {p.field}：{p.message}")
    raise typer.Exit(1 if taken.problems else 0)


@loans_app.command("reconcile")
def reconcile(institution: Institution, as_json: AsJson = False) -> None:
    """列出今天要补报或核对的。"""
    found = reconciliation(institution, now=datetime.now(UTC))
    if as_json:
        out.print_json(json.dumps([asdict(g) for g in found], ensure_ascii=False, default=str))
        return
    table = Table("事项", "申请或借据", "企业", "自", "说明")
    for g in found:
        table.add_row(g.kind.label, g.about, g.enterprise, g.since.isoformat(), g.detail)
    out.print(table)


@loans_app.command("overdue")
def overdue() -> None:
    """列出超过时限的申请。"""
    table = Table("申请", "机构", "状态", "轮到谁", "期限")
    for a, turn in overdue_applications(now=datetime.now(UTC)):
        table.add_row(a.id, a.institution, a.state.label, turn.holder.label, turn.due_on.isoformat())
    out.print(table)
