"""The master key is rotated under 100,000 data keys while values are read, against bare unwrapping and wrapping.

Two threads open values of ten subjects drawn at random all the while; the figure is short if one read fails. The floor
is the same number of AES-GCM calls in memory, without a database.
"""

from __future__ import annotations

import os
import random
import threading
import time
from datetime import UTC, datetime

from benchmarks.figure import Figure
from benchmarks.node import SEED, database_name, fresh_node

NAME = "rotate_keys"
BAR = "100,000 data keys in at most 60 s, no read fails"
KEYS = 100_000
MOST = 60.0


def measure(scale: float) -> Figure:
    """Make the keys, rotate the master key under readers, count what failed."""
    count = max(1000, int(KEYS * scale))
    with fresh_node():
        from xinqiao.vault.actions import rotate_master_key
        from xinqiao.vault.sealing import CHUNK, make_keys

        now = datetime.now(UTC)
        began = time.perf_counter()
        subjects = [f"person:{n}" for n in range(count)]
        for start in range(0, count, CHUNK):
            make_keys(subjects[start : start + CHUNK], now=now)
        made = time.perf_counter() - began
        reads, slowest, failed, seconds = _under_readers(
            count, lambda: rotate_master_key(actor="system:benchmark", now=now)
        )
        floor, database = _floor(count), database_name()
    table = [
        (f"{count:,} data keys, {database}", "s", "per s"),
        ("make and wrap them", f"{made:.2f}", f"{count / made:,.0f}"),
        ("rotate the master key", f"{seconds:.2f}", f"{count / seconds:,.0f}"),
        ("bare unwrap and wrap", f"{floor:.2f}", f"{count / floor:,.0f}"),
        ("reads of ten subjects meanwhile", reads, f"slowest {slowest * 1000:.0f} ms, {failed} failed"),
    ]
    return Figure(
        name=NAME,
        table=table,
        ours=f"{seconds:.2f} s, {reads} reads, {failed} failed",
        against=f"floor bare AES-GCM {floor:.2f} s",
        ratio=f"{seconds / floor:.1f}",
        bar=BAR,
        met=seconds <= MOST * count / KEYS and not failed and reads > 0,
        scale=scale,
    )


def _under_readers(count: int, act: object) -> tuple[int, float, int, float]:
    """Run ``act`` while two threads read: reads, the slowest of them, failures, seconds of ``act``."""
    from xinqiao.vault.sealing import open_all, seal
    from xinqiao.vault.types import Sealing

    plain = [Sealing(f"person:{n}", f"bench:name:{n}", f"人{n}") for n in range(min(count, 1000))]
    sealed = seal(plain, now=datetime.now(UTC))
    stored = [Sealing(p.subject, p.place, sealed=s) for p, s in zip(plain, sealed, strict=True)]
    stop, times, failures = threading.Event(), [], []

    def read(seed: int) -> None:
        from django.db import connection

        draw = random.Random(seed)
        while not stop.is_set():
            chosen, began = draw.sample(range(len(plain)), 10), time.perf_counter()
            try:
                right = open_all([stored[n] for n in chosen]) == [plain[n].value for n in chosen]
            except Exception:
                right = False
            times.append(time.perf_counter() - began)
            failures.extend([] if right else [chosen])
        connection.close()

    threads = [threading.Thread(target=read, args=(SEED + n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    act()  # type: ignore[operator]
    seconds = time.perf_counter() - began
    stop.set()
    for thread in threads:
        thread.join()
    return len(times), max(times, default=0.0), len(failures), seconds


def _floor(count: int) -> float:
    from xinqiao.kernel.suites import INTL

    old, new = os.urandom(32), os.urandom(32)
    wrapped = [INTL.seal(os.urandom(32), key=old, place=b"x") for _ in range(count)]
    began = time.perf_counter()
    for item in wrapped:
        INTL.seal(INTL.open(item, key=old, place=b"x"), key=new, place=b"x")
    return time.perf_counter() - began
