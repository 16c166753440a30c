"""``xinqiao scenario``: scenarios, training a model, its versions, a score."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from xinqiao.config.console import ACTOR, err, explained, out
from xinqiao.evidence.actions import sequence
from xinqiao.kernel.dated import beijing_day
from xinqiao.records.types import AsOf
from xinqiao.scenarios.queries import get_scenario, list_versions, scenarios, score
from xinqiao.scenarios.types import Version

scenario_app = typer.Typer(no_args_is_help=True, help="场景评价：训练模型、查看版本、评分（复核与启用在节点门户）")
AsJson = Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")]
Code = Annotated[str, typer.Argument(help="场景编码，如 pre_loan_default")]


@scenario_app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """每个场景和它的模型版本。"""
    with explained():
        declared, versions = scenarios(), list_versions()
    if as_json:
        rows = [{"code": s.code, "name": s.name, "purpose": str(s.purpose)} for s in declared.values()]
        out.print_json(json.dumps({"scenarios": rows, "models": [_as_json(v) for v in versions]}, ensure_ascii=False))
        return
    table = Table("场景", "名称", "用途", "版本", "状态", "AUC", "KS")
    for one in declared.values():
        mine = [v for v in versions if v.scenario == one.code]
        for v in mine or [None]:
            figures = ("—", "—", "—", "—") if v is None else (str(v.number), v.state.label, *_figures(v))
            table.add_row(one.code, one.name, one.purpose.label, *figures)
    out.print(table)


@scenario_app.command("train")
def train(code: Code, as_json: AsJson = False) -> None:
    """用反馈的还款结果训练下一版模型；复核并启用之前不给任何企业评分。"""
    from xinqiao.scenarios.actions import train_model

    with explained(), err.status("…") as status:
        made = train_model(code, actor=ACTOR, now=datetime.now(UTC), progress=status.update)
        sequence(now=datetime.now(UTC))
    if as_json:
        out.print_json(json.dumps(_as_json(made) | {"card": made.card}, ensure_ascii=False))
        return
    data, (auc, ks) = made.card["data"], _figures(made)
    out.print(f"[green]✔[/green] {made.id}　{data['observations']} 条观察，{data['events']} 例违约　AUC {auc}　KS {ks}")
    for other in made.card["figures"]["challengers"]:
        out.print(f"  {other['name']}　AUC {_four(other['auc'])}　KS {_four(other['ks'])}")
    out.print("下一步：请另一人在节点门户“模型”页复核")


@scenario_app.command("score")
def score_one(enterprise: Annotated[str, typer.Argument(help="统一社会信用代码")], code: Code) -> None:
    """一家企业在启用中的模型上的得分、概率、理由和改变的效果（JSON）。"""
    now = datetime.now(UTC)
    with explained():
        get_scenario(code)
        found = score(enterprise, code, AsOf(beijing_day(now), now))
    out.print_json(json.dumps(found, ensure_ascii=False))


def _as_json(version: Version) -> dict[str, Any]:
    state = {"id": version.id, "scenario": version.scenario, "state": str(version.state), "sha256": version.sha256}
    return state | {"trained_at": version.trained_at.isoformat(), "figures": version.card["figures"]}


def _figures(version: Version) -> tuple[str, str]:
    figures = version.card["figures"]
    return _four(figures["auc"]), _four(figures["ks"])


def _four(value: int) -> str:
    return f"{value / 10_000:.4f}"
