"""``xinqiao keys …``: where each key lies, rotate one, erase what is sealed for a subject."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.config.console import ACTOR, err, explained, out
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.keys import DOCUMENT, LOG, LOG_GM, PACKAGE_GM
from xinqiao.evidence.rotation import change_key, retire_key
from xinqiao.parties.actions import erase_person
from xinqiao.vault import actions
from xinqiao.vault.queries import check_keys, list_keys
from xinqiao.vault.types import check_subject

keys_app = typer.Typer(no_args_is_help=True, help="密钥：用途、位置、轮换、销毁")


class KeyUse(StrEnum):
    """What a command can rotate."""

    MASTER = "master"
    LOG = "log"
    GM = "log-gm"
    DOCUMENT = "document"
    PACKAGE_GM = "package-gm"
    SESSION = "session"
    DATA = "data"


WhichKey = Annotated[
    KeyUse,
    typer.Argument(
        help="master 主密钥，log 与 log-gm 日志密钥，document 文书密钥，package-gm 证据包国密密钥，session 会话密钥，"
        "data 一个主体的数据密钥"
    ),
]
SIGNING = {KeyUse.LOG: LOG, KeyUse.GM: LOG_GM, KeyUse.DOCUMENT: DOCUMENT, KeyUse.PACKAGE_GM: PACKAGE_GM}
PLACES = {"file": "文件", "token": "密码设备", "database": "数据库（已封装）"}


@keys_app.command("list")
def keys_list(as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False) -> None:
    """列出每种用途的密钥：算法、在文件还是密码设备里、第几代、从何时起。不需要设备口令。"""
    with explained():
        found = list_keys()
    if as_json:
        out.print_json(json.dumps([asdict(key) for key in found], ensure_ascii=False, default=str))
        return
    table = Table("用途", "算法", "位置", "名称", "代", "自", "说明")
    for key in found:
        since = f"{key.since.astimezone():%Y-%m-%d %H:%M}" if key.since else ""
        table.add_row(key.use, key.algorithm, PLACES[key.kind], key.label, str(key.generation), since, key.note)
    out.print(table)


@keys_app.command("check")
def keys_check() -> None:
    """真正使用每把现行密钥一次：签名、封装。有一把不能用，就以状态 1 结束。"""
    with explained():
        check_keys()
    out.print("全部可用")


@keys_app.command("rotate")
def keys_rotate(
    use: WhichKey, subject: Annotated[str, typer.Argument(help="用途为 data 时的主体，如 person:12")] = ""
) -> None:
    """启用新的密钥，服务不停。"""
    now = datetime.now(UTC)
    with explained():
        if use is KeyUse.MASTER:
            with err.status("重新封装…") as status:
                generation, count = actions.rotate_master_key(
                    actor=ACTOR, now=now, progress=lambda done: status.update(str(done))
                )
            out.print(f"主密钥第 {generation} 代启用，重新封装 {count} 把数据密钥，旧主密钥已销毁")
        elif use is KeyUse.SESSION:
            actions.change_session_key(actor=ACTOR, now=now)
            out.print("会话密钥已更换；各进程重启后生效，此前的登录仍有效")
        elif use is KeyUse.DATA:
            version = actions.renew_data_key(subject, actor=ACTOR, now=now)
            out.print(f"{subject} 的数据密钥：第 {version} 版启用")
        else:
            new = change_key(SIGNING[use], actor=ACTOR, now=now)
            out.print(new.vkey, markup=False, highlight=False, soft_wrap=True)
        sequence(now=datetime.now(UTC))


@keys_app.command("retire")
def keys_retire(use: WhichKey) -> None:
    """销毁上一把日志私钥；其公钥留在策略文件里供核验。"""
    if use not in SIGNING:
        raise typer.BadParameter("只有 log、log-gm 与 document 需要停用；主密钥轮换完即销毁")
    with explained():
        done = retire_key(SIGNING[use], actor=ACTOR, now=datetime.now(UTC))
        out.print("已销毁" if done else "没有待停用的旧密钥")


@keys_app.command("erase")
def keys_erase(
    subject: Annotated[str, typer.Argument(help="enterprise:统一社会信用代码、person:人员编号 或 delivery:报送编号")],
    reason: Annotated[str, typer.Option(help="删除的依据，留痕")],
    yes: Annotated[bool, typer.Option("--yes", help="不再询问")] = False,
) -> None:
    """销毁一个主体的数据密钥：其个人信息从此无法读出，存证日志照常核验。不可恢复。"""
    if not yes:
        typer.confirm(f"{subject} 的个人信息将永远无法读出，继续？", abort=True)
    now = datetime.now(UTC)
    with explained():
        kind, _, number = check_subject(subject).partition(":")
        if kind == "person" and number.isdecimal():
            erase_person(int(number), reason=reason, actor=ACTOR, now=now)
        else:
            actions.erase_subject(subject, actor=ACTOR, reason=reason, now=now)
        sequence(now=datetime.now(UTC))
    out.print(f"已删除 {subject}；要让备份里的密钥也失效，再运行 xinqiao keys rotate master")
