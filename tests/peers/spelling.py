"""How a source computes the digests by which its rows are verified: from its own data, by the published rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import FieldType
from xinqiao.plumbing.settings import content_dir


def claims(item: str, rows: Iterable[Mapping[str, str]]) -> list[str]:
    """Sorted SHA-256 of each row as canonical JSON: dates ISO, months their first day, money in fen, nothing empty."""
    fields = {f.code: f for f in load_catalogue(content_dir()).item(item).fields if not f.personal}

    def value(code: str, text: str) -> object:
        kind = fields[code].type
        if kind is FieldType.MONEY:
            return int(Decimal(text) * 100)
        if kind is FieldType.INTEGER:
            return int(text)
        if kind is FieldType.MONTH:
            return f"{text[:4]}-{text[-2:]}-01"
        return text

    plain = [{code: value(code, text) for code, text in row.items() if code in fields and text} for row in rows]
    texts = [json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")) for row in plain]
    return sorted(hashlib.sha256(text.encode()).hexdigest() for text in texts)
