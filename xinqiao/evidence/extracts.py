"""Single entries taken out of the log for somebody outside: leaf, proof, content, and the log's public keys.

Each proof is under the newest checkpoint that outsiders dated (a time stamp) and that covers the entry; else under
the best one there is. Everything here can be checked with the C2SP tools or with openssl alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from xinqiao.evidence.keys import PACKAGE_GM, USES, announcements, gm_key, log_key, log_keys, package_gm_key
from xinqiao.evidence.merkle import InvalidProof, inclusion_proof
from xinqiao.evidence.models import Checkpoint, Entry, Stamp
from xinqiao.evidence.notes import open_by_any
from xinqiao.evidence.proofs import InclusionProof
from xinqiao.evidence.published import covering_note, full_note, node_policy
from xinqiao.evidence.queries import disclose
from xinqiao.evidence.tiles import DamagedLog, TileFolder
from xinqiao.evidence.types import EntryNotFound, Extract, StampFacts
from xinqiao.plumbing import settings as node


def extract_entries(entries: Iterable[int], *, anchored: Sequence[int] = ()) -> list[Extract]:
    """The entries with proofs, in the order of their numbers; ``anchored`` are sizes dated elsewhere, newest first.

    Raises EntryNotFound, ContentErased, DamagedLog.
    """
    wanted = sorted(set(entries))
    rows = {row.id: row for row in Entry.objects.filter(id__in=wanted)}
    if missing := [number for number in wanted if number not in rows]:
        raise EntryNotFound(entry=missing[0])
    last = Checkpoint.objects.order_by("-size").first()
    dated = _dated(anchored)
    return [_extract(rows[number], last, dated) for number in wanted]


def _dated(anchored: Sequence[int]) -> list[Checkpoint]:
    """Checkpoints that outsiders dated, those first that most did: stamped and anchored, anchored, stamped."""
    stamped = Checkpoint.objects.filter(stamp__isnull=False).order_by("-size")
    both = stamped.filter(size__in=anchored).first()
    found = [both, Checkpoint.objects.filter(size__in=anchored).order_by("-size").first(), stamped.first()]
    return [checkpoint for checkpoint in found if checkpoint is not None]


def _extract(row: Entry, last: Checkpoint | None, dated: Sequence[Checkpoint]) -> Extract:
    size, proof = 0, ""
    if last is not None and row.leaf_index is not None and row.leaf_index < last.size:
        size, note = _under(row.leaf_index, dated)
        proof = _proof(row, size, note, last.size)
    return Extract(
        row.id, row.at, row.event, bytes(row.leaf), row.leaf_index if proof else None, disclose(row.id), proof, size
    )


def _under(index: int, dated: Sequence[Checkpoint]) -> tuple[int, str]:
    for checkpoint in dated:
        if index < checkpoint.size:
            return checkpoint.size, full_note(checkpoint)
    found = covering_note(index)
    assert found is not None
    return found


def _proof(row: Entry, size: int, note: str, newest: int) -> str:
    assert row.leaf_index is not None
    tiles = TileFolder(node.evidence_dir())
    siblings = inclusion_proof(row.leaf_index, size, lambda start, stop: tiles.subtree_hash(start, stop, size=newest))
    proof = InclusionProof(row.leaf_index, tuple(siblings), note)
    try:
        proof.check(bytes(row.leaf), key=open_by_any(note, keys=log_keys())[1])
    except InvalidProof as error:
        raise DamagedLog(what=f"第 {row.leaf_index} 条存证的证明") from error
    return proof.text


def stamps_on(sizes: Iterable[int]) -> list[StampFacts]:
    """The time stamps on checkpoints of these sizes."""
    rows = Stamp.objects.filter(checkpoint_id__in=set(sizes)).select_related("checkpoint")
    return [
        StampFacts(
            row.checkpoint_id, row.authority, row.at, str(row.checkpoint.note), bytes(row.query), bytes(row.response)
        )
        for row in rows.order_by("checkpoint_id", "authority")
    ]


def public_keys() -> dict[str, bytes]:
    """Keys and announcements of the log as files: ``vkey``, ``vkey.gm``, ``*.note``."""
    package_gm_key()  # made and announced on first use
    files = {"vkey": f"{log_key().vkey}\n".encode(), "vkey.gm": f"{gm_key().vkey}\n".encode()}
    return files | {name: note.encode() for name, note in announcements([*USES, PACKAGE_GM]).items()}


def witnesses() -> dict[str, Any]:
    """Who cosigns the log's checkpoints, and how many of them must."""
    policy = node_policy()
    return {"names": [item.name for item in policy.witnesses], "quorum": policy.quorum}
