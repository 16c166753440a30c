"""How a source computes the digests by which its rows are verified: from its own data, by the published rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import FieldType
from xinqiao.plumbing.settings import content_dir


def spelled(item: str, row: Mapping[str, object]) -> dict[str, str]:
    """A stored row in the spelling of a delivery: money in yuan, months without a day, yes and no in words."""
    fields = load_catalogue(content_dir()).item(item).fields
    return {f.code: _spelled(f.type, row[f.code]) for f in fields if row.get(f.code) is not None and not f.personal}


def _spelled(kind: FieldType, value: object) -> str:
    if kind is FieldType.MONEY:
        return f"{Decimal(str(value)) / 100:.2f}"
    if kind is FieldType.MONTH:
        return str(value)[:7]
    if kind is FieldType.BOOLEAN:
        return "是" if value else "否"
    return str(value)


def claims(item: str, rows: Iterable[Mapping[str, str]]) -> list[str]:
    """Sorted SHA-256 of each row as canonical JSON: dates ISO, months their first day, money in fen, nothing empty."""
    fields = {f.code: f for f in load_catalogue(content_dir()).item(item).fields if not f.personal}

    def value(code: str, text: str) -> object:
        kind = fields[code].type
        if kind is FieldType.MONEY:
            return int(Decimal(text) * 100)
        if kind is FieldType.INTEGER:
            return int(text)
        if kind is FieldType.BOOLEAN:
            return text == "是"
        if kind is FieldType.MONTH:
            return f"{text[:4]}-{text[-2:]}-01"
        return text

    plain = [{code: value(code, text) for code, text in row.items() if code in fields and text} for row in rows]
    texts = [json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")) for row in plain]
    return sorted(hashlib.sha256(text.encode()).hexdigest() for text in texts)
