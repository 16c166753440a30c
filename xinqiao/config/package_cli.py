"""``xinqiao package …``: make and check packages of evidence, and ask for the certificate they are signed under."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from xinqiao.config.console import ACTOR, explained, out
from xinqiao.evidence.actions import sequence_all
from xinqiao.judicial.actions import make_package, open_case
from xinqiao.judicial.certificates import signing_request
from xinqiao.judicial.queries import package_bytes, row_of, sidecar
from xinqiao.judicial.refusals import AlreadyOpen
from xinqiao.judicial.types import CaseKind, CaseRequest, MatterKind, Suite
from xinqiao.judicial.verifying import Trust, verify_package

package_app = typer.Typer(no_args_is_help=True, help="证据包")


class KeyKind(StrEnum):
    """Which kind of key a certificate is asked for."""

    ECDSA = "ecdsa"
    RSA = "rsa"


@package_app.command("make")
def make(
    enterprise: Annotated[str, typer.Argument(help="企业统一社会信用代码")],
    number: Annotated[str, typer.Argument(help="借据编号、申请编号或异议编号")],
    court: Annotated[str, typer.Option(help="司法机构代码")],
    case_no: Annotated[str, typer.Option(help="案号")],
    basis: Annotated[str, typer.Option(help="调取证据的文书")],
    institution: Annotated[str, typer.Option(help="出借机构代码（按借据时必填）")] = "",
    matter: Annotated[MatterKind, typer.Option(help="按借据、按申请或按异议")] = MatterKind.LOAN,
    kind: Annotated[CaseKind, typer.Option(help="litigation、arbitration 或 notarisation")] = CaseKind.LITIGATION,
    folder: Annotated[Path, typer.Option(help="写到哪个文件夹")] = Path(),
) -> None:
    """立案调取并生成证据包；旁边写出整包回执，证明整包摘要已在日志中。"""
    now = datetime.now(UTC)
    asked = CaseRequest(kind, case_no, basis, matter, enterprise, institution, number)
    with explained():
        sequence_all(now=datetime.now(UTC))
        try:
            case = open_case(asked, organisation=court, actor=ACTOR, now=now).id
        except AlreadyOpen as standing:
            case = str(standing.data["case"])
        made = make_package(case, organisation=court, actor=ACTOR, now=now)
        sequence_all(now=datetime.now(UTC))
        (folder / f"{made.id}.asice").write_bytes(package_bytes(row_of(made.id)))
        (folder / f"{made.id}.receipt.asice").write_bytes(sidecar(made.id))
    said = f"{made.id}.asice\n  SHA-256 {made.sha256}\n  SM3     {made.sm3}\n  {made.items} 份材料，{made.size} 字节"
    out.print(said, markup=False, highlight=False, soft_wrap=True)


@package_app.command("verify")
def verify(
    package: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    receipt: Annotated[Path | None, typer.Option(exists=True, help="整包回执；默认取旁边的 .receipt.asice")] = None,
    vkey: Annotated[list[str] | None, typer.Option(help="可信的日志公钥，可多次；默认用包内的")] = None,
    roots: Annotated[Path | None, typer.Option(exists=True, help="可信的签署证书根（PEM）")] = None,
    tsa: Annotated[Path | None, typer.Option(exists=True, help="可信的时间戳根（PEM）")] = None,
    broken: Annotated[Suite | None, typer.Option(help="视为已被攻破的算法：intl 或 gm")] = None,
    english: Annotated[bool, typer.Option("--english", help="用英文说明")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")] = False,
) -> None:
    """核验证据包；不需要数据库。有一项不通过即以 1 结束。"""
    beside = package.with_suffix(".receipt.asice")
    whole = receipt or (beside if beside.exists() else None)
    trust = Trust(tuple(vkey or ()), roots.read_bytes() if roots else b"", tsa.read_bytes() if tsa else b"")
    proof = whole.read_bytes() if whole else None
    verdict = verify_package(package.read_bytes(), whole=proof, trust=trust, broken=broken)
    if as_json:
        checks = [{"code": c.code, "state": c.state, "what": list(c.what)} for c in verdict.checks]
        out.print_json(json.dumps({"ok": verdict.ok, "package": verdict.package, "checks": checks}))
    else:
        for line in verdict.lines("en" if english else "zh"):
            out.print(line, markup=False, highlight=False, soft_wrap=True)
        own = "\n公钥与根证书取自包内，请另行核对" if verdict.own_keys else ""
        out.print(f"{'核验无误' if verdict.ok else '核验不通过'}：{verdict.passed} / {verdict.counted} 项{own}")
    raise typer.Exit(0 if verdict.ok else 1)


@package_app.command("request-certificate")
def request_certificate(
    kind: Annotated[KeyKind, typer.Argument(help="ecdsa（P-256）或 rsa（3072 位）")] = KeyKind.ECDSA,
) -> None:
    """打印证书请求（PKCS #10），密钥留在节点或密码设备里；拿到证书后设 XINQIAO_PACKAGE_CERTIFICATE。"""
    with explained():
        out.print(signing_request(kind).decode(), markup=False, highlight=False, soft_wrap=True)
