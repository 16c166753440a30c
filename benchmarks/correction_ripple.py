"""Whom a correction reaches, beside brute force over a second world in which the record was right from the start.

Random histories: a row that was wrong from its first delivery or went wrong later, reads by three banks in every form,
public and authorised, before the error and within it. The node finds the recipients of each
correction by making answers again. Brute force plays the same histories in a node of its own with right rows and
compares every document. Both sets must be equal, read by read; measured is the time from the provider's finding to the
last notice sent.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, percentile
from benchmarks.histories import (
    CORRECTED_AFTER,
    ITEM,
    RIGHT,
    START,
    History,
    authorise,
    deliver_wrong,
    draw,
    found_node,
    read_all,
    register,
)
from benchmarks.node import ACTOR, SEED, fresh_node

NAME = "correction_ripple"
HISTORIES, LIMIT = 1_000, 60.0
BAR = f"recipients identical to brute force in {HISTORIES:,} histories; acceptance to dispatch p99 <= {LIMIT:g} s"


def measure(scale: float) -> Figure:
    """Play the histories, correct each, and compare whom it reached with the second world."""
    count = max(20, round(HISTORIES * scale))
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        second = Path(folder) / "second.json"
        # A process of its own: a node's home and database are chosen once.
        subprocess.run([sys.executable, "-m", "benchmarks.correction_ripple", str(count), str(second)], check=True)
        brute = json.loads(second.read_text("utf-8"))
        with fresh_node():
            found, told, seconds = _world(count)
    wanted = _differing(told, brute)
    wrong = sum(found[code] != wanted[code] for code in wanted)
    table = [
        ("histories", f"{count:,}"),
        ("answers given", f"{sum(map(len, told.values())):,}"),
        ("of them wrong, by brute force", f"{sum(map(len, wanted.values())):,}"),
        ("of them told, by the node", f"{sum(map(len, found.values())):,}"),
        ("histories whose recipients differ", f"{wrong}"),
        ("acceptance to dispatch, median", f"{percentile(seconds, 0.5):.2f} s"),
        ("acceptance to dispatch, p99", f"{percentile(seconds, 0.99):.2f} s"),
    ]
    return Figure(
        name=NAME,
        table=[("what", "count"), *table],
        ours=f"{wrong} of {count:,} differ, p99 {percentile(seconds, 0.99):.2f} s",
        against=f"rival brute force over a second world, {sum(map(len, wanted.values())):,} wrong answers",
        ratio=f"{(count - wrong) / count:.4f} equal",
        bar=BAR,
        met=wrong == 0 and percentile(seconds, 0.99) <= LIMIT and any(wanted.values()),
        scale=scale,
    )


def _histories(count: int) -> list[History]:
    pick = random.Random(SEED)
    return [draw(pick, number) for number in range(count)]


def _play(histories: list[History], *, right: bool) -> dict[str, list[Any]]:
    found_node()
    register(histories)
    given = authorise(histories)
    deliver_wrong(histories, right=right)
    return read_all(histories, given, until=CORRECTED_AFTER)


def _world(count: int) -> tuple[dict[str, list[int]], dict[str, list[Any]], list[float]]:
    """The node's own way: enterprise → places of the reads whose recipients were told, what was told, seconds each."""
    from xinqiao.corrections.queries import list_notices
    from xinqiao.corrections.rippling import ripple_waiting
    from xinqiao.disputes.deciding import find_wrong
    from xinqiao.disputes.filing import file_dispute
    from xinqiao.disputes.types import Claim
    from xinqiao.ingest.correcting import written_row
    from xinqiao.records.queries import rows_now
    from xinqiao.sharing.queries import current_list

    histories = _histories(count)
    told = _play(histories, right=False)
    item, now, seconds = current_list().item(ITEM), START + CORRECTED_AFTER, list[float]()
    found: dict[str, list[int]] = {}
    for h in histories:
        [row] = rows_now(h.code, item, known=now)
        claim = Claim(ITEM, row["_ref"], "wrong_value", "x")
        made = file_dispute(claim, enterprise=h.code, name="x", actor=ACTOR, now=now)
        if not h.removed and _same(h):  # it is right already: nothing to correct
            found[h.code] = []
            continue
        right = None if h.removed else written_row(item, row) | RIGHT
        began = time.perf_counter()
        find_wrong(made.id, provider=item.department.code, text="x", right=right, actor=ACTOR, now=now)
        ripple_waiting(now=now)
        seconds.append(time.perf_counter() - began)
        lines = {notice.access for notice in list_notices(cause=made.id, limit=1000)}
        found[h.code] = [n for n, (_, line, _) in enumerate(told[h.code]) if line in lines]
        now += timedelta(seconds=1)
    return found, told, seconds


def _same(history: History) -> bool:
    return history.row["severity"] == RIGHT["severity"] and history.row["fine_fen"] == RIGHT["fine_fen"]


def _differing(told: dict[str, list[Any]], brute: dict[str, list[Any]]) -> dict[str, list[int]]:
    """By brute force: the reads whose documents differ between the worlds."""
    wanted = {}
    for code, reads in told.items():
        pairs = zip(reads, brute[code], strict=True)
        wanted[code] = [n for n, ((_, _, document), other) in enumerate(pairs) if _plain(document) != other]
    return wanted


def _plain(document: Any) -> Any:
    """A document without what is another in every world: numbers of authorisations and times of their end."""
    text: Any = json.loads(json.dumps(document, ensure_ascii=False))
    text.pop("authorisation", None)
    return text


def _second(count: int, path: Path) -> None:
    with fresh_node():
        told = _play(_histories(count), right=True)
    path.write_text(
        json.dumps({code: [_plain(document) for _, _, document in reads] for code, reads in told.items()}), "utf-8"
    )


if __name__ == "__main__":
    _second(int(sys.argv[1]), Path(sys.argv[2]))
