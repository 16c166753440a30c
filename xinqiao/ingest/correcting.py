"""One record put right by who answers for it: what was wrong is withdrawn, what is right stands, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from django.db import transaction

from xinqiao.catalogue.schema import key_columns
from xinqiao.catalogue.types import Field, FieldType, Item
from xinqiao.evidence.actions import record
from xinqiao.ingest.accepting import as_stored, check_context, new_number, raise_problems, with_system_columns
from xinqiao.ingest.checks import check
from xinqiao.ingest.types import CORRECTED, NotYourItem
from xinqiao.kernel.money import format_fen
from xinqiao.records.actions import register_file, write_file
from xinqiao.records.queries import stored_schema
from xinqiao.records.types import FileKind, Op
from xinqiao.sharing.queries import check_listed

Row = Mapping[str, Any]


def correct_record(
    item: Item,
    *,
    wrong: Row | None,
    right: Mapping[str, str] | None,
    cause: str,
    provider: str,
    actor: str,
    now: datetime,
) -> str:
    """Withdraw the stored row ``wrong`` (None: there was none) and accept ``right`` (written values; None: nothing).

    Of equal keys the right row simply takes the wrong one's place. It is a delivery about one enterprise: it keeps no
    deadline and says nothing of others. ``cause`` is the dispute or repair behind it. Returns the batch. Raises
    NotYourItem, and Invalid with every problem of the row.
    """
    if provider != item.department.code:
        raise NotYourItem(item=item.name, department=item.department.name)
    batch, parts = new_number(now), []
    if right is not None:
        parts.append(with_system_columns(item, _checked(item, right, now), batch, now))
    if wrong is not None and not (parts and _same_key(item, wrong, parts[0])):
        parts.insert(0, _withdrawn(item, wrong, batch, now))
    rows = pa.concat_tables(parts).set_column(
        stored_schema(item).get_field_index("_row"),
        stored_schema(item).field("_row"),
        pa.array(range(1, len(parts) + 1), pa.int32()),
    )
    facts = write_file(item, rows, batch=batch, kind=FileKind.CORRECTION, now=now)
    with transaction.atomic():
        check_listed(item)
        body = {"item": item.code, "batch": batch, "rows": rows.num_rows, "cause": cause}
        record(CORRECTED, actor=actor, subject=provider, body=body, now=now)
        register_file(item.code, facts, batch=batch, kind=FileKind.CORRECTION, actor=actor, now=now)
    return batch


def _checked(item: Item, right: Mapping[str, str], now: datetime) -> pa.Table:
    names = [fld.code for fld in item.fields]
    table = pa.table({name: pa.array([right.get(name, "")], pa.string()) for name in names})
    checked = check(item, table, {n: n for n in names}, pa.array([1], pa.int32()), check_context(now))
    raise_problems(item, checked)
    return checked.accepted


def _same_key(item: Item, wrong: Row, right: pa.Table) -> bool:
    """Whether both rows are one; a personal key is sealed in one of them, so those are taken to be two."""
    if any(item.field(code).personal for code in item.key):
        return False
    return all(wrong.get(column) == right.column(column)[0].as_py() for _, column in key_columns(item))


def _withdrawn(item: Item, wrong: Row, batch: str, now: datetime) -> pa.Table:
    """The row once more, as stored, sealed values and their indexes with it, saying that it stands no longer."""
    names = [n for n in stored_schema(item).names if not n.startswith("_") or n == "_row"]
    own = pa.table({n: pa.array([wrong.get(n)], stored_schema(item).field(n).type) for n in names})
    return as_stored(item, own, batch, Op.RETRACT, now)


def written_row(item: Item, row: Row) -> dict[str, str]:
    """A stored row, personal values opened, in the spelling of a delivery; empty where nothing is stated."""
    return {fld.code: _written(fld, row) for fld in item.fields}


def _written(fld: Field, row: Row) -> str:
    value = row.get(fld.columns[0])
    if value is None:
        return ""
    match fld.type:
        case FieldType.MONEY:
            return str(Decimal(value) / 1_000_000) if fld.unit == "wan_yuan" else _plain(value)
        case FieldType.CAPITAL:
            return f"{_plain(value)}{_NAMES.get(row[fld.columns[1]], '')}"
        case FieldType.MONTH:
            return f"{value:%Y-%m}"
        case FieldType.BOOLEAN:
            return "是" if value else "否"
        case _:
            return str(value)


def _plain(fen: int) -> str:
    return format_fen(fen).replace(",", "")


_NAMES = {
    "CNY": "元人民币", "SGD": "新加坡元", "AUD": "澳大利亚元", "CAD": "加拿大元", "CHF": "瑞士法郎", "FRF": "法国法郎",
    "DEM": "德国马克", "DKK": "丹麦克朗", "HKD": "港元", "JPY": "日元", "EUR": "欧元", "GBP": "英镑", "USD": "美元",
}  # fmt: skip
