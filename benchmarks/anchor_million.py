"""A million log entries under one transaction of a real chain node, each with its own offline proof."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figure import Absent, Figure
from benchmarks.node import ACTOR, fresh_node

if TYPE_CHECKING:
    from xinqiao.evidence.proofs import InclusionProof

NAME = "anchor_million"
ENTRIES, CHUNK, ONE_BY_ONE, SAMPLED = 1_000_000, 16_000, 100, 1_000
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

    recorded, batches = _record(entries)
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
        ("entries recorded", f"{entries:,}", f"{recorded:.1f} s"),
        ("backlog numbered, in tiles and signed", f"{entries:,}", f"{sum(batches):.1f} s"),
        ("batches of it, slowest of the first and last five", len(batches), _ends(batches)),
        ("transactions sent", transactions, f"{anchored * 1000:.0f} ms to the receipt"),
        ("receipt verified on the node, by log and receipt", "yes" if stands else "NO", ""),
        ("entries proved and checked offline", f"{proofs['held']:,}", f"{entries:,} in {proved:.1f} s"),
        ("of these by the checkpoint's signature too", f"{proofs['signed']:,}", f"{proofs['sample']:,}"),
        ("largest proof, bytes", f"{proofs['largest']:,}", f"{LARGEST:,}"),
        ("altered entries refused", f"{proofs['refused']:,}", f"{proofs['sample']:,}"),
        ("entries a transaction, written one by one", 1, f"{rival:.0f} transactions/s"),
    ]
    return Figure(
        name=NAME,
        table=rows,
        ours=f"{proofs['held']:,} entries under {transactions} transaction, proofs ≤ {proofs['largest']:,} bytes",
        against="rival 1 entry a transaction",
        ratio=f"{proofs['held'] / max(1, transactions):,.0f}",
        bar=BAR,
        met=(confirmed, transactions) == (1, 1) and stands and _all_hold(proofs, entries),
        scale=scale,
    )


def _all_hold(proofs: dict[str, int], entries: int) -> bool:
    whole = proofs["held"] == entries and proofs["largest"] <= LARGEST
    return whole and proofs["signed"] == proofs["refused"] == proofs["sample"] > 0


def _ends(batches: list[float]) -> str:
    return f"{max(batches[:5]):.2f} and {max(batches[-5:]):.2f} s"


def _record(entries: int) -> tuple[float, list[float]]:
    """Fill the backlog, then have the node's own sequencer work it off; seconds of the first, and of each batch."""
    from xinqiao.evidence.actions import sequence

    begun = time.perf_counter()
    for first in range(0, entries, CHUNK):
        _fill(range(first, min(entries, first + CHUNK)))
    recorded, batches, covered = time.perf_counter() - begun, [], 0
    while covered < entries:
        begun = time.perf_counter()
        placed = sequence(now=NOW)
        assert placed, f"{covered:,} of {entries:,} entries are in the log"
        covered += placed
        batches.append(time.perf_counter() - begun)
    return recorded, batches


def _fill(numbers: range) -> None:
    """The rows that ``record`` writes, many at a time."""
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

    What is trusted is the root in the chain's event, no key of ours: log, size and root are read from it. A sample is
    checked as a reader without a chain does it too, by the signature on the checkpoint in the proof.
    """
    from xinqiao.plumbing import settings as node

    [event] = told["raw"]["receipt"]["logs"]
    size, root = int(event["topics"][2], 16), bytes.fromhex(event["data"][2:66])
    workers = os.cpu_count() or 1
    step = -(-entries // (workers * 8))
    parts = [(first, min(entries, first + step)) for first in range(0, entries, step)]
    with ProcessPoolExecutor(workers) as pool:
        found = list(pool.map(partial(_prove, node.evidence_dir(), size, root), parts))
    totals = {name: sum(part[name] for part in found) for name in found[0]}
    return totals | {"largest": max(part["largest"] for part in found)}


def _prove(folder: Path, size: int, root: bytes, part: tuple[int, int]) -> dict[str, int]:
    from benchmarks.leaves_of import leaves_of
    from xinqiao.evidence.merkle import inclusion_proof, leaf_hash, verify_inclusion
    from xinqiao.evidence.notes import LogKey
    from xinqiao.evidence.proofs import InclusionProof
    from xinqiao.evidence.tiles import TileFolder

    tiles = TileFolder(folder)
    hash_of = tiles.hash_of(size)
    note, key = ((folder / name).read_text("utf-8") for name in ("checkpoint", "vkey"))
    found = dict.fromkeys(("held", "largest", "sample", "signed", "refused"), 0)
    for index, leaf in leaves_of(tiles, *part, size=size):
        text = InclusionProof(index, tuple(inclusion_proof(index, size, hash_of)), note).text
        found["largest"] = max(found["largest"], len(text.encode()))
        read = InclusionProof.parse(text)
        verify_inclusion(read.index, size, leaf_hash(leaf), root, read.siblings)
        found["held"] += (read.index, read.note) == (index, note)
        if index % SAMPLED == 0:
            head = read.check(leaf, key=LogKey.parse(key))
            found["sample"] += 1
            found["signed"] += (head.size, head.root) == (size, root)
            found["refused"] += _refused(read, leaf + b" ", size, root)
    return found


def _refused(proof: InclusionProof, leaf: bytes, size: int, root: bytes) -> bool:
    from xinqiao.evidence.merkle import InvalidProof, leaf_hash, verify_inclusion

    try:
        verify_inclusion(proof.index, size, leaf_hash(leaf), root, proof.siblings)
    except InvalidProof:
        return True
    return False
