"""The Merkle tree of RFC 6962 (SHA-256): hashes, roots, proofs and their verification. Pure functions.

A prover asks for subtree hashes through ``hash_of(start, stop)``, the hash of leaves ``start`` to ``stop - 1``
as a tree of their own, so that the same code proves from memory and from tiles on disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from xinqiao.kernel.errors import Corrupt

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
SubtreeHash = Callable[[int, int], bytes]


class InvalidProof(Corrupt):
    """A proof does not lead to the root it claims; ``what`` says how."""

    code = "evidence.invalid_proof"
    title = "存证证明不成立：{what}"
    clause = "RFC 6962, 2.1"
    next_step = "请保留该证明原件，并向节点索取新的证明；若仍不成立，请提交公证或仲裁机构"


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf; the prefix keeps a leaf from ever being taken for a node."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Root of a tree whose leaves (or equal-sized perfect subtrees) have these hashes, left to right.

    An odd last node is carried up unchanged, which gives the same tree as the recursive definition.
    """
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def subtree_hash_of(hashes: Sequence[bytes]) -> SubtreeHash:
    """A ``hash_of`` over leaf hashes held in memory."""
    return lambda start, stop: root_of(hashes[start:stop])


def inclusion_proof(index: int, size: int, hash_of: SubtreeHash) -> list[bytes]:
    """The siblings on the way from leaf ``index`` to the root of a tree of ``size`` leaves, leaf end first.

    Raises ValueError when the leaf is not in the tree.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    start, stop, siblings = 0, size, []
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            siblings.append((middle, stop))
            stop = middle
        else:
            siblings.append((start, middle))
            start = middle
    return [hash_of(*bounds) for bounds in reversed(siblings)]


def consistency_proof(old_size: int, new_size: int, hash_of: SubtreeHash) -> list[bytes]:
    """The nodes that show the first ``old_size`` leaves unchanged in a tree of ``new_size`` leaves.

    Raises ValueError unless ``0 < old_size <= new_size``.
    """
    if not 0 < old_size <= new_size:
        raise ValueError(f"no consistency proof from {old_size} to {new_size}")
    start, stop, siblings = 0, new_size, []
    while old_size != stop:
        middle = start + _split(stop - start)
        if old_size <= middle:
            siblings.append((middle, stop))
            stop = middle
        else:
            siblings.append((start, middle))
            start = middle
    known_root = [] if start == 0 else [(start, stop)]  # the verifier holds the old root already
    return [hash_of(*bounds) for bounds in known_root + siblings[::-1]]


def verify_inclusion(index: int, size: int, leaf: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the leaf hash ``leaf`` is at ``index`` under ``root``; raises InvalidProof (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise InvalidProof(what=f"第 {index} 条不在大小为 {size} 的日志中")
    node, last, result = index, size - 1, leaf
    for sibling in _hashes(proof):
        if last == 0:
            raise InvalidProof(what="证明过长")
        if node % 2 or node == last:
            result = node_hash(sibling, result)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            result = node_hash(result, sibling)
        node, last = node // 2, last // 2
    if last != 0:
        raise InvalidProof(what="证明过短")
    if result != root:
        raise InvalidProof(what="推算的根与检查点不同")


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the log only grew from ``old_size`` to ``new_size``; raises InvalidProof (RFC 9162, 2.1.4.2).

    An ``old_size`` of 0 is refused: every tree extends the empty one, so such a proof shows nothing.
    """
    if not 0 < old_size <= new_size:
        raise InvalidProof(what=f"不能证明从 {old_size} 到 {new_size} 的增长")
    if old_size == new_size:
        if proof or old_root != new_root:
            raise InvalidProof(what="大小相同而根不同")
        return
    path = _hashes(proof)
    if old_size & (old_size - 1) == 0:  # a perfect old tree is itself the first node
        path = [old_root, *path]
    if not path:
        raise InvalidProof(what="证明过短")
    if _fold_consistency(old_size - 1, new_size - 1, path) != (old_root, new_root):
        raise InvalidProof(what="推算的根与检查点不同")


def _fold_consistency(node: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    while node % 2:
        node, last = node // 2, last // 2
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise InvalidProof(what="证明过长")
        if node % 2 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            new = node_hash(new, sibling)
        node, last = node // 2, last // 2
    if last != 0:
        raise InvalidProof(what="证明过短")
    return old, new


def _split(size: int) -> int:
    """The largest power of two below ``size``: where a tree of more than one leaf divides."""
    return 1 << (size - 1).bit_length() - 1


def _hashes(proof: Sequence[bytes]) -> list[bytes]:
    if any(len(item) != HASH_BYTES for item in proof):
        raise InvalidProof(what="证明中有长度不对的散列")
    return list(proof)
