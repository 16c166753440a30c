"""Reads of the log: receipts, an enterprise's own entries, the state of the log."""

from __future__ import annotations

from typing import Any

from django.db.models import Max

from xinqiao.evidence.keys import log_key, signing_key
from xinqiao.evidence.leaves import PARTS, Salts, disclosure_of
from xinqiao.evidence.merkle import InvalidProof, inclusion_proof
from xinqiao.evidence.models import Checkpoint, Entry
from xinqiao.evidence.notes import sign_note
from xinqiao.evidence.proofs import InclusionProof, document_text, sign_promise
from xinqiao.evidence.tiles import DamagedLog, TileFolder
from xinqiao.evidence.types import EntryFacts, EntryNotFound, LogStatus, NotYetSigned, Receipt
from xinqiao.kernel.canonical import read_json
from xinqiao.plumbing import settings as node


def get_entry(entry_id: int) -> EntryFacts:
    """One entry with its content; raises EntryNotFound."""
    return _facts(_entry(entry_id))


def list_entries(
    *, subject: str | None = None, event: str | None = None, before: int | None = None, limit: int = 50
) -> list[EntryFacts]:
    """Entries, newest first, of a subject and an event code if given; ``before`` is the last number seen."""
    entries = Entry.objects.order_by("-id")
    if subject is not None:
        entries = entries.filter(subject=subject)
    if event is not None:
        entries = entries.filter(event=event)
    if before is not None:
        entries = entries.filter(id__lt=before)
    return [_facts(entry) for entry in entries[:limit]]


def receipt(entry_id: int) -> Receipt:
    """The receipt of an entry: the node's promise now, with the proof once a checkpoint covers the entry.

    Raises EntryNotFound, and DamagedLog when the files of the log do not bear the entry out.
    """
    entry = _entry(entry_id)
    leaf, origin = bytes(entry.leaf), node.log_origin()
    promise = sign_promise(leaf, origin=origin, key=signing_key())
    return Receipt(entry.id, leaf, bytes(entry.leaf_hash), origin, promise, _proof_text(entry, leaf))


def sign_document(document: bytes, *, kind: str) -> str:
    """A signed note by which the node stands for a document it hands out (``proofs.check_document``)."""
    origin = node.log_origin()
    return sign_note(document_text(document, kind=kind, origin=origin), name=origin, key=signing_key())


def disclose(entry_id: int, *, parts: tuple[str, ...] = PARTS) -> dict[str, Any]:
    """Content and salts by which a holder shows what a leaf is about (``leaves.check_disclosure``).

    Give each holder only the parts that concern it: a salt once given cannot be taken back. Raises EntryNotFound.
    """
    entry = _entry(entry_id)
    salts = Salts.from_bytes(bytes(entry.salts))
    return disclosure_of(actor=entry.actor, subject=entry.subject, body=bytes(entry.body), salts=salts, parts=parts)


def signed_note() -> str:
    """The latest signed checkpoint; raises NotYetSigned."""
    last = _last_checkpoint()
    if last is None:
        raise NotYetSigned(source=node.log_origin(), retry=True)
    return str(last.note)


def log_status() -> LogStatus:
    """How many entries are recorded and signed, the last root, and the public key."""
    last = _last_checkpoint()
    waiting = Entry.objects.filter(leaf_index=None).count()
    placed = Entry.objects.aggregate(last=Max("leaf_index"))["last"]
    recorded = waiting + (0 if placed is None else placed + 1)
    if last is None:
        return LogStatus(recorded, 0, None, None, log_key().vkey)
    return LogStatus(recorded, last.size, bytes(last.root), last.signed_at, log_key().vkey)


def missing_files() -> list[str]:
    """Files the signed log should have and has not."""
    last = _last_checkpoint()
    return TileFolder(node.evidence_dir()).missing(last.size) if last else []


def _proof_text(entry: Entry, leaf: bytes) -> str | None:
    last = _last_checkpoint()
    if last is None or entry.leaf_index is None or entry.leaf_index >= last.size:
        return None
    tiles, size = TileFolder(node.evidence_dir()), last.size
    siblings = inclusion_proof(entry.leaf_index, size, lambda start, stop: tiles.subtree_hash(start, stop, size=size))
    proof = InclusionProof(entry.leaf_index, tuple(siblings), last.note)
    try:
        proof.check(leaf, key=log_key())  # never hand out a proof that does not hold
    except InvalidProof as error:
        raise DamagedLog(what=f"第 {entry.leaf_index} 条存证的证明") from error
    return proof.text


def _last_checkpoint() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-size").first()


def _entry(entry_id: int) -> Entry:
    entry = Entry.objects.filter(id=entry_id).first()
    if entry is None:
        raise EntryNotFound(entry=entry_id)
    return entry


def _facts(entry: Entry) -> EntryFacts:
    body = read_json(bytes(entry.body))
    return EntryFacts(entry.id, entry.at, entry.event, entry.actor, entry.subject, body, entry.leaf_index)
