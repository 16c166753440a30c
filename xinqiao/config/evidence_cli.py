"""``xinqiao evidence …`` and ``xinqiao witness``: check the log, its witnesses and time stamps, change its keys."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.config.console import ACTOR, explained, out
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.bundles import verify_bundle
from xinqiao.evidence.keys import DOCUMENT, LOG, LOG_GM
from xinqiao.evidence.outside import ask_outsiders, list_outsiders
from xinqiao.evidence.queries import log_status
from xinqiao.evidence.rotation import change_key, retire_key
from xinqiao.evidence.verify import verify_folder
from xinqiao.evidence.witness_server import serve
from xinqiao.evidence.witnessing import consistency
from xinqiao.kernel.canonical import base64_text
from xinqiao.plumbing.settings import evidence_dir

evidence_app = typer.Typer(no_args_is_help=True, help="存证日志")


class KeyUse(StrEnum):
    """Which of the log's keys a command is about."""

    LOG = "log"
    GM = "gm"
    DOCUMENT = "document"


_USES = {KeyUse.LOG: LOG, KeyUse.GM: LOG_GM, KeyUse.DOCUMENT: DOCUMENT}
WhichKey = Annotated[KeyUse, typer.Argument(help="log 是 Ed25519 密钥，gm 是 SM2 密钥，document 签署发出的文书")]


@evidence_app.command("verify")
def verify(
    folder: Annotated[Path | None, typer.Argument()] = None,
    vkey: Annotated[str, typer.Option(help="可信的公钥；默认用文件夹里的")] = "",
    policy: Annotated[Path | None, typer.Option(help="你自己的见证策略；默认用文件夹里的")] = None,
    tsa: Annotated[Path | None, typer.Option(help="你信任的时间戳根证书（PEM）")] = None,
    log: Annotated[Path | None, typer.Option(help="核验证据包时用的日志副本：证明“只有这些”")] = None,
) -> None:
    """核验日志文件夹（重算每个条目和整棵树，核对国密签名、见证人数和时间戳），或企业的证据包（.zip）；不需要数据库。"""
    if folder and folder.suffix == ".zip":
        told = verify_bundle(folder.read_bytes(), vkeys=[vkey] if vkey else (), log=log)
        for line in told.lines():
            out.print(line, markup=False)
        if told.ok and log is None:
            out.print("次序已核验；要证明“只有这些”，请用 --log 给出日志副本", markup=False)
        raise typer.Exit(0 if told.ok else 1)
    text = policy.read_text(encoding="utf-8") if policy else None
    verdict = verify_folder(folder or evidence_dir(), vkey or None, policy=text, authorities=tsa)
    for line in verdict.lines():
        out.print(line, markup=False)
    raise typer.Exit(0 if verdict.ok else 1)


@evidence_app.command("sequence")
def sequence_now() -> None:
    """立即把待编入的条目编入日志并签名（平时由后台任务每秒完成）。"""
    out.print(f"编入 {sequence(now=datetime.now(UTC))} 条")


@evidence_app.command("status")
def status() -> None:
    """日志到了哪里，各见证人和时间戳机构最近怎样答复。"""
    now = log_status()
    out.print(f"{now.vkey}\n已签 {now.size} 条，待签 {now.waiting} 条", markup=False, highlight=False, soft_wrap=True)
    table = Table("对方", "已签到", "最近一次", "情况")
    for item in list_outsiders():
        said = ("冲突：" if item.conflict else "") + (item.trouble or "正常")
        table.add_row(item.name, str(item.size), f"{item.tried_at:%Y-%m-%d %H:%M:%S}", said)
    out.print(table)


@evidence_app.command("ask")
def ask() -> None:
    """立即请见证人签名、请时间戳机构盖章（平时由后台任务完成）。"""
    with explained():
        out.print(f"收到 {ask_outsiders(now=datetime.now(UTC))} 个")


@evidence_app.command("consistency")
def consistency_proof(old: int, new: int) -> None:
    """打印两个大小之间的一致性证明（RFC 6962），一行一个散列。"""
    with explained():
        try:
            for item in consistency(old, new):
                out.print(base64_text(item), highlight=False, soft_wrap=True)
        except ValueError as error:
            raise typer.BadParameter("要求 0 < 旧 <= 新") from error


@evidence_app.command("change-key")
def change(use: WhichKey) -> None:
    """启用新的日志密钥：由旧密钥公告，两把同时签名，直到 retire-key。"""
    with explained():
        out.print(
            change_key(_USES[use], actor=ACTOR, now=datetime.now(UTC)).vkey,
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        sequence(now=datetime.now(UTC))


@evidence_app.command("retire-key")
def retire(use: WhichKey) -> None:
    """销毁上一把日志私钥；其公钥留在策略文件里供核验。"""
    with explained():
        done = retire_key(_USES[use], actor=ACTOR, now=datetime.now(UTC))
        out.print("已销毁" if done else "没有待停用的旧密钥")


def witness(
    folder: Annotated[Path, typer.Option(help="见证人自己的文件夹：密钥与记忆")],
    name: Annotated[str, typer.Option(help="名称，如 notary.example/w1")],
    log: Annotated[list[str], typer.Option(help="日志公钥（vkey），可重复")],
    listen: Annotated[str, typer.Option(help="地址:端口")] = "127.0.0.1:8765",
) -> None:
    """做一个见证人：只为一直增长、从未改写的日志签名。应在节点以外的机构运行。"""
    host, _, port = listen.rpartition(":")
    with explained():
        serve(folder, name=name, logs=log, host=host, port=int(port))
