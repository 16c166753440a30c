"""A real node of a few hundred enterprises, started by the product's own command, and a browser."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-dev-shm-usage"]  # a container's shared memory is often too small for a picture of a page
PASSWORD = "xinqiao-demo"
FIRM = "91610131MAYDEM0155"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running node: `xinqiao start` with 400 firms in a folder of its own."""
    home, port = tmp_path_factory.mktemp("node"), _free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XINQIAO_", "DATABASE_URL"))}
    environment |= {"XINQIAO_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "xinqiao.config.cli", "start", "--firms", "400", "--port", str(port)]
    with (home / "start.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(port, process, home / "start.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(900):
        if process.poll() is not None:
            pytest.fail(f"the node did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).close()
            return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    pytest.fail("the node did not answer within three minutes")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    assert path, "chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


class Person:
    """Somebody at a desk: a browser window of their own, JavaScript off unless said otherwise."""

    def __init__(self, browser: Browser, base: str, *, javascript: bool = False, width: int = 1366) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 768},
            locale="zh-CN",
            base_url=base,
            java_script_enabled=javascript,
            accept_downloads=True,
        )
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.failures: list[str] = []
        self.page.on("response", lambda r: self.failures.append(f"{r.status} {r.url}") if r.status >= 500 else None)

    def sign_in(self, username: str) -> Page:
        """Sign in as a demonstration account; returns the page that opens."""
        self.page.goto("/sign-in/")
        self.page.fill("#username", username)
        self.page.fill("#password", PASSWORD)
        self.page.click("main button")
        return self.page


@pytest.fixture
def person(browser: Browser, node: str) -> Iterator[type[Person]]:
    """Makes people; their windows are closed and must have seen no server fault."""
    made: list[Person] = []

    def make(**options: object) -> Person:
        made.append(Person(browser, node, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make  # type: ignore[misc]
    for one in made:
        one.context.close()
        assert one.failures == []


def picture(page: Page, name: str) -> Path:
    """A screenshot for the manual, at the common government screen size.

    It replaces the one in ``docs/images`` only with XINQIAO_PICTURES=1, so that a test run leaves the tree as it was.
    """
    wanted = os.environ.get("XINQIAO_PICTURES") == "1" or not (IMAGES / f"{name}.png").exists()
    folder = IMAGES if wanted else Path(tempfile.mkdtemp(prefix="xinqiao-picture-"))
    folder.mkdir(parents=True, exist_ok=True)
    for left in (2, 1, 0):
        try:
            page.screenshot(path=folder / f"{name}.png", animations="disabled")
            break
        except PlaywrightError as error:  # a busy machine: the page is there, its frame is not drawn yet
            if left == 0 or "Unable to capture" not in error.message:
                raise
            page.wait_for_timeout(1000)
    return folder / f"{name}.png"
