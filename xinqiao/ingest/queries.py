"""What was delivered: outcomes, standing rows, problems."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import pyarrow as pa
from django.db.models import Max, Q

from xinqiao.ingest import inbox
from xinqiao.ingest.checks import PROBLEMS
from xinqiao.ingest.models import ColumnMapping, Delivery
from xinqiao.ingest.types import (
    UNDO_WINDOW,
    Arrival,
    DeliveryStatus,
    Outcome,
    RepairGroup,
    UnknownDelivery,
)
from xinqiao.records.queries import lake_totals
from xinqiao.vault.sealing import open_all
from xinqiao.vault.types import ERASED, Sealing, delivery_subject

RUNS = ("evaluation.", "quality.")  # results that lie in the lake beside the items


def standing_rows() -> list[tuple[str, dict[str, Any]]]:
    """Per item code what stands in the credit database: ``rows``, ``size`` in bytes, ``files``, ``last`` change."""
    return [(str(total["item"]), total) for total in lake_totals() if not str(total["item"]).startswith(RUNS)]


def remembered_mapping(provider: str, item: str) -> dict[str, str]:
    """Header → field code, as this provider chose before."""
    return dict(ColumnMapping.objects.filter(provider=provider, item=item).values_list("header", "field"))


def get_delivery(delivery: str, *, provider: str | None = None, lock: bool = False) -> Delivery:
    """The delivery of that number, of that provider when given; raises UnknownDelivery."""
    rows = Delivery.objects.select_for_update() if lock else Delivery.objects.all()
    found = rows.filter(id=delivery, **({"provider": provider} if provider else {})).first()
    if found is None:
        raise UnknownDelivery(delivery=delivery)
    return found


def get_outcome(delivery: str, *, provider: str | None = None, now: datetime) -> Outcome:
    """What became of a delivery."""
    return as_outcome(get_delivery(delivery, provider=provider), now=now)


def as_outcome(entry: Delivery, *, now: datetime, repeated: bool = False) -> Outcome:
    """A delivery as its outcome; ``undo_until`` is None once it can no longer be undone."""
    return _outcome(entry, groups_of([entry])[0], now=now, repeated=repeated)


def groups_sealing(delivery: str, groups: Iterable[RepairGroup] = (), sealed: bytes = b"") -> Sealing:
    """The repair groups of a delivery as a value to seal, or to open as its row has them."""
    text = json.dumps([asdict(g) for g in groups], ensure_ascii=False)
    return Sealing(delivery_subject(delivery), f"ingest_delivery:groups:{delivery}", text, sealed)


def groups_of(entries: Sequence[Delivery]) -> list[tuple[RepairGroup, ...]]:
    """What is to be repaired in each delivery; nothing where its content was erased."""
    texts = open_all([groups_sealing(entry.id, sealed=bytes(entry.groups_sealed)) for entry in entries])
    return [_read_groups(text) if text not in ("", ERASED) else () for text in texts]


def _read_groups(text: str) -> tuple[RepairGroup, ...]:
    return tuple(
        RepairGroup(**{**g, "samples": tuple((row, text) for row, text in g["samples"])}) for g in json.loads(text)
    )


def _outcome(entry: Delivery, groups: tuple[RepairGroup, ...], *, now: datetime, repeated: bool = False) -> Outcome:
    until = entry.received_at + UNDO_WINDOW
    open_ = entry.undone_at is None and now <= until and entry.status != DeliveryStatus.EMPTY
    return Outcome(
        delivery=entry.id,
        item=entry.item,
        status=DeliveryStatus(entry.status),
        delivered=entry.delivered,
        accepted=entry.accepted,
        returned=entry.returned,
        flagged=entry.flagged,
        groups=groups,
        ignored_columns=tuple(json.loads(entry.ignored_columns)),
        received_at=entry.received_at,
        undo_until=until if open_ else None,
        repeated=repeated,
        waiting=entry.waiting,
    )


def list_deliveries(
    *, provider: str | None = None, item: str | None = None, now: datetime, limit: int = 50
) -> list[Outcome]:
    """The latest deliveries, newest first."""
    rows = Delivery.objects.order_by("-received_at", "-id")
    rows = rows.filter(provider=provider) if provider else rows
    rows = rows.filter(item=item) if item else rows
    found = list(rows[:limit])
    return [_outcome(entry, groups, now=now) for entry, groups in zip(found, groups_of(found), strict=True)]


def last_deliveries(provider: str | None = None) -> dict[str, datetime]:
    """Item code → when rows of it were last accepted; deliveries undone and answers about one do not count."""
    rows = Delivery.objects.filter(undone_at=None, accepted__gt=0, about="")
    rows = rows.filter(provider=provider) if provider else rows
    return {r["item"]: r["last"] for r in rows.values("item").annotate(last=Max("received_at"))}


def list_arrivals(*, known: datetime, since: datetime | None = None, item: str | None = None) -> list[Arrival]:
    """Deliveries that had brought rows by ``known`` and were not undone by then, the oldest first.

    A source's answer about one enterprise is none: it neither keeps a deadline nor measures a provider.
    """
    rows = Delivery.objects.filter(received_at__lte=known, about="").exclude(delivered=0).order_by("received_at", "id")
    rows = rows.filter(Q(undone_at=None) | Q(undone_at__gt=known))
    rows = rows.filter(received_at__gte=since) if since else rows
    rows = rows.filter(item=item) if item else rows
    columns = ("id", "item", "provider", "received_at", "delivered", "accepted")
    return [Arrival(*line) for line in rows.values_list(*columns).iterator()]


def list_problems(delivery: str) -> pa.Table:
    """What is wrong in a delivery, line by line (``row, field, code, value``).

    Raises UnknownDelivery, DeliveryErased.
    """
    entry = get_delivery(delivery)
    return inbox.read_problems(entry.problems_path) if entry.problems_path else PROBLEMS.empty_table()
