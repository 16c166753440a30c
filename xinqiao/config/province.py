"""Bringing up a node: database, sample province, evaluation, accounts, servers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from django.core.management import call_command
from django.utils import timezone
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.sample.generate import generate
from xinqiao.catalogue.sample.types import Manifest
from xinqiao.config.demo import DemoAccount, ensure_accounts
from xinqiao.config.demo_market import ensure_products
from xinqiao.config.worker import run_worker
from xinqiao.directory.build import rebuild
from xinqiao.directory.queries import index_facts
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evaluation.queries import list_runs
from xinqiao.evidence.actions import sequence
from xinqiao.ingest.actions import Upload, receive
from xinqiao.ingest.queries import last_deliveries
from xinqiao.plumbing.settings import ROOT, content_dir, home
from xinqiao.quality.jobs import daily_pass
from xinqiao.quality.queries import card_days
from xinqiao.records.types import AsOf
from xinqiao.release.activation import activate_first
from xinqiao.sharing.actions import adopt_content
from xinqiao.subjects.assemble import ITEMS as REGISTRY
from xinqiao.subjects.build import rebuild_if_stale

console = Console(stderr=True)
ACTOR = "system:start"


@contextmanager
def _step(title: str) -> Iterator[Callable[[str], None]]:
    """A line that shows what is going on and how long it took."""
    began = time.monotonic()
    with console.status(title) as status:
        yield lambda text: status.update(f"{title}　{text}")
    console.print(f"  [green]✔[/green] {title}　[dim]{time.monotonic() - began:.1f} 秒[/dim]")


def last_month_end() -> date:
    """The last day of the month before this one, the default end of sample histories."""
    return timezone.localdate().replace(day=1) - timedelta(days=1)


def sample(
    folder: Path,
    firms: Annotated[int, typer.Option(help="企业数")] = 20_000,
    seed: Annotated[int, typer.Option(help="随机种子；同种子、同截止日得到同样的字节")] = 1,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="记录截止日；默认上月末")] = None,
    dirt: Annotated[float, typer.Option(help="带缺陷的行的比例，0 到 1")] = 0.0,
    registration: Annotated[Path | None, typer.Option(help="真实格式的登记文件夹；身份会被替换")] = None,
) -> Manifest:
    """生成示例省份的报送文件。"""
    with _step("生成示例省份") as tell:
        return generate(
            load_catalogue(content_dir()),
            folder,
            firms=firms,
            seed=seed,
            until=until.date() if until else last_month_end(),
            content=content_dir(),
            dirt=dirt,
            registration=registration,
            progress=lambda name, done, total: tell(f"{name} {done}/{total}"),
        )


def _load(folder: Path) -> None:
    """Deliver every item's files as its department would; the registry first, so that subjects are known."""
    first = sorted(load_catalogue(content_dir()), key=lambda item: item.code not in REGISTRY)
    for item in first:
        if item.code not in REGISTRY and rebuild_if_stale(actor=ACTOR, now=datetime.now(UTC)):
            console.print("  [green]✔[/green] 主体库")
        files = sorted((folder / item.code).glob("*"))
        if not files:
            continue
        with _step(f"归集 {item.list_code} {item.name}"):
            uploads = [Upload(path.name, path) for path in files]
            receive(item, uploads, provider=item.department.code, actor=ACTOR, now=datetime.now(UTC))


def _prepare(firms: int, seed: int, registration: Path | None) -> Manifest | None:
    """Generate and deliver the sample province once; None when the node already holds data."""
    folder = home() / "sample"
    if last_deliveries():
        return None
    shutil.rmtree(folder, ignore_errors=True)  # a start that was stopped half-way
    manifest = sample(folder, firms=firms, seed=seed, registration=registration)
    _load(folder)
    return manifest


def start(
    firms: Annotated[int, typer.Option(help="示例省份的企业数")] = 20_000,
    seed: Annotated[int, typer.Option(help="随机种子")] = 1,
    port: Annotated[int, typer.Option(help="门户端口")] = 8000,
    registration: Annotated[Path | None, typer.Option(help="用这个文件夹里真实格式的登记数据，身份会被替换")] = None,
    once: Annotated[bool, typer.Option("--once", help="准备好就结束，不启动门户")] = False,
) -> None:
    """准备数据库和示例省份，评价，启动门户（127.0.0.1）。"""
    began = time.monotonic()
    os.environ["XINQIAO_DEMO"] = "1"
    os.environ.setdefault("XINQIAO_SECOND_FACTOR", "off")  # whoever tries it out has no telephone set up for it
    console.print("[bold]信桥 Xinqiao[/bold]　中小企业融资信用服务省级节点")
    with _step("数据库"):
        call_command("migrate", verbosity=0)
    with _step("证明并启用共享规则表"):
        activate_first(actor=ACTOR, now=datetime.now(UTC))
    with _step("启用共享清单"):
        adopt_content(actor=ACTOR, now=datetime.now(UTC))
    _prepare(firms, seed, registration)
    if not list_runs(limit=1):
        with _step("信用评价"):
            now = datetime.now(UTC)
            run_evaluation(AsOf(timezone.localdate(now), now), actor=ACTOR, now=now, progress=lambda _: None)
    if not card_days(limit=1):
        with _step("跨部门核对与质量卡"):
            daily_pass(actor=ACTOR, now=datetime.now(UTC))
    if index_facts() is None:
        with _step("企业名录"):
            rebuild(actor=ACTOR, now=datetime.now(UTC))
    with _step("演示账号"):
        accounts = ensure_accounts(_manifest(), now=datetime.now(UTC))
        ensure_products(now=datetime.now(UTC))
    sequence(now=datetime.now(UTC))
    if not once:
        _run_servers(port, lambda: _closing_screen(port, accounts, time.monotonic() - began))


def _manifest() -> dict[str, object]:
    path = home() / "sample" / "manifest.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def _closing_screen(port: int, accounts: list[DemoAccount], seconds: float) -> None:
    base = f"http://127.0.0.1:{port}"
    table = Table(box=None, padding=(0, 2))
    for title in ("账号", "身份", "打开"):
        table.add_column(title)
    for account in accounts:
        table.add_row(account.username, account.who, base + account.page)
    console.print(Panel(table, title=f"门户已就绪 {base}（{seconds:.0f} 秒）", subtitle="密码都是 xinqiao-demo"))
    firm = next(iter(_manifest().get("demo_firms", ())), {})  # type: ignore[call-overload]
    console.print(
        f"试试看：① 用 banker 查 {firm.get('uscc', '')}（{firm.get('name', '')}），请求授权，次数填 3　"
        "② 用 owner 看到请求，同意　"
        "③ 回到 banker 读取信用报告　④ 用 owner 看谁看过我，再撤回授权　⑤ banker 再读，被拒并说明原因\n"
        f"数据字典 {base}/catalogue/　评价指引 {base}/guideline/　接口文档 {base}/api/v1/docs　按 Ctrl-C 结束"
    )


def server_command(port: int) -> list[str]:
    """How the portal is served on a port of the loopback."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--blocking-threads", "4", "--log-level", "warning", "xinqiao.config.wsgi:application",
    ]  # fmt: skip


def _run_servers(port: int, when_ready: Callable[[], None]) -> None:
    """Run the portal and the worker until one ends or Ctrl-C; both are ended before this returns."""
    processes = [
        subprocess.Popen(server_command(port), cwd=ROOT),
        subprocess.Popen([sys.executable, "-m", "xinqiao.config.cli", "worker"], cwd=ROOT),
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        _wait_for(port, processes[0])
        when_ready()
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        raise typer.Exit(1)
    except KeyboardInterrupt:
        console.print("正在结束…")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            console.print(f"[red]✖[/red] 门户未能启动；端口 {port} 可能已被占用，可用 --port 换一个")
            raise typer.Exit(1)
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
            return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)


def serve(port: Annotated[int, typer.Option(help="端口")] = 8000) -> None:
    """只启动门户和接口。"""
    os.execv(sys.executable, server_command(port))


def worker() -> None:
    """后台任务：存证排序与签名、评价、合并、授权到期。"""
    run_worker()
