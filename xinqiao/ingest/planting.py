"""Rows that the node itself adds to the records: canary enterprises, which no provider delivered or answers for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from xinqiao.catalogue.types import Item
from xinqiao.evidence.actions import record
from xinqiao.ingest.accepting import new_number, with_system_columns
from xinqiao.ingest.actions import Upload
from xinqiao.ingest.intake import take_in
from xinqiao.ingest.types import PLANTED
from xinqiao.records.actions import register_file, write_file
from xinqiao.records.queries import PLANTED_BATCH, read_enterprise
from xinqiao.records.types import FileFacts, FileKind


def known_of(enterprises: Iterable[str], *, registration: Item, now: datetime) -> list[str]:
    """Those of the codes of which the records hold a registration already."""
    return [e for e in enterprises if read_enterprise(e, [registration], known=now)[registration.code].num_rows]


def plant(
    deliveries: Sequence[tuple[Item, Sequence[Upload]]], *, enterprises: Sequence[str], actor: str, now: datetime
) -> int:
    """Add rows about these enterprises as the node's own, under a batch that counts as nobody's delivery.

    All items at once or none. Returns how many rows. The evidence says that rows were planted, not of whom.
    """
    batch = f"{PLANTED_BATCH}{new_number(now)}"
    chosen = pa.array(enterprises, pa.string())
    files: list[tuple[Item, FileFacts]] = []
    for item, uploads in deliveries:
        with take_in(item, uploads, {}, now) as intake:
            found = [
                rows.filter(pc.is_in(rows.column(item.subject.code), value_set=chosen)) for rows in intake.accepted()
            ]
        if found and (rows := pa.concat_tables(found)).num_rows:
            files.append((item, write_file(item, with_system_columns(item, rows, batch, now), batch=batch, now=now)))
    total = sum(facts.rows for _, facts in files)
    with transaction.atomic():
        record(PLANTED, actor=actor, subject="node", body={"batch": batch, "rows": total}, now=now)
        for item, facts in files:
            register_file(item.code, facts, batch=batch, kind=FileKind.DELIVERY, actor=actor, now=now)
    return total
