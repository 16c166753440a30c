"""``xinqiao subject``: who a code is, and everything it is and was known by."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.config.console import ACTOR, explained, out
from xinqiao.subjects.build import rebuild as build_anew
from xinqiao.subjects.queries import get_subject
from xinqiao.subjects.types import IdentifierKind, Related, Subject


def subject(
    code: Annotated[str, typer.Argument(help="统一社会信用代码、组织机构代码、15 位注册号或曾用代码")] = "",
    rebuild: Annotated[bool, typer.Option("--rebuild", help="先重新生成主体库")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False,
) -> None:
    """查一个代码是谁：现在和过去的名称、代码，总分机构，个转企，迁移。"""
    if not code and not rebuild:
        raise typer.BadParameter("写出要查的代码，或用 --rebuild 重新生成主体库")
    with explained():
        if rebuild:
            made = build_anew(actor=ACTOR, now=datetime.now(UTC))
            out.print(f"[green]✔[/green] 主体 {made.subjects:,} 个，名称 {made.names:,} 个")
        if not code:
            return
        found, kind = get_subject(code)
    if as_json:
        out.print_json(json.dumps({**asdict(found), "found_by": kind}, ensure_ascii=False))
        return
    _print(found, kind)


def _print(found: Subject, kind: IdentifierKind) -> None:
    table = Table(box=None, show_header=False)
    rows = (
        ("名称", found.name),
        ("统一社会信用代码", f"{found.code}（按{kind.label}找到）"),
        ("登记状态", found.status),
        ("行政区划", found.division),
        ("迁入前行政区划", found.former_division),
        ("组织机构代码", found.organisation_code),
        ("注册号", found.registration_no),
        ("曾用名称", "；".join(found.former_names)),
        ("曾用代码", "；".join(found.former_codes)),
        ("隶属企业", _said(found.parent)),
        ("分支机构", "；".join(map(_said, found.branches))),
        ("转型前个体工商户", _said(found.converted_from)),
        ("转型后企业", _said(found.converted_to)),
    )
    for title, text in rows:
        if text:
            table.add_row(title, text)
    out.print(table)


def _said(other: Related | None) -> str:
    return f"{other.name} {other.code}".strip() if other else ""
