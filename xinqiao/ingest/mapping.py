"""Which column of a file is which field: by remembered choice, by name, by alias."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from xinqiao.catalogue.types import Field, Item
from xinqiao.ingest.types import ColumnsMissing
from xinqiao.kernel.errors import Phrase, Problem


def fold(header: str) -> str:
    """A header without what departments vary: width, case, spaces, underscores, brackets."""
    text = unicodedata.normalize("NFKC", header).casefold()
    return "".join(ch for ch in text if ch not in " _-*()[]（）　\t\r\n")


def map_columns(item: Item, headers: Sequence[str], remembered: Mapping[str, str]) -> dict[str, str]:
    """Field code → header. ``remembered`` (header → field code) goes first; raises ColumnsMissing with all gaps."""
    known = {fold(name): f.code for f in reversed(item.fields) for name in _names(f)}
    chosen: dict[str, str] = {}
    for header in headers:
        code = remembered.get(header) or known.get(fold(header))
        if code and code not in chosen:
            chosen[code] = header
    missing = [f for f in item.fields if f.required and f.code not in chosen]
    if missing:
        raise ColumnsMissing([_gap(f, headers) for f in missing])
    return chosen


def _names(fld: Field) -> tuple[str, ...]:
    return (fld.code, fld.name, fld.name_en, *fld.aliases)


def _gap(fld: Field, headers: Sequence[str]) -> Problem:
    found = tuple(headers) or (Phrase("（没有表头）"),)
    message = Phrase("缺少“{field}”；文件里有：{headers}", field=fld.name, headers=found)
    return Problem(field=fld.code, code="column.missing", message=message)
