"""Offline proof that an entry is in the log (C2SP tlog-proof), and the node's promise given before it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xinqiao.evidence.merkle import InvalidProof, leaf_hash, verify_inclusion
from xinqiao.evidence.notes import LogKey, TreeHead, open_by_any, open_note, sign_note
from xinqiao.evidence.types import Receipt
from xinqiao.kernel.canonical import NotCanonical, base64_text, canonical_bytes, read_base64, read_json, sha256_hex
from xinqiao.kernel.suites import Signer

FIRST_LINE = "c2sp.org/tlog-proof@v1"
PROMISE = "xinqiao receipt v1"  # for leaves that hold their number
NUMBERED_PROMISE = "xinqiao receipt v2"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A leaf's place, its siblings up to the root, and the signed checkpoint that has this root."""

    index: int
    siblings: tuple[bytes, ...]
    note: str

    @property
    def text(self) -> str:
        """The ``.tlog-proof`` file."""
        hashes = "".join(base64_text(item) + "\n" for item in self.siblings)
        return f"{FIRST_LINE}\nindex {self.index}\n{hashes}\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> InclusionProof:
        """Read a ``.tlog-proof`` file; an ``extra`` line is skipped. Raises InvalidProof."""
        head, found, note = text.partition("\n\n")
        lines = head.split("\n")
        if not found or lines.pop(0) != FIRST_LINE:
            raise InvalidProof(what=f"首行应为 {FIRST_LINE}")
        if lines and lines[0].startswith("extra "):
            lines.pop(0)
        index = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if index is None:
            raise InvalidProof(what="缺少 index 行")
        try:
            siblings = tuple(read_base64(line) for line in lines)
        except NotCanonical as error:
            raise InvalidProof(what="散列的 base64 写法不对") from error
        return cls(int(index[1]), siblings, note)

    def check(self, leaf: bytes, *, key: LogKey, others: Sequence[LogKey] = ()) -> TreeHead:
        """Check the checkpoint's signature and that ``leaf`` is under it; raises InvalidNote, InvalidProof.

        ``others`` are further keys that the log has had.
        """
        head, _ = open_by_any(self.note, keys=[key, *others])
        verify_inclusion(self.index, head.size, leaf_hash(leaf), head.root, self.siblings)
        return head


def promise_text(entry_id: int, leaf: bytes, *, origin: str) -> str:
    """What the node signs at once about an entry. Its second line can never be read as a checkpoint's size.

    A leaf that holds its number, as leaves did until version 2, must hold this one; raises InvalidProof.
    """
    held = _number_in(leaf)
    if held is None:
        return f"{NUMBERED_PROMISE}\n{origin}\n{base64_text(leaf_hash(leaf))}\nentry {entry_id}\n"
    if held != entry_id:
        raise InvalidProof(what="编号与存证内容不符")
    return f"{PROMISE}\n{origin}\n{base64_text(leaf_hash(leaf))}\n"


def sign_promise(entry_id: int, leaf: bytes, *, origin: str, key: Signer) -> str:
    """The signed note by which the node is bound to log ``leaf``."""
    return sign_note(promise_text(entry_id, leaf, origin=origin), name=origin, key=key)


def document_text(document: bytes, *, kind: str, origin: str) -> str:
    """What the node signs about a document it hands out. Never readable as a checkpoint or a promise."""
    return f"xinqiao {kind} v1\n{origin}\nsha256 {sha256_hex(document)}\n"


def check_document(document: bytes, signature: str, *, kind: str, key: LogKey) -> None:
    """Check the node's signature on a document; raises InvalidNote or InvalidProof."""
    if open_note(signature, key=key) != document_text(document, kind=kind, origin=key.name):
        raise InvalidProof(what="签名与文件内容不符")


def receipt_as_json(receipt: Receipt) -> bytes:
    """The receipt file handed to a holder (canonical JSON)."""
    return canonical_bytes(receipt.as_json())


def read_receipt(data: bytes) -> Receipt:
    """Read a receipt file; raises InvalidProof. Nothing in it is to be believed before :func:`check_receipt`."""
    try:
        value: Any = read_json(data)
        texts = [value["leaf"], value["origin"], value["promise"], value["proof"] or ""]
        if value["v"] != 1 or not all(isinstance(text, str) for text in texts):
            raise InvalidProof(what="不是本版本的回执文件")
        leaf = value["leaf"].encode("utf-8")
        receipt = Receipt(value["entry"], leaf, leaf_hash(leaf), value["origin"], value["promise"], value["proof"])
    except (NotCanonical, KeyError, TypeError, UnicodeError) as error:
        raise InvalidProof(what="不是回执文件") from error
    if receipt_as_json(receipt) != data:
        raise InvalidProof(what="回执文件不是规范的 JSON")
    return receipt


def check_receipt(receipt: Receipt, *, key: LogKey, others: Sequence[LogKey] = ()) -> TreeHead | None:
    """Check the promise and, if it is there, the proof; raises InvalidNote or InvalidProof.

    ``others`` are further keys of the log: a proof may be older or newer than the key that promised. Returns the tree
    head that covers the entry, None while only the promise was given.
    """
    if receipt.origin != key.name:
        raise InvalidProof(what=f"回执属于另一日志 {receipt.origin}")
    if open_note(receipt.promise, key=key) != promise_text(receipt.entry_id, receipt.leaf, origin=key.name):
        raise InvalidProof(what="承诺与存证内容不符")
    if receipt.proof is None:
        return None
    return InclusionProof.parse(receipt.proof).check(receipt.leaf, key=key, others=others)


def _number_in(leaf: bytes) -> Any:
    """The entry's number if the leaf holds it; raises InvalidProof when the bytes are not a leaf."""
    try:
        return read_json(leaf).get("id")
    except (NotCanonical, AttributeError) as error:
        raise InvalidProof(what="存证内容无法读取") from error
