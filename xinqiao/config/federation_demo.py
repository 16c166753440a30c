"""``xinqiao demo federation``: nation, province and city as real nodes on this machine, and a firm among them."""

from __future__ import annotations

import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from xinqiao.config.node_hand import Hand, RemoteNode, link, now
from xinqiao.kernel.identifiers import make_uscc

demo_app = typer.Typer(no_args_is_help=True, help="演示")
console = Console(stderr=True)
FIRM = make_uscc("91", "610102", "MATXA0001")
NAME, CORRECTED = "示例（虚构）西安样本机械有限公司", "示例（虚构）西安样本精密机械有限公司"
NODES = (
    ("nation", "nation", "示例国家平台", ""),
    ("shaanxi", "province", "陕西省级节点（演示）", "610000"),
    ("xian", "city", "西安市融资信用服务平台（演示）", "610100"),
)
PATIENCE = 60.0
UNRATED = "NR"


class DemoHand(Hand):
    """What the demonstration asks of its nodes besides."""

    def people(self) -> None:
        """An operator and who confirms what the operator proposes."""
        from xinqiao.config.demo import NODE, PASSWORD
        from xinqiao.parties.actions import add_member, register_organisation, register_person
        from xinqiao.parties.types import OrganisationKind, Role
        from xinqiao.plumbing.settings import node_name

        by: dict[str, Any] = {"actor": "system:demo", "now": now()}
        register_organisation(NODE, kind=OrganisationKind.NODE, name=node_name(), **by)
        for username, name in (("operator", "钱工"), ("approver", "褚工")):
            person = register_person(username, name=name, password=PASSWORD, **by)
            add_member(person, role=Role.OPERATOR, organisation=NODE, **by)

    def deliver(self, item: str, rows: list[dict[str, str]]) -> int:
        """A department hands rows in; how many were accepted."""
        from xinqiao.catalogue.load import load_catalogue
        from xinqiao.ingest.actions import receive_rows
        from xinqiao.plumbing.settings import content_dir

        found = load_catalogue(content_dir()).item(item)
        return receive_rows(found, rows, provider=found.department.code, actor="system:demo", now=now()).accepted

    def evaluate(self, code: str) -> dict[str, Any]:
        """Evaluate everybody, tell the counts at once, and say what came out for one."""
        from xinqiao.evaluation.actions import run_evaluation
        from xinqiao.evaluation.queries import published_result
        from xinqiao.federation.collecting import publish_documents
        from xinqiao.kernel.dated import beijing_day
        from xinqiao.records.types import AsOf

        at = now()
        run_evaluation(AsOf(beijing_day(at), at), actor="system:demo", now=at, progress=lambda _: None)
        publish_documents(now=now())
        found = published_result(code) or {}
        return {name: found.get(name) for name in ("grade", "score", "coverage")}


@demo_app.command("federation")
def federation(
    keep: Annotated[bool, typer.Option("--keep", help="演示完不结束，给出各节点的网址；按 Ctrl-C 结束")] = False,
) -> None:
    """三个真实节点（国家、省、市）：企业在市里注册，由省里评价，被国家计入；一分钟左右。"""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="xinqiao-federation-"))
    nodes = [_node(folder, code, level, name, division) for code, level, name, division in NODES]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        _story(*nodes, began=began)
        if keep:
            _stay(nodes)
    except KeyboardInterrupt:
        console.print("正在结束…")
    except (RuntimeError, TimeoutError) as error:
        console.print(f"[red]✖[/red] {error}")
        raise typer.Exit(1) from error
    finally:
        for node in nodes:
            node.stop()
        shutil.rmtree(folder, ignore_errors=True)
    console.print(f"[green]✔[/green] 三个节点均已结束　[dim]共 {time.monotonic() - began:.0f} 秒[/dim]")


def _node(folder: Path, code: str, level: str, name: str, division: str) -> RemoteNode:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {"XINQIAO_NODE_NAME": name, "XINQIAO_NODE_DIVISION": division}
    settings |= {"XINQIAO_DEMO": "1", "XINQIAO_SECOND_FACTOR": "off"}
    return RemoteNode(code, level, folder / code, port, settings=settings)


def _story(nation: RemoteNode, province: RemoteNode, city: RemoteNode, *, began: float) -> None:
    nodes = (nation, province, city)
    step = _teller(began)
    with step("三个节点：各自的进程、数据库和密钥"):
        for node in nodes:
            node.start()
        for node in nodes:
            node.tell("people")
        for node in nodes:
            node.answer()
        for node in nodes:
            node.wait_until_served()
    with step("交换名片，另一人核对指纹后连通：西安 → 陕西 → 国家") as say:
        say(link(city, province))
        link(province, nation)
    with step("清单和评价指引下达到市") as say:
        found = _until(lambda: city.ask("latest", kind="guideline", origin="shaanxi", object_id="basic"))
        listed = _until(lambda: city.ask("latest", kind="catalogue", origin="shaanxi", object_id="sharing_list"))
        say(f"评价指引 v{found['body']['version']}，清单 {listed['body']['version']}")
    with step(f"企业在西安注册：{NAME} {FIRM}"):
        city.ask("register", firms=[[FIRM, NAME]])
    with step("同步到省、到国家") as say:
        say(_until(lambda: province.ask("firm", code=FIRM)))
        _until(lambda: nation.ask("firm", code=FIRM))
    with step("省里各部门报送它的数据，按评价指引评价") as say:
        for item, rows in _records():
            province.ask("deliver", item=item, rows=rows)
        result = province.ask("evaluate", code=FIRM)
        unrated = "（数据不足，按指引不评等级）" if result["grade"] == UNRATED else ""
        say(f"等级 {result['grade']}{unrated}，{result['score']} 分，覆盖度 {result['coverage']}%")
    with step("国家计入") as say:
        counts = _until(lambda: _if(nation.ask("counts"), lambda found: found["evaluated"] == 1))
        say(f"注册企业 {counts['registered']}，已评价 {counts['evaluated']}")
    with step(f"西安更正企业名称，各级随之更正：{CORRECTED}"):
        city.ask("rename", code=FIRM, name=CORRECTED)
        for node in (province, nation):
            _until(lambda node=node: _if(node.ask("firm", code=FIRM), lambda name: name == CORRECTED))  # type: ignore[misc]
    with step("两端状态摘要逐类核对") as say:
        say(_until(lambda: _equal(nation, province, city)))


def _records() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """What departments know of the firm; every value is made up."""
    firm = {"uscc": FIRM, "name": NAME, "registered_on": "2019-05-06", "capital": "500万人民币", "industry": "C3411"}
    yield "registration.basic", [firm]
    months = [f"2025-{month:02d}" for month in range(1, 13)]
    taxes = {"sales_fen": "812345.60", "due_fen": "32000", "paid_fen": "32000", "arrears_fen": "0"}
    yield "tax.payment", [{"uscc": FIRM, "month": month, **taxes} for month in months]
    yield "tax.credit_rating", [{"uscc": FIRM, "rated_on": "2026-04-30", "grade": "A"}]


def _equal(nation: RemoteNode, province: RemoteNode, city: RemoteNode) -> str | None:
    """What both sides of both links say, once it is the same."""
    said = 0
    for below, above in ((city, province), (province, nation)):
        lower, upper = below.ask("state", peer=above.code), above.ask("state", peer=below.code)
        if lower["sent"] != upper["received"] or lower["received"] != upper["sent"]:
            return None
        said += sum(kind["count"] for kind in [*lower["sent"], *lower["received"]])
    return f"两条连接、{said} 个对象，两端一致"


def _if(found: Any, right: Callable[[Any], bool]) -> Any:
    return found if found is not None and right(found) else None


def _until(look: Callable[[], Any]) -> Any:
    """What a look finds once it finds something; raises TimeoutError."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if (found := look()) is not None:
            return found
        time.sleep(0.1)
    raise TimeoutError("等待同步超过一分钟")


def _teller(began: float) -> Callable[[str], Any]:
    """Steps told with what came of them and how long they took."""

    @contextmanager
    def step(title: str) -> Iterator[Callable[[str], None]]:
        since, said = time.monotonic(), []
        with console.status(title):
            yield said.append
        at, took = since - began, time.monotonic() - since
        more = f"　{said[-1]}" if said else ""
        console.print(
            f"  [green]✔[/green] [dim]{at:5.1f}s +{took:4.1f}s[/dim]　{title}{more}", highlight=False, soft_wrap=True
        )

    return step


def _stay(nodes: list[RemoteNode]) -> None:
    from xinqiao.config.demo import PASSWORD

    for node in nodes:
        console.print(
            f"  http://127.0.0.1:{node.port}/node/federation/　{node.settings['XINQIAO_NODE_NAME']}", highlight=False
        )
    console.print(f"账号 operator、approver，密码 {PASSWORD}　按 Ctrl-C 结束")
    while all(node.process is not None and node.process.poll() is None for node in nodes):
        time.sleep(0.5)
