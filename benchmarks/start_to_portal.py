"""From a fresh clone to a usable portal by ./start, the first time and the second.

The clone has no environment, no database and no data; the package cache of the machine is used as it is. The
portal counts as usable when it says it is healthy and its home page is there. ./start's own step times tell how
much of it the sample province and its evaluation take.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import Figure

NAME = "start_to_portal"
BAR = "180 s the first time, 20 s the second, sample and evaluation 60 s of it"
FIRST, SECOND, PROVINCE = 180.0, 20.0, 60.0
FIRMS = 20_000
GIVE_UP = 600.0
ROOT = Path(__file__).resolve().parents[1]
STEP = re.compile(r"✔ (?P<title>.+?)\s+(?P<seconds>[0-9.]+) 秒")
# Steps that are the province: its files, their delivery, their evaluation.
PROVINCE_STEPS = ("生成示例省份", "归集", "信用评价")


@dataclass(frozen=True, slots=True)
class Start:
    """One run of ./start: seconds until the portal was usable, and its steps."""

    seconds: float
    steps: tuple[tuple[str, float], ...]

    @property
    def province(self) -> float:
        """Seconds spent on the sample province and its evaluation."""
        return sum(seconds for title, seconds in self.steps if title.startswith(PROVINCE_STEPS))


def measure(scale: float) -> Figure:
    """Clone, start, stop, start again."""
    firms = max(50, round(FIRMS * scale))
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        clone = Path(folder) / "xinqiao"
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(clone)], check=True)
        first, second = _start(clone, firms), _start(clone, firms)
    table = [
        ("step of the first start", "seconds"),
        *((title, f"{seconds:.1f}") for title, seconds in first.steps),
        ("set-up, servers and the rest", f"{first.seconds - sum(s for _, s in first.steps):.1f}"),
        ("first start, to the home page", f"{first.seconds:.1f}"),
        ("second start, to the home page", f"{second.seconds:.1f}"),
    ]
    met = first.seconds <= FIRST and second.seconds <= SECOND and 0 < first.province <= PROVINCE
    return Figure(
        name=NAME,
        table=table,
        ours=f"first {first.seconds:.1f} s, second {second.seconds:.1f} s, "
        f"sample and evaluation {first.province:.1f} s of {firms:,} firms",
        against="floor none",
        ratio="-",
        bar=BAR,
        met=met,
        scale=scale,
    )


def _start(clone: Path, firms: int) -> Start:
    """Run ./start on a free port until the portal is usable, then stop it as Ctrl-C does."""
    port = _free_port()
    log = clone.parent / "start.log"
    began = time.perf_counter()
    with _running(["./start", "--port", str(port), "--firms", str(firms)], clone, log) as process:
        _wait_until_usable(f"http://127.0.0.1:{port}", process, log, deadline=began + GIVE_UP)
        seconds = time.perf_counter() - began
    steps = tuple((m["title"], float(m["seconds"])) for m in STEP.finditer(log.read_text("utf-8")))
    return Start(seconds, steps)


@contextmanager
def _running(command: list[str], folder: Path, log: Path) -> Iterator[subprocess.Popen]:
    """A process group of its own, ended as a whole when the caller is done."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("XINQIAO_", "DJANGO_")) and k != "DATABASE_URL"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=own, stdout=out, stderr=out, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_usable(base: str, process: subprocess.Popen, log: Path, *, deadline: float) -> None:
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"./start ended with status {process.returncode}:\n{log.read_text('utf-8')[-3000:]}")
        if _answers(f"{base}/healthz") is not None and "<h1" in (_answers(f"{base}/") or ""):
            return
        time.sleep(0.1)
    raise RuntimeError(f"no portal after {GIVE_UP:.0f} s:\n{log.read_text('utf-8')[-3000:]}")


def _answers(url: str) -> str | None:
    """The page, or None while nothing good answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.read().decode("utf-8")
    except (urllib.error.URLError, OSError):
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
