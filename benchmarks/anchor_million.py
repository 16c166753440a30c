"""A million log entries under one transaction of a real chain node, each with its own offline proof."""

from __future__ import annotations

import json
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figure import Absent, Figure
from benchmarks.node import ACTOR, fresh_node

NAME = "anchor_million"
ENTRIES, CHUNK, ONE_BY_ONE = 1_000_000, 16_000, 100
LARGEST = 2_000
BAR = f"{ENTRIES:,} entries under one transaction, each proof at most {LARGEST:,} bytes and verified offline"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEDGER = '[[ledgers]]\nname = "chain"\nkind = "evm"\nurl = "{url}"\ncontract = "{contract}"\n'


def measure(scale: float) -> Figure:
    """Record, sign, anchor once, prove and check every entry; the rival writes one entry a transaction."""
    from tests.chains import installed

    try:
        installed()
    except FileNotFoundError as error:
        raise Absent(str(error)) from error
    with fresh_node() as home:
        return _figure(home, max(2_000, int(ENTRIES * scale)), scale)


def _figure(home: Path, entries: int, scale: float) -> Figure:
    from tests.chains import running_anvil
    from xinqiao.anchoring.taking import take_anchors, verify_anchors

    begun = time.perf_counter()
    _record(entries)
    recorded = time.perf_counter() - begun
    with running_anvil(home / "chain") as url:
        line = _deploy(home, url)
        height = _height(line)
        begun = time.perf_counter()
        confirmed = 0
        while not confirmed and time.perf_counter() < begun + 30:
            confirmed = take_anchors(now=NOW)
        anchored = time.perf_counter() - begun
        transactions = _height(line) - height  # a block each
        told = _receipt()
        stands = verify_anchors() == []
        rival = _one_by_one(line)
    begun = time.perf_counter()
    proofs = _prove_all(entries, told)
    proved = time.perf_counter() - begun
    rows: list[tuple[object, ...]] = [
        ("measure", "value", "of"),
        ("entries recorded and signed", f"{entries:,}", f"{recorded:.0f} s"),
        ("transactions sent", transactions, f"{anchored * 1000:.0f} ms to the receipt"),
        ("receipt verified on the node, by log and receipt", "yes" if stands else "NO", ""),
        ("entries proved and checked offline", f"{proofs['held']:,}", f"{entries:,} in {proved:.0f} s"),
        ("largest proof, bytes", f"{proofs['largest']:,}", f"{LARGEST:,}"),
        ("altered entries refused", f"{proofs['refused']:,}", f"{proofs['altered']:,}"),
        ("entries a transaction, written one by one", 1, f"{rival:.0f} transactions/s"),
    ]
    met = (
        (confirmed, transactions) == (1, 1)
        and stands
        and proofs["held"] == entries
        and proofs["largest"] <= LARGEST
        and proofs["refused"] == proofs["altered"] > 0
    )
    return Figure(
        name=NAME,
        table=rows,
        ours=f"{proofs['held']:,} entries under {transactions} transaction, proofs ≤ {proofs['largest']:,} bytes",
        against="rival 1 entry a transaction",
        ratio=f"{proofs['held'] / max(1, transactions):,.0f}",
        bar=BAR,
        met=met,
        scale=scale,
    )


def _record(entries: int) -> None:
    """The rows that ``record`` writes, many at a time; then tiles and checkpoints by the node's own sequencer."""
    from xinqiao.evidence.actions import sequence_all

    for first in range(0, entries, CHUNK):
        _fill(range(first, min(entries, first + CHUNK)))
        sequence_all(now=NOW)


def _fill(numbers: range) -> None:
    from django.db import transaction

    from xinqiao.evidence.leaves import Salts, leaf_bytes
    from xinqiao.evidence.models import Content, Entry
    from xinqiao.kernel.canonical import canonical_bytes
    from xinqiao.plumbing.blind_index import blind_index

    event, key = "parties.organisation_admitted", blind_index("evidence.subject", "firm")
    shown = [(Salts.generate(), canonical_bytes({"n": number})) for number in numbers]
    leaves = [
        leaf_bytes(at=NOW, event=event, actor=ACTOR, subject="firm", body=body, salts=salts) for salts, body in shown
    ]
    with transaction.atomic():
        made = Entry.objects.bulk_create([Entry(at=NOW, event=event, leaf=leaf) for leaf in leaves])
        Content.objects.bulk_create(
            Content(entry=row, actor=ACTOR, subject="firm", subject_key=key, body=body, salts=salts.to_bytes())
            for row, (salts, body) in zip(made, shown, strict=True)
        )


def _deploy(home: Path, url: str) -> Any:
    from xinqiao.anchoring.adapters.evm import EvmLedger
    from xinqiao.anchoring.types import Ledger, LedgerKind
    from xinqiao.plumbing import settings as node

    first = EvmLedger(Ledger("chain", LedgerKind.EVM, url, {"contract": "0x" + "0" * 40}))
    first._rpc("anvil_setBalance", [first.account, hex(10**20)])
    contract = first.deploy()
    file = home / "anchors.toml"
    file.touch(mode=0o600)
    file.write_text(LEDGER.format(url=url, contract=contract), "utf-8")
    os.environ["XINQIAO_ANCHORS"] = str(file)
    node.anchors_file.cache_clear()
    return EvmLedger(Ledger("chain", LedgerKind.EVM, url, {"contract": contract}))


def _height(line: Any) -> int:
    return int(line._rpc("eth_blockNumber", []), 16)


def _receipt() -> dict[str, Any]:
    from xinqiao.anchoring.queries import list_anchors

    return dict(json.loads(list_anchors()[0].document))


def _one_by_one(line: Any) -> float:
    """Entries a second when each is a transaction of its own on the same node."""
    from xinqiao.anchoring.types import Root

    begun = time.perf_counter()
    for number in range(1, ONE_BY_ONE + 1):
        root = Root("log.example/one-by-one", number, number.to_bytes(32, "big"), "t")
        handle = line.submit(root).handle
        while not line.receipt(handle, root):
            time.sleep(0.001)
    return ONE_BY_ONE / (time.perf_counter() - begun)


def _prove_all(entries: int, told: dict[str, Any]) -> dict[str, int]:
    """Every entry's proof, made from the log's files, written as a file is, read back and checked without the node.

    What is trusted is the root in the chain's event, no key of ours: log, size and root are read from it.
    """
    from xinqiao.plumbing import settings as node

    [event] = told["raw"]["receipt"]["logs"]
    size, root = int(event["topics"][2], 16), bytes.fromhex(event["data"][2:66])
    note = (node.evidence_dir() / "checkpoint").read_text("utf-8")
    workers = os.cpu_count() or 1
    step = -(-entries // (workers * 8))
    parts = [(first, min(entries, first + step)) for first in range(0, entries, step)]
    with tempfile.TemporaryDirectory(), ProcessPoolExecutor(workers) as pool:
        found = list(pool.map(partial(_prove, node.evidence_dir(), note, size, root), parts))
    return {
        "held": sum(part["held"] for part in found),
        "altered": sum(part["altered"] for part in found),
        "refused": sum(part["refused"] for part in found),
        "largest": max(part["largest"] for part in found),
    }


def _prove(folder: Path, note: str, size: int, root: bytes, part: tuple[int, int]) -> dict[str, int]:
    from benchmarks.leaves_of import leaves_of
    from xinqiao.evidence.merkle import InvalidProof, inclusion_proof, leaf_hash, verify_inclusion
    from xinqiao.evidence.proofs import InclusionProof
    from xinqiao.evidence.tiles import TileFolder

    tiles = TileFolder(folder)
    held = largest = altered = refused = 0
    for index, leaf in leaves_of(tiles, *part, size=size):
        siblings = inclusion_proof(index, size, lambda start, stop: tiles.subtree_hash(start, stop, size=size))
        text = InclusionProof(index, tuple(siblings), note).text
        largest = max(largest, len(text.encode()))
        read = InclusionProof.parse(text)
        verify_inclusion(read.index, size, leaf_hash(leaf), root, read.siblings)
        held += 1
        if index % 1_000 == 0:
            altered += 1
            try:
                verify_inclusion(read.index, size, leaf_hash(leaf + b" "), root, read.siblings)
            except InvalidProof:
                refused += 1
    return {"held": held, "largest": largest, "altered": altered, "refused": refused}
