"""A chain node nobody here wrote: anvil of npm, installed once by its lock file, as a process of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "tests" / "foreign" / "chain"
INSTALLED = ROOT / ".tools" / "foreign-chain"
# The first of anvil's own accounts, with coins of no worth; public in every copy of it.
RICH = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


def installed() -> Path:
    """The packages, by npm; raises FileNotFoundError without Node.js."""
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm: apt-get install nodejs npm")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    lock = (SOURCE / "package-lock.json").read_text("utf-8")
    mark = INSTALLED / "installed"
    for name in ("package.json", "package-lock.json", "compile.cjs"):
        shutil.copyfile(SOURCE / name, INSTALLED / name)
    if not mark.exists() or mark.read_text("utf-8") != lock:
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=INSTALLED, check=True, capture_output=True)
        mark.write_text(lock, "utf-8")
    return INSTALLED


def binary() -> Path:
    """The node's program."""
    found = next(installed().glob("node_modules/@foundry-rs/anvil-*/bin/anvil*"))
    found.chmod(0o755)
    return found


@contextmanager
def running_anvil(folder: Path, *, port: int | None = None, block_seconds: int = 0) -> Iterator[str]:
    """A node whose state stays in the folder; its address. A block at each transaction, or every so many seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = port or _free_port()
    command = [str(binary()), "--port", str(chosen), "--state", str(folder / "state.json"), "--silent"]
    command += ["--block-time", str(block_seconds)] if block_seconds else []
    environment = {**os.environ, "HOME": str(folder)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(chosen, process)
            yield f"http://127.0.0.1:{chosen}"
        finally:
            process.terminate()  # it writes its state as it ends
            process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("the chain node did not start")
        try:
            asked = urllib.request.Request(
                f"http://127.0.0.1:{port}", data=body, headers={"Content-Type": "application/json"}
            )
            urllib.request.urlopen(asked, timeout=1).close()
            return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError("the chain node did not answer")
