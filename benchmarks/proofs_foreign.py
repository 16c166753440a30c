"""Proofs of a real log before verifiers nobody here wrote, whole and altered; forks before a running witness."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.figure import Figure
from benchmarks.node import ACTOR, SEED, fresh_node

NAME = "proofs_foreign"
ENTRIES, CHECKPOINTS = 20_000, 80
INCLUSIONS, CONSISTENCIES, MUTATIONS, ATTACKS = 10_000, 1_000, 10_000, 1_000
BAR = "2 foreign verifiers accept all, all bit flips and all forks refused"


def measure(scale: float) -> Figure:
    """Build a log, prove, hand over, alter, attack; the floor is our own verifier on the same cases."""
    sizes = [max(20, int(n * scale)) for n in (INCLUSIONS, CONSISTENCIES, MUTATIONS, ATTACKS)]
    with fresh_node(), tempfile.TemporaryDirectory() as work:
        return _figure(max(400, int(ENTRIES * scale)), *sizes, Path(work), scale)


def _figure(
    entries: int, inclusions: int, consistencies: int, mutations: int, attacks: int, work: Path, scale: float
) -> Figure:
    from benchmarks.foreign import accepted_by_go, accepted_by_ours, accepted_by_sigstore, build_go_verifier, mutated
    from xinqiao.evidence.keys import log_key

    go, key = build_go_verifier(work), log_key
    grow(entries, CHECKPOINTS)
    case = proofs(inclusions, consistencies, seed=SEED)
    altered = mutated(case, count=mutations, seed=SEED)
    ours, by_go = accepted_by_ours(case, key=key()), accepted_by_go(case, go, key=key())
    by_sigstore = accepted_by_sigstore(case.inclusion)
    bad_ours = sum(accepted_by_ours(altered, key=key()).values())
    bad_go = sum(accepted_by_go(altered, go, key=key()).values())
    refused = attack(work / "w", attacks)
    whole = len(case.inclusion), len(case.consistency), len(case.notes)
    rows: list[tuple[object, ...]] = [("check", "ours", "Go x/mod/sumdb", "sigstore", "of")]
    rows += [("inclusion proofs accepted", ours["inclusion"], by_go["inclusion"], by_sigstore, whole[0])]
    rows += [("consistency proofs accepted", ours["consistency"], by_go["consistency"], "-", whole[1])]
    rows += [("checkpoints accepted", ours["checkpoints"], by_go["checkpoints"], "-", whole[2])]
    rows += [("single-bit changes refused", mutations - bad_ours, mutations - bad_go, "-", mutations)]
    rows += [(f"{kind} refused by the witness", count, "-", "-", asked) for kind, (count, asked) in refused.items()]
    agreed = by_go == ours and tuple(ours.values()) == whole and by_sigstore == whole[0]
    held = sum(count for count, _ in refused.values())
    asked = sum(asked for _, asked in refused.values())
    return Figure(
        name=NAME,
        table=rows,
        ours=f"{whole[0]}+{whole[1]} proofs, {mutations - bad_go} changes and {held} attacks refused",
        against=f"floor our own verifier {ours['inclusion']}+{ours['consistency']}, {mutations - bad_ours} refused",
        ratio=f"{sum(by_go.values()) / sum(ours.values()):.4f}",
        bar=BAR,
        met=agreed and bad_ours == bad_go == 0 and held == asked,
        scale=scale,
    )


def grow(entries: int, checkpoints: int) -> None:
    """A log written by the node's own verbs, signed at many sizes."""
    from django.db import transaction

    from xinqiao.evidence.actions import record, sequence_all
    from xinqiao.parties.types import ORGANISATION_ADMITTED

    now, random = datetime(2026, 1, 1, tzinfo=UTC), Random(SEED)
    marks = [*sorted(random.sample(range(1, entries), checkpoints - 1)), entries]
    last = 0
    for mark in marks:
        now += timedelta(seconds=1)
        with transaction.atomic():
            for number in range(last, mark):
                record(ORGANISATION_ADMITTED, actor=ACTOR, subject=f"firm {number}", body={"n": number}, now=now)
        sequence_all(now=now)
        last = mark


def proofs(inclusions: int, consistencies: int, *, seed: int) -> Any:
    """Proofs as the node hands them out: receipts of entries, growth between signed checkpoints."""
    from benchmarks.foreign import Case, Consistency, Inclusion
    from xinqiao.evidence.keys import log_key
    from xinqiao.evidence.models import Checkpoint, Entry
    from xinqiao.evidence.notes import open_checkpoint, split_note
    from xinqiao.evidence.proofs import InclusionProof
    from xinqiao.evidence.queries import receipt
    from xinqiao.evidence.witnessing import consistency

    random, key = Random(seed), log_key()
    numbers = list(Entry.objects.values_list("id", flat=True))
    held = []
    for number in random.choices(numbers, k=inclusions):
        given = receipt(number)
        proof = InclusionProof.parse(given.proof or "")
        head = open_checkpoint(proof.note, key=key)
        held.append(Inclusion(proof.index, head.size, head.root, given.leaf, proof.siblings))
    notes = [str(item.note) for item in Checkpoint.objects.order_by("size")]
    heads = [open_checkpoint(note, key=key) for note in notes]
    pairs = [sorted(random.choices(heads, k=2), key=lambda head: head.size) for _ in range(consistencies)]
    grown = [Consistency(a.size, b.size, a.root, b.root, tuple(consistency(a.size, b.size))) for a, b in pairs]
    return Case(held, grown, [(note, split_note(note)[0]) for note in notes])


@dataclass(frozen=True)
class _Attack:
    kind: str
    old: int
    size: int
    hashes: list[bytes]


def attack(folder: Path, count: int) -> dict[str, tuple[int, int]]:
    """Forks and roll-backs that the log's own key signed, sent to a running witness: kind to (refused, sent)."""
    from tests.witnesses import post, running_witness
    from xinqiao.evidence.keys import log_key, signing_key
    from xinqiao.evidence.merkle import consistency_proof, leaf_hash, root_of, subtree_hash_of
    from xinqiao.evidence.models import Entry
    from xinqiao.evidence.notes import TreeHead, sign_note
    from xinqiao.evidence.witness import Submission

    leaves = Entry.objects.order_by("leaf_index").values_list("leaf", flat=True)[:3000]
    hashes = [leaf_hash(bytes(leaf)) for leaf in leaves]
    known = len(hashes) // 2

    def body(old: int, size: int, leaves: list[bytes]) -> bytes:
        proof = consistency_proof(old, size, subtree_hash_of(leaves)) if 0 < old <= size else []
        text = TreeHead(log_key().name, size, root_of(leaves[:size])).text
        return Submission(old, tuple(proof), sign_note(text, name=log_key().name, key=signing_key())).body

    tallies: dict[str, tuple[int, int]] = {}
    with running_witness(folder, name="witness.example/bench", logs=[log_key()]) as witness:
        assert post(witness.url, body(0, known, hashes))[0] == 200
        for item in islice(_attacks(hashes, known), count):
            status, line = post(witness.url, body(item.old, item.size, item.hashes))
            refused, sent = tallies.get(item.kind, (0, 0))
            tallies[item.kind] = (refused + (status in (400, 409, 422) and "—" not in line), sent + 1)
        assert post(witness.url, body(known, len(hashes), hashes))[0] == 200  # it still cosigns what is honest
    return tallies


def _attacks(hashes: list[bytes], known: int) -> Any:
    from xinqiao.evidence.merkle import leaf_hash

    random = Random(SEED)
    while True:
        place = random.randrange(known)
        other = [*hashes[:place], leaf_hash(random.randbytes(8)), *hashes[place + 1 :]]
        larger = random.randrange(known + 1, len(hashes) + 1)
        yield _Attack("forks that grow", known, larger, other)
        yield _Attack("forks of the same size", known, known, other)
        yield _Attack("roll-backs", known, random.randrange(1, known), hashes)
        yield _Attack("roll-backs with a stale size", random.randrange(1, known), random.randrange(1, known), hashes)
