"""The Merkle tree agrees with published vectors and with the recursive definition, and finds every change."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared_data
from xinqiao.evidence.merkle import (
    EMPTY_ROOT,
    InvalidProof,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    subtree_hash_of,
    verify_consistency,
    verify_inclusion,
)


def _vectors(kind: str) -> Iterator[dict[str, Any]]:
    files: list[Path] = sorted(shared_data("vectors", "merkle-rfc6962", kind).rglob("*.json"))
    assert files
    for file in files:
        vector = json.loads(file.read_text())
        vector["proof"] = [base64.b64decode(item) for item in vector["proof"] or []]
        for name in ("root", "root1", "root2", "leafHash"):
            if name in vector:
                vector[name] = base64.b64decode(vector[name])
        yield vector


def _defined_root(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, written as the standard writes it."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node_hash(_defined_root(hashes[:k]), _defined_root(hashes[k:]))


LEAVES = [leaf_hash(str(number).encode()) for number in range(130)]
sizes = st.integers(1, len(LEAVES))


def test_published_inclusion_vectors() -> None:
    for vector in _vectors("inclusion"):
        arguments = (vector["leafIdx"], vector["treeSize"], vector["leafHash"], vector["root"], vector["proof"])
        if vector["wantErr"]:
            with pytest.raises(InvalidProof):
                verify_inclusion(*arguments)
        else:
            verify_inclusion(*arguments)


def test_published_subtree_inclusion_vectors() -> None:
    """An aligned part of a log is a tree of its own."""
    for vector in _vectors("subtreeinclusion"):
        size = vector["end"] - vector["start"]
        index = vector["leafIdx"] - vector["start"]
        verify_inclusion(index, size, vector["leafHash"], vector["root"], vector["proof"])


def test_published_consistency_vectors() -> None:
    for vector in _vectors("consistency"):
        arguments = (vector["size1"], vector["size2"], vector["root1"], vector["root2"], vector["proof"])
        if vector["wantErr"] or vector["size1"] == 0:
            with pytest.raises(InvalidProof):
                verify_consistency(*arguments)
        else:
            verify_consistency(*arguments)


def test_the_empty_tree_and_the_single_leaf() -> None:
    assert root_of([]) == EMPTY_ROOT
    assert EMPTY_ROOT.hex().startswith("e3b0c442")
    assert leaf_hash(b"").hex().startswith("6e340b9c")
    verify_inclusion(0, 1, LEAVES[0], LEAVES[0], [])


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_the_root_is_the_recursive_definition(hashes: list[bytes]) -> None:
    assert root_of(hashes) == _defined_root(hashes)


@given(sizes, st.data())
def test_every_leaf_of_every_tree_is_proven(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, subtree_hash_of(LEAVES))
    verify_inclusion(index, size, LEAVES[index], root_of(LEAVES[:size]), proof)


@given(sizes, sizes)
def test_every_growth_is_proven(one: int, other: int) -> None:
    old, new = sorted((one, other))
    proof = consistency_proof(old, new, subtree_hash_of(LEAVES))
    verify_consistency(old, new, root_of(LEAVES[:old]), root_of(LEAVES[:new]), proof)


@given(sizes, st.data())
def test_no_altered_inclusion_proof_is_accepted(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root = root_of(LEAVES[:size])
    proof = inclusion_proof(index, size, subtree_hash_of(LEAVES))
    wrong = data.draw(st.sampled_from(["leaf", "index", "root", "longer", "shorter", "short hash"]))
    altered = {
        "leaf": (index, size, leaf_hash(b"another"), root, proof),
        "index": (index + 1, size, LEAVES[index], root, proof),
        "root": (index, size, LEAVES[index], leaf_hash(b"another"), proof),
        "longer": (index, size, LEAVES[index], root, [*proof, LEAVES[0]]),
        "shorter": (index, size, LEAVES[index], root, proof[:-1] if proof else [LEAVES[0]]),
        "short hash": (index, size, LEAVES[index], root, [*proof[:-1], b"short"]),
    }[wrong]
    with pytest.raises(InvalidProof):
        verify_inclusion(*altered)


@given(sizes, sizes, st.data())
def test_no_forked_history_is_accepted(one: int, other: int, data: st.DataObject) -> None:
    old, new = sorted((one, other))
    forked = list(LEAVES)
    forked[data.draw(st.integers(0, old - 1))] = leaf_hash(b"rewritten")
    proof = consistency_proof(old, new, subtree_hash_of(forked))
    with pytest.raises(InvalidProof):
        verify_consistency(old, new, root_of(LEAVES[:old]), root_of(forked[:new]), proof)


@pytest.mark.parametrize(("old", "new"), [(0, 5), (0, 0), (6, 5), (-1, 5)])
def test_growth_from_nothing_or_backwards_is_refused(old: int, new: int) -> None:
    with pytest.raises(InvalidProof):
        verify_consistency(old, new, EMPTY_ROOT, root_of(LEAVES[:5]), [])
    with pytest.raises(ValueError, match="no consistency proof"):
        consistency_proof(old, new, subtree_hash_of(LEAVES))


def test_longer_and_shorter_consistency_proofs_are_refused() -> None:
    roots = root_of(LEAVES[:6]), root_of(LEAVES[:13])
    proof = consistency_proof(6, 13, subtree_hash_of(LEAVES))
    for altered in ([*proof, LEAVES[0]], proof[:-1], [], [LEAVES[0], *proof]):
        with pytest.raises(InvalidProof):
            verify_consistency(6, 13, *roots, altered)
    with pytest.raises(InvalidProof):
        verify_consistency(8, 8, roots[0], roots[1], [])


def test_a_leaf_outside_the_tree_has_no_proof() -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        inclusion_proof(5, 5, subtree_hash_of(LEAVES))
