"""Registrations in the layout of the real feed, as the skeleton of a sample.

Only district, entity class, type, capital and dates are taken. Names, codes, streets and scopes are invented
again, because the penalties and arrears of a sample must never hang on a real enterprise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from xinqiao.catalogue.sample.firms import Registered
from xinqiao.catalogue.sample.types import FirmModel
from xinqiao.catalogue.types import InvalidContent, Item
from xinqiao.kernel.errors import Problem

TAKEN = ("uscc", "registered_on", "entity_type", "capital", "city")


def read_registrations(
    folder: Path, item: Item, model: FirmModel, rng: np.random.Generator, *, firms: int, chunk: int
) -> Iterator[Registered]:
    """``firms`` registrations drawn evenly from the yearly files of a folder (all, if there are fewer), in order."""
    paths = sorted(folder.glob("*.csv.gz")) + sorted(folder.glob("*.csv"))
    if not paths:
        raise InvalidContent(
            [Problem(field=str(folder), code="sample", message=f"{folder} 中没有登记文件（*.csv.gz）")]
        )
    counts = [_read(path, item).num_rows for path in paths]
    chosen = np.sort(rng.permutation(sum(counts))[:firms])
    start = 0
    for path, count in zip(paths, counts, strict=True):
        mine = chosen[(chosen >= start) & (chosen < start + count)] - start
        start += count
        if len(mine):
            table = _read(path, item).take(pa.array(mine))
            yield from (_registered(table.slice(at, chunk), model) for at in range(0, len(mine), chunk))


def _read(path: Path, item: Item) -> pa.Table:
    """The taken columns of a file under their field codes; a heading may be any that the item knows."""
    strings = csv.ConvertOptions(strings_can_be_null=False, column_types=_all_strings(path))
    parse = csv.ParseOptions(newlines_in_values=True)
    table = csv.read_csv(path, parse_options=parse, convert_options=strings)
    columns = {}
    for code in TAKEN:
        names = (item.field(code).name, *item.field(code).aliases)
        heading = next((name for name in names if name in table.column_names), None)
        if heading is None:
            message = f"{path.name} 缺少“{item.field(code).name}”一列"
            raise InvalidContent([Problem(field=code, code="sample", message=message)])
        columns[code] = table.column(heading)
    return pa.table(columns).combine_chunks()


def _all_strings(path: Path) -> dict[str, pa.DataType]:
    """Types by heading: everything is text, as written."""
    with csv.open_csv(path, parse_options=csv.ParseOptions(newlines_in_values=True)) as reader:
        return {name: pa.string() for name in reader.schema.names}


def _registered(table: pa.Table, model: FirmModel) -> Registered:
    rows = table.combine_chunks()
    code, city, kind, capital, day = (
        rows.column(name).combine_chunks() for name in ("uscc", "city", "entity_type", "capital", "registered_on")
    )
    classes = pa.array(list(model.classes), pa.string())
    class_ = pc.fill_null(pc.index_in(pc.utf8_slice_codeunits(code, 0, 2), value_set=classes), 0)
    division = pc.utf8_slice_codeunits(code, 2, 8)
    readable = pc.match_substring_regex(division, pattern="^[0-9]{6}$")
    when = pc.strptime(day, format="%Y-%m-%d", unit="s", error_is_null=True)
    return Registered(
        class_=class_.to_numpy(zero_copy_only=False).astype(np.int64),
        division=pc.if_else(readable, division, pa.scalar(None, pa.string())),
        city=city,
        entity_type=kind,
        capital=capital,
        registered_on=when.cast(pa.date32()),
    )
