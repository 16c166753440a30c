"""``xinqiao people …``: the first accounts of a node and of each organisation, before the page People can be opened."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from django.db import transaction
from rich.table import Table

from xinqiao.accounts.actions import open_account, reset_access
from xinqiao.accounts.queries import has_factor
from xinqiao.accounts.rules import first_password
from xinqiao.config.console import ACTOR, explained, out
from xinqiao.parties.actions import add_member, end_membership
from xinqiao.parties.people import find_account
from xinqiao.parties.queries import list_members
from xinqiao.parties.types import PartyNotFound, Role

people_app = typer.Typer(no_args_is_help=True, help="人员：开账号、授予和终止角色、重置密码")

Organisation = Annotated[str, typer.Option(help="机构代码")]
Enterprise = Annotated[str, typer.Option(help="企业的统一社会信用代码")]


@people_app.command("add")
def people_add(
    username: str,
    role: Annotated[Role, typer.Option(help="角色")],
    name: Annotated[str, typer.Option(help="姓名；新开账号时必填")] = "",
    organisation: Organisation = "",
    enterprise: Enterprise = "",
) -> None:
    """授予角色；没有账号的同时开账号，打印一次初始密码，首次登录必须修改。"""
    now = datetime.now(UTC)
    if bool(organisation) == bool(enterprise):
        raise typer.BadParameter("写明 --organisation 或 --enterprise 之一")
    with explained(), transaction.atomic():
        found = find_account(username)
        if found is None and not name:
            raise typer.BadParameter("新开账号须写 --name")
        person, password = found.person_id if found else 0, first_password()
        if not person:
            person = open_account(username, name=name, password=password, actor=ACTOR, now=now)
        given = add_member(
            person,
            role=role,
            organisation=organisation or None,
            enterprise=enterprise or None,
            actor=ACTOR,
            now=now,
        )
    if found is None:
        out.print(f"初始密码：{password}")
    out.print(f"已授予：{given.role.label}（编号 {given.id}）")


@people_app.command("list")
def people_list(
    organisation: Organisation = "",
    enterprise: Enterprise = "",
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False,
) -> None:
    """列出能代表一家机构或企业办事的人。"""
    with explained():
        rows = list_members(organisation=organisation or None, enterprise=enterprise or None, now=datetime.now(UTC))
    if as_json:
        shown = [
            {
                "membership": m.id,
                "person": m.person_id,
                "role": m.role,
                "until": m.until,
                "factor": has_factor(m.person_id),
            }
            for m in rows
        ]
        out.print_json(json.dumps(shown, default=str))
        return
    table = Table("编号", "姓名", "角色", "有效期至", "动态口令")
    for m in rows:
        factor = "已启用" if has_factor(m.person_id) else "没有启用"
        table.add_row(str(m.id), m.person_name, m.role.label, m.until.date().isoformat() if m.until else "长期", factor)
    out.print(table)


@people_app.command("end")
def people_end(membership: Annotated[int, typer.Argument(help="xinqiao people list 所列的编号")]) -> None:
    """终止一个角色，立即生效。"""
    with explained():
        end_membership(membership, actor=ACTOR, now=datetime.now(UTC))
        out.print("已终止")


@people_app.command("reset")
def people_reset(username: str) -> None:
    """重置密码并停用动态口令，打印一次初始密码。"""
    now = datetime.now(UTC)
    with explained():
        found = find_account(username)
        if found is None:
            raise PartyNotFound(party=username)
        password = first_password()
        reset_access(found.person_id, password, actor=ACTOR, now=now)
        out.print(f"初始密码：{password}")
