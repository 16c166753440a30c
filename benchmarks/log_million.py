"""The log at a million entries: proofs from storage, a full audit, and appends against a serialised hash chain.

Both kinds of appending write the rows of ``evidence.actions.record`` by plain SQL, in the fewest statements for either,
from 16 processes to one durable PostgreSQL. Ours has the node's sequencer running beside it; the rival locks the head
of a chain and updates it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from benchmarks.figure import Figure, percentile
from benchmarks.node import SEED, fresh_node
from benchmarks.postgres import durable_postgres
from xinqiao.evidence.leaves import Salts, leaf_bytes
from xinqiao.kernel.canonical import canonical_bytes

NAME = "log_million"
ENTRIES, PROOFS, WRITERS, SECONDS, ROUNDS = 1_000_000, 3_000, 16, 8.0, 3
PROOF_MS, AUDIT_SECONDS, TIMES = 2.0, 5.0, 5.0
BAR = f"proof p99 at most {PROOF_MS:g} ms, audit at most {AUDIT_SECONDS:g} s, appends at least {TIMES:g} x"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

_HEAD = "SELECT hash FROM chain_head WHERE id = 1 FOR UPDATE"
_WITH_HEAD = "WITH head AS (UPDATE chain_head SET hash = %s WHERE id = 1), "


def measure(scale: float) -> Figure:
    """Prove and audit a log in tiles, then append to PostgreSQL both ways, in turns."""
    with ExitStack() as stack:
        os.environ["DATABASE_URL"] = stack.enter_context(durable_postgres())
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(fresh_node())
        size = max(5_000, int(ENTRIES * scale))
        build = _build(work, size)
        proofs, consistency = _proofs(work, size), _growth(work, size)
        audit = _audit(work)
        pairs = [_appends(max(2.0, SECONDS * scale)) for _ in range(ROUNDS)]
        lag = pairs[-1][2]
    ours, rival = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    ratio, p99 = median(pair[0] / pair[1] for pair in pairs), percentile(proofs, 0.99)
    rows: list[tuple[object, ...]] = [("measurement", "value", "bar")]
    rows += [("entries in tiles", f"{size:,}", ""), ("tiles written and synced", f"{build:.1f} s", "")]
    rows += [("inclusion proof p50", f"{median(proofs):.3f} ms", ""), ("inclusion proof p99", f"{p99:.3f} ms", "2 ms")]
    rows += [("consistency proof p99", f"{percentile(consistency, 0.99):.3f} ms", "")]
    rows += [("full audit, one core", f"{audit:.2f} s", "5 s")]
    rows += [("appends/s, chain/s", f"{a:,.0f} / {b:,.0f} = {a / b:.1f} x", "5 x") for a, b, _ in pairs]
    rows += [("last entry to signed checkpoint", f"{lag:.2f} s", "")]
    return Figure(
        name=NAME,
        table=rows,
        ours=f"proof p99 {p99:.2f} ms, audit {audit:.2f} s, {ours:,.0f} appends/s",
        against=f"rival serialised chain {rival:,.0f} appends/s",
        ratio=f"{ratio:.1f}",
        bar=BAR,
        met=p99 <= PROOF_MS and audit <= AUDIT_SECONDS and ratio >= TIMES,
        scale=scale,
    )


def _build(folder: Path, size: int) -> float:
    """A signed log in tiles with leaves of the usual length."""
    from xinqiao.evidence.keys import log_key, signing_key
    from xinqiao.evidence.notes import TreeHead, sign_note
    from xinqiao.evidence.tiles import TileFolder

    tiles, key = TileFolder(folder), log_key()
    began = time.perf_counter()
    tiles.extend(0, size, lambda start, stop: [_leaf(number) for number in range(start, stop)])
    text = TreeHead(key.name, size, tiles.root(size)).text
    tiles.write("checkpoint", sign_note(text, name=key.name, key=signing_key()).encode())
    tiles.write("vkey", f"{key.vkey}\n".encode())
    return time.perf_counter() - began


def _leaf(number: int) -> bytes:
    digest = hashlib.sha256(b"%d" % number).hexdigest()
    parts = f'"actor":"{digest}","at":"2026-01-01T00:00:00Z","body":{{"sha256":"{digest}","sm3":"{digest}"}}'
    return f'{{{parts},"event":"release.granted","id":{number},"subject":"{digest}","v":2}}'.encode()


def _proofs(folder: Path, size: int) -> list[float]:
    """Milliseconds of each inclusion proof read from the files, verified outside the clock."""
    from xinqiao.evidence.merkle import inclusion_proof, leaf_hash, verify_inclusion
    from xinqiao.evidence.tiles import TileFolder

    tiles, random, taken = TileFolder(folder), Random(SEED), []
    root = tiles.root(size)
    for index in random.choices(range(size), k=PROOFS):
        began = time.perf_counter()
        proof = inclusion_proof(index, size, lambda start, stop: tiles.subtree_hash(start, stop, size=size))
        taken.append((time.perf_counter() - began) * 1000)
        verify_inclusion(index, size, leaf_hash(_leaf(index)), root, proof)
    return taken


def _growth(folder: Path, size: int) -> list[float]:
    """Milliseconds of each consistency proof from a random smaller size."""
    from xinqiao.evidence.merkle import consistency_proof, verify_consistency
    from xinqiao.evidence.tiles import TileFolder

    tiles, random, taken = TileFolder(folder), Random(SEED), []
    root = tiles.root(size)
    for old in random.choices(range(1, size), k=PROOFS // 10):
        old_root = tiles.subtree_hash(0, old, size=size)
        began = time.perf_counter()
        proof = consistency_proof(old, size, lambda start, stop: tiles.subtree_hash(start, stop, size=size))
        taken.append((time.perf_counter() - began) * 1000)
        verify_consistency(old, size, old_root, root, proof)
    return taken


def _audit(folder: Path) -> float:
    """CPU seconds of the whole check of the folder from its raw leaves."""
    from xinqiao.evidence.verify import verify_folder

    began = time.process_time()
    verdict = verify_folder(folder)
    took = time.process_time() - began
    assert verdict.ok, verdict.lines("en")[:5]
    return took


def _appends(seconds: float) -> tuple[float, float, float]:
    """Appends a second of ours and of the serialised chain, and ours' lag to a signed checkpoint."""
    context = get_context("spawn")
    stop, lag = context.Event(), context.Queue()
    sequencer = context.Process(target=_sequence_until, args=(stop, lag), daemon=True)
    sequencer.start()
    lag.get(timeout=60)  # it is up
    ours = _write(context, seconds, chained=False)
    stop.set()
    waited = lag.get(timeout=600)
    sequencer.join()
    return ours, _write(context, seconds, chained=True), waited


def _sequence_until(stop: Any, lag: Any) -> None:
    import xinqiao.config.boot  # noqa: F401
    from xinqiao.evidence.actions import sequence
    from xinqiao.evidence.jobs import run_sequencer
    from xinqiao.evidence.queries import log_status

    sequence(now=datetime.now(UTC))
    lag.put(0.0)
    run_sequencer(stop)
    began = time.perf_counter()
    while log_status().waiting:
        sequence(now=datetime.now(UTC))
    lag.put(time.perf_counter() - began)


def _write(context: Any, seconds: float, *, chained: bool) -> float:
    """Appends a second of all writers together."""
    import psycopg

    from xinqiao.evidence.actions import INSERT

    statement = _WITH_HEAD + INSERT.strip().removeprefix("WITH ") if chained else INSERT
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute("CREATE TABLE IF NOT EXISTS chain_head (id int PRIMARY KEY, hash bytea NOT NULL)")
        server.execute("INSERT INTO chain_head VALUES (1, %s) ON CONFLICT DO NOTHING", [bytes(32)])
        server.execute("CHECKPOINT")
    results, barrier = context.Queue(), context.Barrier(WRITERS)
    writers = [
        context.Process(target=_writer, args=(number, seconds, statement, barrier, results), daemon=True)
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    counts = [results.get(timeout=seconds + 120) for _ in writers]
    for writer in writers:
        writer.join()
    return float(sum(counts)) / seconds


def _writer(number: int, seconds: float, statement: str, barrier: Any, results: Any) -> None:
    import psycopg

    append, count = _append_chained if statement.startswith(_WITH_HEAD) else _append, 0
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.cursor(binary=True)
        barrier.wait()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            append(cursor, statement, f"firm {number}-{count}", canonical_bytes({"number": count, "writer": number}))
            count += 1
    results.put(count)


def _append(cursor: Any, statement: str, subject: str, body: bytes) -> None:
    """One entry, durable when this returns."""
    cursor.execute(statement, _values(subject, body), prepare=True).fetchone()


def _append_chained(cursor: Any, statement: str, subject: str, body: bytes) -> None:
    """One entry behind the head of a hash chain that every writer must hold in turn."""
    with cursor.connection.transaction():
        [head] = cursor.execute(_HEAD, prepare=True).fetchone()
        values = _values(subject, body)
        cursor.execute(statement, (hashlib.sha256(head + values[2]).digest(), *values), prepare=True).fetchone()


def _values(subject: str, body: bytes) -> tuple[Any, ...]:
    salts = Salts.generate()
    leaf = leaf_bytes(at=NOW, event="release.granted", actor="system", subject=subject, body=body, salts=salts)
    key = hashlib.sha256(subject.encode()).digest()[:16]
    return NOW, "release.granted", leaf, "system", subject, key, body, salts.to_bytes(), None
