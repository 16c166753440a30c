"""The node's side of anchors: one root to each ledger a minute, while the log grows. No write waits.

A row is written before its root is sent. When the node dies between the two, the next run asks the ledger for the root
before it sends again, so that a receipt is never lost and a chain that takes a size once is not asked twice.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from xinqiao.anchoring.ledgers import connect, list_ledgers
from xinqiao.anchoring.models import AnchorRow, LedgerRow
from xinqiao.anchoring.receipts import check_document, read_receipt, receipt_document
from xinqiao.anchoring.types import AnchorLedger, AnchorState, ChainReceipt, InvalidAnchor, Ledger, Root, Sent
from xinqiao.evidence.heads import checkpoint_note, signed_head
from xinqiao.evidence.tiles import TileFolder
from xinqiao.evidence.types import NotYetSigned
from xinqiao.kernel.errors import XinqiaoError
from xinqiao.plumbing import settings as node

log = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=1)
PATIENCE = timedelta(minutes=10)  # after that a root that never came is given up and the next is sent
OPEN = (AnchorState.SENDING, AnchorState.PENDING)


def take_anchors(*, now: datetime) -> int:
    """Ask each ledger for what is pending, send it the last root when its turn has come; how many were confirmed.

    Raises InvalidLedgers, OSError for a wrong file of ledgers.
    """
    try:
        head = newest_root()
    except NotYetSigned:
        return 0
    confirmed = 0
    for ledger in list_ledgers():
        confirmed += _turn(ledger, head, now)
    return confirmed


def newest_root() -> Root:
    """The root of the last signed checkpoint; raises NotYetSigned."""
    return root_of_size(None)


def root_of_size(size: int | None) -> Root:
    """The root of the signed checkpoint of a size; raises NotYetSigned."""
    head = signed_head(size)
    return Root(head.origin, head.size, head.root, head.text)


def _turn(ledger: Ledger, head: Root, now: datetime) -> int:
    """One ledger's turn: how many roots it confirmed. Its troubles are its own."""
    state = LedgerRow.objects.filter(name=ledger.name).first()
    waiting = AnchorRow.objects.filter(ledger=ledger.name, state__in=OPEN).order_by("size").first()
    due = state is None or now >= state.tried_at + INTERVAL
    grown = state is None or state.size < head.size
    if not waiting and not (due and grown):
        return 0
    try:
        done = _follow(ledger, waiting, now) if waiting else _send(ledger, head, now)
    except (XinqiaoError, OSError, KeyError, TypeError, ValueError) as error:
        said = error.message if isinstance(error, XinqiaoError) else f"{type(error).__name__}: {error}"
        log.warning("ledger %s: %s", ledger.name, said)
        _note(ledger, said[:500], None, now)
        if waiting:
            _give_up(waiting, now)
        return 0
    _note(ledger, "", done, now)
    return int(done is not None)


def _send(ledger: Ledger, head: Root, now: datetime) -> int | None:
    """Hand the last root over; the size confirmed if the ledger wrote it at once."""
    row, _ = AnchorRow.objects.update_or_create(
        ledger=ledger.name,
        size=head.size,
        defaults={"kind": ledger.kind, "state": AnchorState.SENDING, "handle": "", "sent_at": now},
    )
    return _hand_over(ledger, connect(ledger), row, head, now)


def _follow(ledger: Ledger, row: AnchorRow, now: datetime) -> int | None:
    """What became of a root that was sent: found, still pending, or to be sent again."""
    line, root = connect(ledger), root_of_size(row.size)
    if row.state == AnchorState.SENDING:
        handle = line.find(root)
        if not handle:
            return _hand_over(ledger, line, row, root, now)
        row.handle, row.state = handle, AnchorState.PENDING
        row.save(update_fields=["handle", "state"])
    receipt = line.receipt(row.handle, root)
    if receipt is None:
        _give_up(row, now)
        return None
    return _confirm(ledger, row, root, receipt, now)


def _hand_over(ledger: Ledger, line: AnchorLedger, row: AnchorRow, root: Root, now: datetime) -> int | None:
    sent: Sent = line.submit(root)
    row.handle, row.state = sent.handle[:120], AnchorState.PENDING
    row.save(update_fields=["handle", "state"])
    receipt = sent.receipt or line.receipt(row.handle, root)
    return _confirm(ledger, row, root, receipt, now) if receipt else None


def _confirm(ledger: Ledger, row: AnchorRow, root: Root, receipt: ChainReceipt, now: datetime) -> int:
    """Keep a receipt, once it is checked as any reader will check it."""
    document = receipt_document(ledger, root, receipt)
    check_document(document, root)
    row.document, row.state, row.confirmed_at = document, AnchorState.CONFIRMED, now
    row.save(update_fields=["document", "state", "confirmed_at"])
    publish_anchor(row)
    return int(row.size)


def _give_up(row: AnchorRow, now: datetime) -> None:
    """A root that did not come in time is let go: the next one dates everything under it too."""
    if now >= row.sent_at + PATIENCE:
        row.state = AnchorState.LOST
        row.save(update_fields=["state"])


def _note(ledger: Ledger, trouble: str, size: int | None, now: datetime) -> None:
    before = LedgerRow.objects.filter(name=ledger.name).values_list("size", flat=True).first() or 0
    told = {"size": max(before, size or 0), "tried_at": now, "trouble": trouble}
    LedgerRow.objects.update_or_create(name=ledger.name, defaults=told)


def publish_anchor(row: AnchorRow) -> None:
    """Put a receipt and the checkpoint it is about among the log's public files."""
    files = {
        f"anchors/{row.size}.checkpoint": checkpoint_note(row.size).encode(),
        f"anchors/{row.size}.{row.ledger}.json": bytes(row.document),
    }
    TileFolder(node.evidence_dir()).write_all(files.items())


def verify_anchors() -> list[str]:
    """Ask every configured ledger whether the receipts it gave still stand; what is wrong, in words."""
    ledgers = {ledger.name: ledger for ledger in list_ledgers()}
    rows = list(AnchorRow.objects.filter(state=AnchorState.CONFIRMED, ledger__in=ledgers).order_by("size"))
    with ThreadPoolExecutor(4) as pool:
        checks = [(row, root_of_size(row.size)) for row in rows]
        found = list(pool.map(lambda pair: _still_stands(ledgers[pair[0].ledger], *pair), checks))
    return [said for said in found if said]


def _still_stands(ledger: Ledger, row: AnchorRow, root: Root) -> str:
    try:
        check_document(bytes(row.document), root)
        connect(ledger).verify(read_receipt(bytes(row.document)), root)
    except (InvalidAnchor, XinqiaoError) as error:
        return f"{ledger.name} {row.size}: {error.message}"
    return ""
