"""Running a model an institution brought: tried in a process of its own with bounds, run here once it has passed.

A small file can ask for endless memory (two vectors multiplied into a matrix, doubled forty times). How much a model
takes hangs on its shapes and not on the values, so what has run apart within bounds on many rows runs here on one.
"""

from __future__ import annotations

import base64
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

MOST = 10**15
MEMORY_BYTES, CPU_SECONDS, LONGEST_SECONDS = 2 << 30, 10, 60
ROOT = Path(__file__).resolve().parents[2]

Rows = Sequence[Sequence[float]]


class Unrunnable(Exception):
    """The model failed, or took more memory or time than a model may."""


def outcomes(data: bytes, rows: Rows) -> list[float | None]:
    """The last column of the last output, row by row; None for what is no finite number within bounds."""
    import numpy as np

    session = _session(data)
    found = session.run([session.get_outputs()[-1].name], {session.get_inputs()[0].name: np.array(rows, np.float32)})[0]
    table = np.asarray(found, np.float64).reshape(len(rows), -1)
    return [float(x) if np.isfinite(x) and abs(x) < MOST else None for x in table[:, -1]]


def outcomes_apart(data: bytes, rows: Rows) -> list[float | None]:
    """The same from a process that may take two GiB and ten seconds of one core; :class:`Unrunnable` beyond that."""
    sent = json.dumps({"data": base64.b64encode(data).decode(), "rows": [list(row) for row in rows]})
    command = [sys.executable, "-m", "xinqiao.formulas.onnx_running"]
    try:
        done = subprocess.run(command, input=sent, capture_output=True, text=True, timeout=LONGEST_SECONDS, cwd=ROOT)
    except subprocess.TimeoutExpired as error:
        raise Unrunnable from error
    if done.returncode:
        raise Unrunnable(done.stderr[-400:])
    found: list[float | None] = json.loads(done.stdout)
    return found


@lru_cache(maxsize=32)
def _session(data: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def main() -> None:
    """Take a model and its rows from standard input, within bounds; outcomes to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sent = json.load(sys.stdin)
    json.dump(outcomes(base64.b64decode(sent["data"]), sent["rows"]), sys.stdout)


if __name__ == "__main__":
    main()
