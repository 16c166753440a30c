"""Each seeded defect of a platform is found by its own probe and by no other; an honest platform passes them all.

Platforms are processes of their own that speak the contract over TLS, one honest and one for each defect. Every probe
is run against every platform, and the table is the whole matrix: ✖ belongs under a defect's own probe and nowhere else.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, spread

if TYPE_CHECKING:
    from xinqiao.probes.platform.defects import Defect
    from xinqiao.probes.types import Kit, Round

NAME = "probes"
BAR = "every seeded defect, at least 12, found by its own probe alone; an honest platform passes all"
LEAST = 12
AT_ONCE = 2
MARKS = {"passed": "·", "failed": "✖", "not_run": "–", "could_not_reach": "?"}


@dataclass(frozen=True, slots=True)
class _Row:
    """One platform: its defect, None for the honest one; what came of the round; seconds that it took."""

    defect: Defect | None
    found: Round
    seconds: float

    @property
    def failed(self) -> set[str]:
        return {r.probe for r in self.found.results if r.outcome == "failed"}

    @property
    def right(self) -> bool:
        reached = all(r.outcome != "could_not_reach" for r in self.found.results)
        return reached and self.failed == ({self.defect.probe} if self.defect else set())


def measure(scale: float) -> Figure:
    """Start every platform, run every probe on each, count the rows that are right; ``scale`` takes fewer defects."""
    import xinqiao.config.boot  # noqa: F401
    from xinqiao.probes.content import kit
    from xinqiao.probes.platform.defects import Defect

    defects = list(Defect)[: max(2, round(len(Defect) * scale))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rows = list(pool.map(lambda defect: _probed(defect, kit()), [None, *defects]))
    return _figure(rows, scale)


def _probed(defect: Defect | None, kit: Kit) -> _Row:
    from xinqiao.probes.running import run_round

    with _platform(defect) as (url, root):
        began = time.monotonic()
        found = run_round(url, kit, kit.probes, trusted=root, anywhere=True)
        return _Row(defect, found, time.monotonic() - began)


@contextmanager
def _platform(defect: Defect | None) -> Iterator[tuple[str, Path]]:
    """A platform as a process of its own: its address and the root to trust."""
    with tempfile.TemporaryDirectory(prefix="xinqiao-") as folder:
        command = [sys.executable, "-m", "xinqiao.probes.platform", "--folder", folder]
        command += ["--defect", str(defect)] if defect else []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline().strip(), Path(process.stdout.readline().strip())
            finally:
                process.terminate()


def _figure(rows: Sequence[_Row], scale: float) -> Figure:
    honest, faulty = rows[0], rows[1:]
    run = [r for r in honest.found.results if r.outcome != "not_run"]
    passed = sum(r.outcome == "passed" for r in run)
    by_machine = [r.probe for r in run]
    table: list[tuple[object, ...]] = [("platform", "its probe", "found by", "matrix, probes in order", "s")]
    for row in rows:
        outcomes = {r.probe: MARKS[str(r.outcome)] for r in row.found.results}
        marks = "".join(outcomes[name] for name in by_machine)
        own = row.defect.probe if row.defect else "none"
        table.append((row.defect or "honest", own, " ".join(sorted(row.failed)) or "-", marks, f"{row.seconds:.1f}"))
    found = sum(row.right for row in faulty)
    wrong = sum(len(row.failed - {row.defect.probe}) for row in faulty if row.defect)
    probes = len({row.defect.probe for row in faulty if row.defect})
    return Figure(
        NAME,
        table,
        f"{found} of {len(faulty)} found by own probe only, clean passes {passed} of {len(run)}, "
        f"{spread([row.seconds for row in rows], digits=1)} s a round",
        f"floor {LEAST} defects; {wrong} found by another probe; {probes} of {len(run)} probes shown to fail",
        f"{found / len(faulty):.2f}",
        BAR,
        found == len(faulty) and passed == len(run) and honest.right and len(faulty) >= LEAST * min(scale, 1.0),
        scale,
    )
