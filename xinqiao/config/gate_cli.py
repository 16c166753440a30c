"""``xinqiao gate``: proving the release table and putting it in force."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from xinqiao.config.console import ACTOR, explained, out
from xinqiao.plumbing.settings import content_dir
from xinqiao.release.activation import activate_policy, check_policy
from xinqiao.release.cedar import cedar_policies
from xinqiao.release.queries import active_policy

gate_app = typer.Typer(no_args_is_help=True, help="共享规则表：证明、启用")
TableFile = Annotated[Path | None, typer.Argument(help="规则表文件；默认内容包里的 release.toml")]


def _text(file: Path | None) -> str:
    return (file or content_dir() / "release.toml").read_text("utf-8")


@gate_app.command("show")
def show() -> None:
    """现行的规则表：摘要、证明、何时由谁启用。"""
    held = active_policy()
    if held is None:
        out.print("尚未启用任何规则表；使用内容包里的规则表")
        return
    out.print(
        f"规则表 {held.sha256}\n证明 {held.proof_sha256}\n启用 {held.activated_at.isoformat()} {held.activated_by}"
    )


@gate_app.command("prove")
def prove(
    file: TableFile = None,
    folder: Annotated[Path | None, typer.Option("--out", help="把每个定理的 SMT-LIB 和 Cedar 规则写到这里")] = None,
) -> None:
    """用求解器证明规则表不越线，并与第二种算法比对；不启用。"""
    text = _text(file)
    with explained():
        proof = check_policy(text)
    for theorem in proof.theorems:
        out.print(
            f"[green]✔[/green] {theorem.verdict}　{theorem.name}　{theorem.says}", highlight=False, soft_wrap=True
        )
    out.print(f"规则表 {proof.policy_sha256}\n证明 {proof.sha256}（{proof.solver}）", highlight=False, soft_wrap=True)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        for theorem in proof.theorems:
            (folder / f"{theorem.name}.smt2").write_text(theorem.smt2, encoding="utf-8")
        (folder / "release.cedar").write_text(cedar_policies(text), encoding="utf-8")
        out.print(f"已写入 {folder}")


@gate_app.command("activate")
def activate(file: TableFile = None) -> None:
    """证明后启用一份规则表，从下一次查询起生效；不通过则原表继续有效。"""
    with explained():
        held = activate_policy(_text(file), actor=ACTOR, now=datetime.now(UTC))
    out.print(f"[green]✔[/green] 已启用 {held.sha256}，存证条目 {held.entry}", highlight=False, soft_wrap=True)
