"""What an item looks like in storage, in the API and in words: all derived from its declaration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from xinqiao.catalogue.types import Field, FieldType, Item
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex

MONEY = pa.int64()
_ARROW: dict[FieldType, pa.DataType] = {
    FieldType.USCC: pa.string(),
    FieldType.TEXT: pa.string(),
    FieldType.CODE: pa.string(),
    FieldType.DATE: pa.date32(),
    FieldType.MONTH: pa.date32(),
    FieldType.INTEGER: pa.int64(),
    FieldType.MONEY: MONEY,
    FieldType.CHOICE: pa.string(),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.DIVISION: pa.string(),
}
_JSON: dict[FieldType, dict[str, Any]] = {
    FieldType.DATE: {"type": "string", "format": "date"},
    FieldType.MONTH: {"type": "string", "pattern": r"^\d{4}-\d{2}$"},
    FieldType.INTEGER: {"type": "integer"},
    FieldType.MONEY: {"type": "string", "description": "元，至多两位小数"},
    FieldType.BOOLEAN: {"type": "boolean"},
}


def arrow_type(fld: Field) -> pa.DataType:
    """Stored type of a one-column field: money int64 fen, month date32 of its first day."""
    if fld.type is FieldType.DECIMAL:
        return pa.decimal128(18, fld.scale)
    return _ARROW[fld.type]


def arrow_fields(fld: Field) -> list[pa.Field]:
    """The stored columns of a field; capital is an amount in 1/100 of its currency and an ISO 4217 code."""
    if fld.type is FieldType.CAPITAL:
        amount, currency = fld.columns
        return [pa.field(amount, MONEY), pa.field(currency, pa.string())]
    return [pa.field(fld.code, arrow_type(fld))]


def arrow_schema(item: Item) -> pa.Schema:
    """Parquet schema of an item's own columns, in the order of its declaration."""
    return pa.schema([column for fld in item.fields for column in arrow_fields(fld)])


def index_column(fld: Field) -> str:
    """The stored column that stands for a personal field where equality counts: its values are sealed."""
    return f"{fld.code}_index"


def indexed_fields(item: Item) -> tuple[Field, ...]:
    """Personal fields that are part of the key, so that a later row is known to be about the same."""
    return tuple(f for f in map(item.field, item.key) if f.personal)


def key_columns(item: Item) -> tuple[tuple[str, str], ...]:
    """The stored columns of the key, each with the one that stands in where it is null.

    A personal field counts by its index; rows stored before values were sealed have none, and count by their value.
    """
    fields = map(item.field, item.key)
    return tuple((index_column(f) if f.personal else column, column) for f in fields for column in f.columns)


def row_ref(item: Item, row: Mapping[str, object]) -> str:
    """By what a row is known outside: 32 hex digits of its item and stored key, equal for all its versions.

    The row is as stored: a personal field of the key counts by its index, so the reference tells nothing of it.
    """
    key = [str(row[first] if row.get(first) is not None else row.get(other)) for first, other in key_columns(item)]
    return sha256_hex(canonical_bytes([item.code, row["_enterprise"], *key]))[:32]


def json_schema(item: Item) -> dict[str, Any]:
    """JSON schema (2020-12) of one delivered row, as the API accepts it: every value in its written spelling."""
    properties: dict[str, Any] = {}
    for fld in item.fields:
        spec = dict(_JSON.get(fld.type, {"type": "string"}))
        if fld.choices:
            spec["enum"] = list(fld.choices)
        spec["title"] = fld.name
        properties[fld.code] = spec
    return {
        "title": item.name,
        "type": "object",
        "properties": properties,
        "required": [f.code for f in item.fields if f.required],
        "additionalProperties": False,
    }


def consent_wording(item: Item, *, english: bool = False) -> str:
    """The line of an authorisation that names this item: what it holds and who provides it."""
    shown = [f for f in item.fields if f.role is None][:4]
    if english:
        return f"{item.name_en} ({', '.join(f.name_en for f in shown)}), provided by {item.department.name_en}"
    return f"{item.name}（{'、'.join(f.name for f in shown)}等），由{item.department.name}提供"


def described(item: Item) -> dict[str, Any]:
    """An item as programs and other nodes read it, with the JSON schema of its rows."""
    return {
        "code": item.code,
        "list_code": item.list_code,
        "name": item.name,
        "name_en": item.name_en,
        "provider": item.department.code,
        "method": str(item.method),
        "openness": str(item.openness),
        "row_schema": json_schema(item),
    }
