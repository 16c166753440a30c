"""Reads: anchors and how the ledgers stand."""

from __future__ import annotations

from collections.abc import Iterable

from xinqiao.anchoring.models import AnchorRow, LedgerRow
from xinqiao.anchoring.types import AnchorFacts, AnchorState, LedgerFacts, LedgerKind


def list_anchors(*, limit: int = 20) -> list[AnchorFacts]:
    """Anchors, the newest first."""
    return [anchor_facts(row) for row in AnchorRow.objects.order_by("-size", "ledger")[:limit]]


def anchors_on(sizes: Iterable[int]) -> list[AnchorFacts]:
    """Confirmed anchors of checkpoints of these sizes."""
    rows = AnchorRow.objects.filter(size__in=set(sizes), state=AnchorState.CONFIRMED)
    return [anchor_facts(row) for row in rows.order_by("size", "ledger")]


def anchored_sizes(*, limit: int = 50) -> list[int]:
    """Sizes of checkpoints that a ledger has confirmed, the newest first."""
    rows = AnchorRow.objects.filter(state=AnchorState.CONFIRMED).order_by("-size")
    return list(dict.fromkeys(rows.values_list("size", flat=True)[:limit]))


def list_standing() -> list[LedgerFacts]:
    """How each ledger answered last."""
    rows = LedgerRow.objects.order_by("name")
    return [LedgerFacts(row.name, row.size, row.tried_at, row.trouble) for row in rows]


def anchor_facts(row: AnchorRow) -> AnchorFacts:
    """A stored anchor as its facts."""
    return AnchorFacts(
        ledger=row.ledger,
        kind=LedgerKind(row.kind),
        size=row.size,
        state=AnchorState(row.state),
        sent_at=row.sent_at,
        confirmed_at=row.confirmed_at,
        document=bytes(row.document),
    )
