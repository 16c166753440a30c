"""A court package: made, checked by stock tools alone, every flipped bit found, either suite broken."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from benchmarks.figure import Absent, Figure, percentile
from benchmarks.node import SEED, fresh_node

if TYPE_CHECKING:
    from tests.lawsuit import Lawsuit

NAME = "package"
PACKAGES, FLIPS, BARE_FLIPS, REPAYMENTS = 20, 10_000, 2_000, 60
BAR = "≤ 5 s, ≤ 1 MB, openssl unzip sha256sum pdfsig suffice, 10,000 flips found, stands with one suite broken"
TOOLS = ("openssl", "unzip", "sha256sum", "pdfsig")
# What the script needs of any system besides: a shell and the text tools of POSIX.
SHELL = ("sh", "cat", "cut", "find", "grep", "head", "mktemp", "mv", "od", "rm", "sed", "tail", "tr", "wc")
SCRIPT = Path(__file__).resolve().parents[1] / "xinqiao" / "judicial" / "procedure" / "verify.sh"


def measure(scale: float) -> Figure:
    """Bring a loan to court, make its package often, flip bits, break suites; the floor is the bytes of its pieces."""
    from shutil import which

    if missing := [tool for tool in TOOLS if not which(tool)]:
        raise Absent(f"{', '.join(missing)}: apt-get install openssl unzip coreutils poppler-utils")
    with fresh_node() as home, _authority(home):
        made, times = _packages(max(3, int(PACKAGES * scale)))
        return _figure(made, times, max(100, int(FLIPS * scale)), max(50, int(BARE_FLIPS * scale)), scale)


@contextmanager
def _authority(home: Path) -> Iterator[None]:
    from tests.tsa_server import running_tsa

    with running_tsa(home / "tsa") as url:
        (home / "tsa" / "authorities").write_text(f"test-tsa {url} ca.pem\n")
        os.environ["XINQIAO_TSA"] = str(home / "tsa" / "authorities")
        yield


def _packages(count: int) -> tuple[Lawsuit, list[float]]:
    """A loan repaid in many parts, and its package made again and again: each time everything, key files included."""
    from tests.factories import NOW
    from tests.lawsuit import COURT, lend, sue
    from tests.market import open_market
    from xinqiao.judicial.actions import make_package

    market = open_market()
    lend(market, repayments=REPAYMENTS)
    first = sue()
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        make_package(first.case.id, organisation=COURT, actor="person:7", now=NOW)
        times.append(time.perf_counter() - begun)
    return first, times


def _figure(made: Lawsuit, times: list[float], flips: int, bare: int, scale: float) -> Figure:
    from xinqiao.judicial.types import Suite
    from xinqiao.judicial.verifying import verify_package

    by_tools, tools_seconds = _by_stock_tools(made)
    with_proof = _found(made, made.proof, flips)
    without = _found(made, None, bare)
    alone = {suite: verify_package(made.data, whole=made.proof, broken=suite) for suite in Suite}
    stands = all(verdict.ok and not verdict.stands_on(suite) for suite, verdict in alone.items())
    size, slowest = len(made.data), max(times)
    floor = _floor(made)
    rows: list[tuple[object, ...]] = [
        ("measure", "value", "of"),
        ("log entries in the package", _entries(made), ""),
        ("made, seconds: median", f"{percentile(times, 0.5):.3f}", f"{len(times)} times"),
        ("made, seconds: slowest", f"{slowest:.3f}", f"{len(times)} times"),
        ("size, bytes", f"{size:,}", f"pieces alone {floor:,}"),
        ("checked by openssl, unzip, sha256sum, pdfsig", "yes" if by_tools else "NO", f"{tools_seconds:.1f} s"),
        ("flipped bits found, with the proof of the whole", with_proof, flips),
        ("flipped bits found, package alone", without, bare),
        *((f"stands with {suite} broken", "yes" if v.ok else "NO", f"{v.passed} checks") for suite, v in alone.items()),
    ]
    return Figure(
        name=NAME,
        table=rows,
        ours=f"{slowest:.2f} s, {size / 2**20:.2f} MB, {with_proof} of {flips} flips found",
        against=f"floor bytes of the pieces {floor / 2**20:.2f} MB",
        ratio=f"{size / floor:.1f}",
        bar=BAR,
        met=slowest <= 5 and size <= 2**20 and by_tools and with_proof == flips and stands,
        scale=scale,
    )


def _by_stock_tools(made: Lawsuit) -> tuple[bool, float]:
    """The page's script in a folder that has these tools and a shell's, and nothing else on its path."""
    from shutil import which

    with tempfile.TemporaryDirectory() as folder:
        tools = Path(folder, "tools")
        tools.mkdir()
        for name in (*TOOLS, *SHELL):
            found = which(name)
            if found is None:
                raise Absent(name)
            (tools / name).symlink_to(found)
        package, proof = Path(folder, "p.asice"), Path(folder, "r.asice")
        package.write_bytes(made.data)
        proof.write_bytes(made.proof)
        begun = time.perf_counter()
        run = subprocess.run(
            [str(tools / "sh"), str(SCRIPT), str(package), str(proof)],
            env={"PATH": str(tools), "HOME": folder},
            capture_output=True,
            text=True,
            check=False,
        )
        spent = time.perf_counter() - begun
        if run.returncode:
            print(run.stdout[-2000:], run.stderr[-2000:], file=sys.stderr)
        passed = run.returncode == 0 and "全部通过" in run.stdout
        package.write_bytes(made.data[:-1] + bytes([made.data[-1] ^ 1]))
        spoilt = subprocess.run(
            [str(tools / "sh"), str(SCRIPT), str(package), str(proof)],
            env={"PATH": str(tools), "HOME": folder},
            capture_output=True,
            check=False,
        )
        return passed and spoilt.returncode != 0, spent


def _found(made: Lawsuit, proof: bytes | None, count: int) -> int:
    """How many single flipped bits are found, at places drawn once for all."""
    dice = Random(SEED)
    places = [(dice.randrange(len(made.data)), 1 << dice.randrange(8)) for _ in range(count)]
    chunks = [places[n :: os.cpu_count() or 1] for n in range(os.cpu_count() or 1)]
    with ProcessPoolExecutor() as pool:
        return sum(pool.map(partial(_found_of, made.data, proof), chunks))


def _found_of(data: bytes, proof: bytes | None, places: list[tuple[int, int]]) -> int:
    from xinqiao.judicial.verifying import verify_package

    found = 0
    for at, bit in places:
        flipped = bytearray(data)
        flipped[at] ^= bit
        found += not verify_package(bytes(flipped), whole=proof).ok
    return found


def _floor(made: Lawsuit) -> int:
    """The bytes of what is shown: the pieces, the report, the entries' contents, without proofs and signatures."""
    from xinqiao.judicial import container

    shown = ("items/", "report.pdf", "evidence.json")
    files = container.unpack(made.data)
    return sum(len(d) for n, d in files.items() if n.startswith(shown) or n.endswith((".body", ".leaf")))


def _entries(made: Lawsuit) -> Any:
    from xinqiao.judicial import container

    return sum(name.endswith(".leaf") for name in container.unpack(made.data))
