"""``xinqiao client``: who may call the API; ``xinqiao call``: calling it."""

from __future__ import annotations

import json
import urllib.error
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from xinqiao.config.console import ACTOR, err, explained, out
from xinqiao.consent.queries import get_template
from xinqiao.oauth.actions import add_client, add_key, end_client, end_key
from xinqiao.oauth.caller import Program, new_key_file
from xinqiao.oauth.queries import list_clients
from xinqiao.oauth.rules import scope_names
from xinqiao.oauth.types import ClientFacts
from xinqiao.parties.queries import get_organisation

client_app = typer.Typer(no_args_is_help=True, help="接口客户端：登记、更换密钥、列出、终止")
PublicKey = Annotated[Path | None, typer.Option("--jwk", help="客户端自己的公钥（JWK 文件）")]
KeyFile = Annotated[Path | None, typer.Option("--out", help="由节点生成密钥对，写到这个文件（含私钥，只有本人可读）")]


def _public_key(jwk: Path | None, made: Path | None, client_id: str) -> dict[str, Any]:
    """The public key given, or that of a pair made now; exactly one of the two files."""
    if (jwk is None) == (made is None):
        raise typer.BadParameter("--jwk 和 --out 二选一")
    if jwk is not None:
        return dict(json.loads(jwk.read_text("utf-8")))
    return new_key_file(made, client_id=client_id)  # type: ignore[arg-type]


def _tell(client: ClientFacts) -> None:
    standing = [key.kid for key in client.keys if key.ended_at is None]
    out.print(f"{client.client_id}　{client.organisation.code}　{' '.join(client.scopes)}", highlight=False)
    out.print(f"密钥 {'、'.join(standing) or '无'}", highlight=False)


@client_app.command("add")
def add(
    organisation: Annotated[str, typer.Argument(help="机构代码，如 bank-demo")],
    client_id: Annotated[str, typer.Argument(help="客户端的名字，如 bank-demo-core")],
    jwk: PublicKey = None,
    made: KeyFile = None,
    scope: Annotated[list[str] | None, typer.Option(help="范围；默认是这类机构可有的全部")] = None,
    redirect_uri: Annotated[list[str] | None, typer.Option(help="企业同意后浏览器回到的地址")] = None,
) -> None:
    """登记一家机构的客户端。"""
    with explained():
        allowed = scope_names(get_organisation(organisation).kind, get_template().purposes)
        found = add_client(
            client_id,
            organisation=organisation,
            name=client_id,
            jwk=_public_key(jwk, made, client_id),
            scopes=scope or allowed,
            allowed=allowed,
            redirect_uris=redirect_uri or (),
            actor=ACTOR,
            now=datetime.now(UTC),
        )
    _tell(found)


@client_app.command("rotate")
def rotate(client_id: str, jwk: PublicKey = None, made: KeyFile = None) -> None:
    """登记一把新密钥；旧密钥继续有效，直到用 client end --kid 停用。"""
    with explained():
        found = add_key(client_id, jwk=_public_key(jwk, made, client_id), actor=ACTOR, now=datetime.now(UTC))
    _tell(found)


@client_app.command("end")
def end(
    client_id: str,
    kid: Annotated[str, typer.Option(help="只停用这把密钥")] = "",
    reason: Annotated[str, typer.Option(help="原因，留痕")] = "",
) -> None:
    """终止客户端或它的一把密钥；由它取得的令牌即刻失效。"""
    now = datetime.now(UTC)
    with explained():
        if kid:
            end_key(client_id, kid=kid, actor=ACTOR, now=now)
        else:
            end_client(client_id, reason=reason, actor=ACTOR, now=now)
    out.print(f"已终止 {client_id} {kid}".rstrip(), highlight=False)


@client_app.command("list")
def list_(organisation: Annotated[str, typer.Argument(help="机构代码；默认全部")] = "") -> None:
    """列出客户端、范围和在用的密钥。"""
    table = Table("客户端", "机构", "范围", "在用密钥", "终止于")
    for client in list_clients(organisation=organisation or None):
        kids = "\n".join(key.kid for key in client.keys if key.ended_at is None)
        ended = client.ended_at.isoformat() if client.ended_at else ""
        table.add_row(client.client_id, client.organisation.code, " ".join(client.scopes), kids, ended)
    out.print(table)


def call(
    method: Annotated[str, typer.Argument(help="GET、POST、DELETE")],
    path: Annotated[str, typer.Argument(help="地址，如 /api/v1/accesses")],
    client: Annotated[Path, typer.Option("--client", help="密钥文件")],
    data: Annotated[str, typer.Option(help="JSON 内容")] = "",
    server: Annotated[str, typer.Option(help="节点地址")] = "http://127.0.0.1:8000",
) -> None:
    """以一个客户端的身份调用接口：取令牌、签 DPoP 证明、打印回答。"""
    try:
        program = Program.load(client, server=server)
        answer = program.call(method.upper(), path, data=data.encode() if data else None)
    except (OSError, ValueError, KeyError, urllib.error.URLError) as error:
        err.print(f"[red]✖[/red] {error}", highlight=False)
        raise typer.Exit(1) from error
    text = answer.body.decode("utf-8", "replace")
    out.print_json(text) if "json" in answer.headers.get("content-type", "") else out.print(text, markup=False)
    raise typer.Exit(0 if answer.status < 400 else 1)
