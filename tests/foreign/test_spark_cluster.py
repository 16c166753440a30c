"""A real Apache Spark cluster scores the province as the engine in the process does, to the last digit.

The published run of 20,000 firms is ``./check bench spark_parity``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_both_engines_give_the_same_rows() -> None:
    """A process of its own: a benchmark sets up a node, and only one can be set up in a process."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "spark_parity", "--scale", "0.01"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0 and run.stdout.splitlines()[-1].endswith("| met"), run.stdout + run.stderr
