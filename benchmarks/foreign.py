"""Proofs of a real log handed to verifiers that nobody here wrote, whole and altered."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from benchmarks.figure import Absent
from xinqiao.evidence.merkle import InvalidProof, leaf_hash, verify_consistency, verify_inclusion
from xinqiao.evidence.notes import InvalidNote, LogKey, TreeHead, open_checkpoint, split_note

ROOT = Path(__file__).resolve().parents[1]
GO_PACKAGES = Path("/usr/share/gocode")  # where Debian's golang-*-dev packages put sources


@dataclass(frozen=True)
class Inclusion:
    """A leaf, its place, and the proof that it is under a root."""

    index: int
    size: int
    root: bytes
    leaf: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True)
class Consistency:
    """Two roots and the proof that one log grew into the other."""

    old: int
    new: int
    old_root: bytes
    new_root: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True)
class Case:
    """What verifiers are asked."""

    inclusion: Sequence[Inclusion] = ()
    consistency: Sequence[Consistency] = ()
    notes: Sequence[tuple[str, str]] = field(default=())  # signed note, the text it should have


def accepted_by_ours(case: Case, *, key: LogKey) -> dict[str, int]:
    """How many of each kind our own verifier accepts."""
    return {
        "inclusion": sum(map(_includes, case.inclusion)),
        "consistency": sum(map(_grows, case.consistency)),
        "checkpoints": sum(_opens(note, text, key) for note, text in case.notes),
    }


def _includes(item: Inclusion) -> bool:
    try:
        verify_inclusion(item.index, item.size, leaf_hash(item.leaf), item.root, item.proof)
    except InvalidProof:
        return False
    return True


def _grows(item: Consistency) -> bool:
    try:
        verify_consistency(item.old, item.new, item.old_root, item.new_root, item.proof)
    except InvalidProof:
        return False
    return True


def _opens(note: str, text: str, key: LogKey) -> bool:
    try:
        return open_checkpoint(note, key=key) == TreeHead.parse(text)
    except InvalidNote:
        return False


def build_go_verifier(folder: Path) -> Path:
    """Compile ``tests/foreign/check.go`` against Debian's golang.org/x/mod; raises Absent without Go."""
    go = shutil.which("go")
    if go is None or not (GO_PACKAGES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        raise Absent("Go and golang.org/x/mod: apt-get install golang-go golang-golang-x-mod-dev")
    settings = {"GO111MODULE": "off", "GOPATH": str(GO_PACKAGES), "GOCACHE": str(folder / "cache"), "GOFLAGS": ""}
    program = folder / "check"
    command = [go, "build", "-o", str(program), str(ROOT / "tests/foreign/check.go")]
    subprocess.run(command, check=True, env=os.environ | settings, cwd=folder)
    return program


def accepted_by_go(case: Case, program: Path, *, key: LogKey) -> dict[str, int]:
    """How many of each kind golang.org/x/mod/sumdb accepts."""
    done = subprocess.run([program], input=json.dumps(_as_json(case, key)), capture_output=True, text=True, check=True)
    return {kind: tally["Accepted"] for kind, tally in json.loads(done.stdout).items()}


def _as_json(case: Case, key: LogKey) -> dict[str, Any]:
    return {
        "Inclusion": [
            {"Index": i.index, "Size": i.size, "Root": _b(i.root), "Leaf": _b(i.leaf), "Proof": [*map(_b, i.proof)]}
            for i in case.inclusion
        ],
        "Consistency": [
            {
                "Old": c.old,
                "New": c.new,
                "OldRoot": _b(c.old_root),
                "NewRoot": _b(c.new_root),
                "Proof": [*map(_b, c.proof)],
            }
            for c in case.consistency
        ],
        "Checkpoints": [{"Vkey": key.vkey, "Note": note, "Text": text} for note, text in case.notes],
    }


def _b(data: bytes) -> str:
    return base64.b64encode(data).decode()


def accepted_by_sigstore(items: Sequence[Inclusion]) -> int:
    """How many inclusion proofs the Sigstore project's Python verifier accepts."""
    from sigstore._internal.merkle import verify_merkle_inclusion
    from sigstore.errors import VerificationError

    accepted = 0
    for item in items:
        proof = SimpleNamespace(log_index=item.index, tree_size=item.size, hashes=list(item.proof), root_hash=item.root)
        inner = SimpleNamespace(inclusion_proof=proof, canonicalized_body=item.leaf)
        try:
            verify_merkle_inclusion(SimpleNamespace(_inner=inner))  # type: ignore[arg-type]
            accepted += 1
        except VerificationError:
            pass
    return accepted


def mutated(case: Case, *, count: int, seed: int) -> Case:
    """``count`` pieces of a case, each with a single bit flipped: leaf, sibling, root or signed text."""
    random = Random(seed)
    trees = [_flip_inclusion(random.choice(case.inclusion), random) for _ in range(count // 2)]
    growths = [_flip_consistency(random.choice(case.consistency), random) for _ in range(count // 4)]
    notes = [_flip_note(*random.choice(case.notes), random) for _ in range(count - count // 2 - count // 4)]
    return Case(trees, growths, notes)


def _flip_inclusion(item: Inclusion, random: Random) -> Inclusion:
    where = random.choice(("leaf", "proof", "root"))
    if where == "leaf":
        return replace(item, leaf=_flip(item.leaf, random))
    if where == "root" or not item.proof:
        return replace(item, root=_flip(item.root, random))
    return replace(item, proof=_flip_one(item.proof, random))


def _flip_consistency(item: Consistency, random: Random) -> Consistency:
    where = random.choice(("old", "new", "proof"))
    if where == "old":
        return replace(item, old_root=_flip(item.old_root, random))
    if where == "new" or not item.proof:
        return replace(item, new_root=_flip(item.new_root, random))
    return replace(item, proof=_flip_one(item.proof, random))


def _flip_note(note: str, text: str, random: Random) -> tuple[str, str]:
    """The flipped bit lies in the text or in the log's own line: lines of other keys are passed over by design."""
    own = f"{text}\n{split_note(note)[1][0]}\n"
    while True:
        flipped = _flip(own.encode(), random).decode("utf-8", "replace")
        if "\N{REPLACEMENT CHARACTER}" not in flipped and not _same_meaning(flipped, own):
            return flipped, text


def _same_meaning(flipped: str, own: str) -> bool:
    """Only the two bits that base64 leaves unused changed. Go overlooks them, ours refuses them (``test_notes``)."""
    start, whole = own.rpartition(" ")[0], own.rpartition(" ")[2]
    try:
        return flipped.startswith(f"{start} ") and base64.b64decode(flipped[len(start) + 1 :]) == base64.b64decode(
            whole
        )
    except ValueError:
        return False


def _flip_one(items: tuple[bytes, ...], random: Random) -> tuple[bytes, ...]:
    place = random.randrange(len(items))
    return (*items[:place], _flip(items[place], random), *items[place + 1 :])


def _flip(data: bytes, random: Random) -> bytes:
    position = random.randrange(len(data) * 8)
    changed = bytearray(data)
    changed[position // 8] ^= 1 << position % 8
    return bytes(changed)
