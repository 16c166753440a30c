"""``xinqiao anchors …``: put the contract on a chain, send a root now, see and check what is anchored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from xinqiao.anchoring.adapters.evm import EvmLedger
from xinqiao.anchoring.adapters.xinghuo import XinghuoLedger
from xinqiao.anchoring.ledgers import list_ledgers
from xinqiao.anchoring.queries import list_anchors, list_standing
from xinqiao.anchoring.taking import take_anchors, verify_anchors
from xinqiao.anchoring.types import Ledger, LedgerKind
from xinqiao.config.console import explained, out

anchors_app = typer.Typer(no_args_is_help=True, help="区块链存证")
Name = Annotated[str, typer.Argument(help="XINQIAO_ANCHORS 文件里的名称")]


@anchors_app.command("take")
def take() -> None:
    """立即向各链送根或查询回执（平时由后台任务每分钟完成）。"""
    with explained():
        out.print(f"上链 {take_anchors(now=datetime.now(UTC))} 个")


@anchors_app.command("list")
def listed() -> None:
    """各链最近怎样答复，最近的存证到了哪里。"""
    for item in list_standing():
        out.print(f"{item.name}：已上链到 {item.size}，{item.trouble or '正常'}", markup=False, highlight=False)
    table = Table("链", "检查点大小", "状态", "送出", "上链")
    for anchor in list_anchors():
        at = f"{anchor.confirmed_at:%Y-%m-%d %H:%M:%S}" if anchor.confirmed_at else ""
        table.add_row(anchor.ledger, str(anchor.size), anchor.state.label, f"{anchor.sent_at:%Y-%m-%d %H:%M:%S}", at)
    out.print(table)


@anchors_app.command("verify")
def verify() -> None:
    """向各链逐个核对已有回执（以交易回执和事件日志为准）。"""
    with explained():
        wrong = verify_anchors()
    for line in wrong or ["核验无误"]:
        out.print(line, markup=False, highlight=False)
    raise typer.Exit(1 if wrong else 0)


@anchors_app.command("deploy")
def deploy(name: Name) -> None:
    """把锚定合约部署到以太坊接口的链上，打印合约地址；把它写进设置文件的 contract。"""
    with explained():
        line = EvmLedger(_named(name, LedgerKind.EVM))
        out.print(f"账户 {line.account}\n合约 {line.deploy()}", markup=False, highlight=False)


@anchors_app.command("key")
def key(name: Name) -> None:
    """打印要交给星火印的 SM2 公钥。"""
    with explained():
        out.print(XinghuoLedger(_named(name, LedgerKind.XINGHUO)).public_pem, markup=False, highlight=False)


def _named(name: str, kind: LedgerKind) -> Ledger:
    found = next((ledger for ledger in list_ledgers() if ledger.name == name and ledger.kind is kind), None)
    if found is None:
        raise typer.BadParameter(f"设置文件里没有名为 {name} 的 {kind}")
    return found
