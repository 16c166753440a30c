"""Ingest killed at random points: every accepted batch is whole, with its evidence, and nothing is half visible.

A process of its own receives generated deliveries (all items, distinct rows, some faulty) and is ended by SIGKILL
at a random moment. A fresh process then checks the database, the lake and the evidence against one another, as
after a restart. Processes are forked from one that has everything imported, so that a trial costs a moment.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import shutil
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.crash_checks import check_evidence, check_node
from benchmarks.figure import Figure
from benchmarks.node import ACTOR, SEED, fresh_node, write_sample

NAME = "crash_ingest"
BAR = "whole after every one of 200 kills, every phase of ingest hit"
TRIALS = 200
FIRMS = 30
PHASES = ("reading and checking", "writing rows and originals", "keeping what is wrong", "committing")
WITHIN = 4  # the kill comes within so many deliveries' time


def measure(scale: float) -> Figure:
    """Kill ingest again and again; check after every kill; verify the whole log at the end."""
    trials, rng = max(10, round(TRIALS * scale)), random.Random(SEED)
    began, killed_in, faults, broken = time.perf_counter(), Counter(), [], 0
    with fresh_node() as home:
        _warm_up(home)
        found = {}
        for trial in range(trials):
            killed_in[_kill_once(home, trial, rng)] += 1
            found = _fresh(check_node)
            broken += bool(found["faults"])
            faults += [f"kill {trial + 1}: {fault}" for fault in found["faults"]]
        end = _fresh(check_evidence)
    return _figure(trials, broken, killed_in, found, [*faults, *end["faults"]], end, time.perf_counter() - began, scale)


def _figure(
    trials: int, broken: int, killed_in: Counter[int], found: dict, faults: list[str], end: dict, took: float,
    scale: float,
) -> Figure:  # fmt: skip
    table = [
        ("what", "count"),
        *((f"killed while {name}", killed_in[n]) for n, name in enumerate(PHASES)),
        ("deliveries that stand", found["deliveries"]),
        ("rows delivered = accepted + returned", f"{found['delivered']} = {found['accepted']} + {found['returned']}"),
        (f"unregistered files cleared, {found['database']}", end["strays"]),
        ("entries under the signed checkpoint", end["size"]),
        *((fault, "✖") for fault in faults[:20]),
    ]
    covered = scale < 1 or all(killed_in[n] for n in range(len(PHASES)))
    return Figure(
        name=NAME,
        table=table,
        ours=f"{trials - broken} of {trials} whole, log {'clean' if not end['faults'] else 'broken'}, {took:.0f} s",
        against="floor none",
        ratio="-",
        bar=BAR,
        met=not faults and covered,
        scale=scale,
    )


def _warm_up(home: Path) -> None:
    """Pay once for imports and for what the generator caches; no connection is opened that a fork would share."""
    import xinqiao.evidence.verify
    import xinqiao.ingest.actions  # noqa: F401

    write_sample(home / "warm", firms=FIRMS)


def _kill_once(home: Path, trial: int, rng: random.Random) -> int:
    """Let a child receive deliveries and kill it; returns the phase it died in."""
    phase = mmap.mmap(-1, 1)
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ready)
        _exit_after(lambda: _receive_until_killed(home / f"sample-{trial}", trial, phase, tell))
    os.close(tell)
    pace = os.read(ready, 16)
    os.close(ready)
    if pace:
        time.sleep(rng.uniform(0, WITHIN * float(pace)))
    died_in = phase[0]
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"trial {trial}: ingest ended by itself ({status}) instead of being killed")
    shutil.rmtree(home / f"sample-{trial}", ignore_errors=True)
    return died_in


def _exit_after(act: Callable[[], None]) -> None:
    """Run the child's part and leave without the parent's clean-up."""
    try:
        act()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _receive_until_killed(folder: Path, trial: int, phase: mmap.mmap, tell: int) -> None:
    """Receive a sample's deliveries in random order: one to learn the pace, then the rest until the end comes."""
    from xinqiao.catalogue.load import load_catalogue
    from xinqiao.ingest.actions import Upload, receive
    from xinqiao.plumbing.settings import content_dir

    write_sample(folder, firms=FIRMS, seed=SEED + trial, dirt=0.1)
    _mark_phases(phase)
    items = {item.code: item for item in load_catalogue(content_dir())}
    files = [path for path in folder.glob("*/*") if path.parent.name in items]
    random.Random(trial).shuffle(files)
    for number, path in enumerate(files):
        item, began = items[path.parent.name], time.perf_counter()
        upload = Upload(path.name, path.read_bytes())
        receive(item, [upload], provider=item.department.code, actor=ACTOR, now=datetime.now(UTC))
        phase[0] = 0
        if number == 1:  # the first pays for what is loaded once
            os.write(tell, f"{time.perf_counter() - began:.4f}".encode())
    signal.pause()


def _mark_phases(phase: mmap.mmap) -> None:
    """Note in shared memory how far a delivery has come, so that the parent sees where it died."""
    from xinqiao.ingest import actions

    def marked(act: Callable, during: int, after: int) -> Callable:
        def run(*args: object, **named: object) -> object:
            phase[0] = during
            result = act(*args, **named)
            phase[0] = after
            return result

        return run

    actions._write = marked(actions._write, 1, 2)
    actions._delivery_row = marked(actions._delivery_row, 2, 3)  # the transaction follows


def _fresh(check: Callable[[], dict]) -> dict:
    """Run a check in a new process, as after a restart; returns what it found."""
    inward, outward = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(inward)

        def answer() -> None:
            with os.fdopen(outward, "w") as out:
                json.dump(check(), out)

        _exit_after(answer)
    os.close(outward)
    with os.fdopen(inward) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    if not text:
        raise RuntimeError("the check itself failed")
    return json.loads(text)
