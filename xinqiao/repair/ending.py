"""Records that have reached their longest term stop being published, shared and used, without anybody's asking."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
from django.db import transaction

from xinqiao.catalogue.schema import key_columns
from xinqiao.catalogue.types import Item
from xinqiao.evidence.actions import record
from xinqiao.ingest.accepting import as_stored, new_number
from xinqiao.kernel.dated import beijing_day
from xinqiao.plumbing.locks import hold_name
from xinqiao.records.actions import register_file, write_file
from xinqiao.records.queries import standing_rows
from xinqiao.records.types import FileKind, Op
from xinqiao.repair.queries import repair_rules
from xinqiao.repair.rules import countdown, is_over
from xinqiao.repair.types import TERMS_ENDED
from xinqiao.sharing.queries import current_list

ACTOR = "system:repair"


def end_terms(*, now: datetime) -> dict[str, int]:
    """Stop what is past its longest term; item → how many records. A pass that finds nothing changes nothing."""
    rules, ended = repair_rules(), {}
    listed = {item.code: item for item in current_list()}
    for code in rules.items:
        if code in listed and (count := _end(listed[code], now)):
            ended[code] = count
    return ended


def _end(item: Item, now: datetime) -> int:
    rules, today = repair_rules(), beijing_day(now)
    terms = rules.items[item.code]
    read = [terms.counted_from, *filter(None, (terms.by, terms.ended)), "_enterprise"]
    rows = standing_rows(item, read, known=now)
    over = pa.array(
        [
            (found := countdown(item.code, row, "", rules)) is not None and is_over(found, today)
            for row in _days(rows, read)
        ],
        pa.bool_(),
    )
    gone = rows.filter(over) if len(over) else rows
    if not gone.num_rows:
        return 0
    batch = new_number(now)
    names = list(dict.fromkeys(column for pair in key_columns(item) for column in pair))
    own = gone.select(names).append_column("_row", pa.array(range(1, gone.num_rows + 1), pa.int32()))
    if item.subject.code not in own.schema.names:
        own = own.append_column(item.subject.code, gone.column("_enterprise"))
    facts = write_file(
        item, as_stored(item, own, batch, Op.RETRACT, now), batch=batch, kind=FileKind.RETRACTION, now=now
    )
    with transaction.atomic():
        hold_name(f"repair.terms.{item.code}")
        body = {"item": item.code, "batch": batch, "rows": gone.num_rows}
        record(TERMS_ENDED, actor=ACTOR, subject=item.department.code, body=body, now=now)
        register_file(item.code, facts, batch=batch, kind=FileKind.RETRACTION, actor=ACTOR, now=now)
    return int(gone.num_rows)


def _days(rows: pa.Table, names: list[str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = rows.select(list(dict.fromkeys(names))).to_pylist()
    return found
