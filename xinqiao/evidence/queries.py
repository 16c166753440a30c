"""Reads of the log: receipts, an enterprise's own entries, the state of the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xinqiao.evidence.chain_keys import chain_key
from xinqiao.evidence.chains import Opening, Statement
from xinqiao.evidence.heads import placed_size
from xinqiao.evidence.keys import DOCUMENT, log_key, log_keys, signer, signing_key
from xinqiao.evidence.leaves import PARTS, Salts, disclosure_of
from xinqiao.evidence.merkle import InvalidProof, inclusion_proof, leaf_hash
from xinqiao.evidence.models import Checkpoint, Content, Entry
from xinqiao.evidence.notes import open_by_any, sign_note
from xinqiao.evidence.proofs import InclusionProof, document_text, sign_promise
from xinqiao.evidence.published import covering_note
from xinqiao.evidence.tiles import DamagedLog, TileFolder
from xinqiao.evidence.types import ContentErased, EntryFacts, EntryNotFound, EntryRef, LogStatus, NotYetSigned, Receipt
from xinqiao.kernel.canonical import read_json
from xinqiao.plumbing import settings as node


def get_entry(entry_id: int) -> EntryFacts:
    """One entry with its content; raises EntryNotFound."""
    return _facts(_entry(entry_id))


def list_entries(
    *, subject: str | None = None, event: str | None = None, before: int | None = None, limit: int = 50
) -> list[EntryFacts]:
    """Entries, newest first, of a subject and an event code if given; ``before`` is the last number seen."""
    entries = Entry.objects.select_related("content").order_by("-id")
    if subject is not None:
        entries = entries.filter(content__subject=subject)
    if event is not None:
        entries = entries.filter(event=event)
    if before is not None:
        entries = entries.filter(id__lt=before)
    return [_facts(entry) for entry in entries[:limit]]


def list_placed(after: int, *, events: Iterable[str], limit: int = 500) -> tuple[list[EntryFacts], int]:
    """Entries of these event codes in the order of the log, behind a place; and the place up to which was looked.

    Places are given once and without gaps, so whoever goes on from there misses nothing. ``after`` -1 = from the first.
    """
    end = max(placed_size() - 1, after)
    found = Entry.objects.filter(leaf_index__gt=after, leaf_index__lte=end, event__in=list(events))
    entries = [_facts(entry) for entry in found.select_related("content").order_by("leaf_index")[:limit]]
    return entries, entries[-1].leaf_index if len(entries) == limit else end  # type: ignore[return-value]


def receipt(entry_id: int) -> Receipt:
    """The receipt of an entry: the node's promise now, with the proof once a checkpoint covers the entry.

    Raises EntryNotFound, and DamagedLog when the files of the log do not bear the entry out.
    """
    entry = _entry(entry_id)
    leaf, origin = bytes(entry.leaf), node.log_origin()
    promise = sign_promise(entry.id, leaf, origin=origin, key=signing_key())
    return Receipt(entry.id, leaf, leaf_hash(leaf), origin, promise, _proof_text(entry, leaf))


def fresh_receipt(entry: EntryRef) -> Receipt:
    """The receipt of an entry just recorded, from what is at hand: the promise; the proof follows by :func:`receipt`.

    Hand it out only after the entry's transaction has committed.
    """
    origin = node.log_origin()
    promise = sign_promise(entry.id, entry.leaf, origin=origin, key=signing_key())
    return Receipt(entry.id, entry.leaf, leaf_hash(entry.leaf), origin, promise, None)


def sign_document(document: bytes, *, kind: str) -> str:
    """A signed note by which the node stands for a document it hands out (``proofs.check_document``)."""
    origin = node.log_origin()
    return sign_note(document_text(document, kind=kind, origin=origin), name=origin, key=signer(DOCUMENT).key)


def disclose(entry_id: int, *, parts: tuple[str, ...] = PARTS) -> dict[str, Any]:
    """Content and salts by which a holder shows what a leaf is about (``leaves.check_disclosure``).

    Give each holder only the parts that concern it: a salt once given cannot be taken back. Raises EntryNotFound,
    ContentErased.
    """
    shown = _content(_entry(entry_id))
    salts = Salts.from_bytes(bytes(shown.salts))
    return disclosure_of(actor=shown.actor, subject=shown.subject, body=bytes(shown.body), salts=salts, parts=parts)


def chain_place(entry_id: int) -> dict[str, Any]:
    """What shows a recipient that an access is the n-th to its subject: number and signature behind the leaf's label.

    Raises EntryNotFound, ContentErased; empty for an entry outside any chain.
    """
    shown = _content(_entry(entry_id))
    if shown.chain_number is None:
        return {}
    signature = _signature(shown.subject, shown.chain_number)
    return {"n": shown.chain_number, "signature": signature.hex()}


def chain_statement(subject: str) -> Statement:
    """The statement that the accesses to ``subject`` under the last checkpoint are all there are, for its own eyes.

    Raises NotYetSigned.
    """
    last = _last_checkpoint()
    if last is None:
        raise NotYetSigned(source=node.log_origin(), retry=True)
    found = Content.objects.filter(subject=subject, chain_number__gt=0, entry__leaf_index__lt=last.size)
    openings = tuple(
        Opening(row.chain_number, _signature(subject, row.chain_number), bytes(row.entry.leaf), _link_salt(row))
        for row in found.select_related("entry").order_by("chain_number")
    )
    following = openings[-1].number + 1 if openings else 1
    return Statement(node.log_origin(), subject, last.size, openings, _signature(subject, following))


def chain_public_key() -> bytes:
    """The public key behind the labels of all chains, PEM."""
    return chain_key().public.pem


def _signature(subject: str, number: int) -> bytes:
    return chain_key().sign(origin=node.log_origin(), subject=subject, number=number)


def _link_salt(row: Content) -> bytes:
    return Salts.from_bytes(bytes(row.salts)).link


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
    recorded = waiting + placed_size()
    if last is None:
        return LogStatus(recorded, 0, None, None, log_key().vkey)
    return LogStatus(recorded, last.size, bytes(last.root), last.signed_at, log_key().vkey)


def missing_files() -> list[str]:
    """Files the signed log should have and has not."""
    last = _last_checkpoint()
    return TileFolder(node.evidence_dir()).missing(last.size) if last else []


def _proof_text(entry: Entry, leaf: bytes) -> str | None:
    covering = covering_note(entry.leaf_index)
    if covering is None or entry.leaf_index is None:
        return None
    size, note = covering
    tiles = TileFolder(node.evidence_dir())
    siblings = inclusion_proof(entry.leaf_index, size, lambda start, stop: tiles.subtree_hash(start, stop, size=size))
    proof = InclusionProof(entry.leaf_index, tuple(siblings), note)
    try:
        proof.check(leaf, key=open_by_any(note, keys=log_keys())[1])  # never hand out a proof that does not hold
    except InvalidProof as error:
        raise DamagedLog(what=f"第 {entry.leaf_index} 条存证的证明") from error
    return proof.text


def _last_checkpoint() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-size").first()


def _content(entry: Entry) -> Content:
    try:
        return entry.content
    except Content.DoesNotExist as error:
        raise ContentErased(entry=entry.id) from error


def _entry(entry_id: int) -> Entry:
    entry = Entry.objects.select_related("content").filter(id=entry_id).first()
    if entry is None:
        raise EntryNotFound(entry=entry_id)
    return entry


def _facts(entry: Entry) -> EntryFacts:
    try:
        shown = entry.content
    except Content.DoesNotExist:
        return EntryFacts(entry.id, entry.at, entry.event, "", "", None, entry.leaf_index)
    body = read_json(bytes(shown.body))
    return EntryFacts(entry.id, entry.at, entry.event, shown.actor, shown.subject, body, entry.leaf_index)
