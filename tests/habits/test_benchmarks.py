"""Every published figure says what it measures, has a bar, and ends with one line that can be compared."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.figure import Figure, percentile

ROOT = Path(__file__).resolve().parents[2]
LAST_LINE = re.compile(
    r"[a-z_]+: ours .+ \| (floor|rival) .+ \| ratio .+ \| bar .+( \| scale [0-9.e-]+)? \| (met|short)"
)


@pytest.mark.parametrize("name", NAMES)
def test_each_benchmark_declares_itself(name: str) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    assert name == module.NAME
    assert module.BAR and module.__doc__ and module.measure.__doc__


def test_every_module_of_the_folder_is_known() -> None:
    """A module with a bar that no list names would never be run."""
    found = {p.stem for p in (ROOT / "benchmarks").glob("*.py") if "\nBAR = " in p.read_text("utf-8")}
    assert found == set(NAMES)


def test_the_last_line_says_when_it_is_scaled() -> None:
    figure = Figure("x", [("a",)], "1 s", "floor y 1 s", "1.0", "at most 2", True, scale=0.1)
    assert figure.line == "x: ours 1 s | floor y 1 s | ratio 1.0 | bar at most 2 | scale 0.1 | met"
    assert "scale" not in Figure("x", [("a",)], "1 s", "floor y 1 s", "1.0", "at most 2", False).line


def test_percentiles_are_by_nearest_rank() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile([7.0], 0.95)) == (50.0, 95.0, 7.0)


@pytest.mark.slow
def test_gate_product_runs_and_its_status_is_its_verdict() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "gate_product"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    last = run.stdout.splitlines()[-1]
    assert LAST_LINE.fullmatch(last), last
    assert run.returncode == (0 if last.endswith("| met") else 1), run.stdout + run.stderr
