"""The disputed record as who checks it sees it; every look is on record before the record is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xinqiao.disputes.queries import item_of
from xinqiao.disputes.types import WHOLE, Dispute
from xinqiao.ingest.correcting import written_row
from xinqiao.records.queries import rows_now
from xinqiao.records.sealing import open_rows
from xinqiao.release.types import Recipient
from xinqiao.release.verifying import note_check


@dataclass(frozen=True, slots=True)
class Shown:
    """A row under check: its reference, its values as stored and as a delivery writes them."""

    ref: str
    row: Mapping[str, Any]
    written: Mapping[str, str]


def rows_to_check(dispute: Dispute, viewer: Recipient, *, actor: str, now: datetime) -> list[Shown]:
    """The disputed row, or all rows of the item about the enterprise where the dispute is about it as a whole."""
    item = item_of(dispute)
    note_check(viewer, dispute.enterprise, item, dispute=dispute.id, actor=actor, now=now)
    rows = [r for r in rows_now(dispute.enterprise, item, known=now) if dispute.claim.ref in (WHOLE, r["_ref"])]
    return [Shown(row["_ref"], row, written_row(item, row)) for row in open_rows(item, rows)]
