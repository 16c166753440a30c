"""Registration and the last published result of every enterprise, for whoever makes an index of them."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.evaluation.compute import REGISTRATION
from xinqiao.evaluation.queries import latest_path
from xinqiao.indicators.compute import columns_of
from xinqiao.kernel.dated import beijing_day
from xinqiao.records.lake import lake
from xinqiao.records.queries import newest_file, without_planted
from xinqiao.records.types import AsOf
from xinqiao.sharing.queries import current_list

PUBLIC = ("name", "division", "industry", "status", "registered_on")
RESULTS = ("grade", "score", "coverage", "size_class")
SCHEMA = pa.schema(
    [
        ("code", pa.string()),
        ("name", pa.string()),
        ("division", pa.string()),
        ("industry", pa.string()),
        ("status", pa.string()),
        ("registered_on", pa.date32()),
        ("grade", pa.string()),
        ("score", pa.int16()),
        ("coverage", pa.int16()),
        ("size_class", pa.string()),
    ]
)


def register_stamp(code: str = "basic") -> str:
    """What :func:`register` would be made of: changes when a run is published or registrations are delivered."""
    run, path = latest_path(code)
    return f"{run} {path} {newest_file(REGISTRATION)}"


def register(*, now: datetime, code: str = "basic") -> tuple[pa.Table, str]:
    """Every registered enterprise once, by code, with its last published result where there is one; the run's id."""
    item = current_list().item(REGISTRATION)
    table = columns_of(item, (*PUBLIC, "_batch"), AsOf(beijing_day(now), now))
    if table is None:
        return SCHEMA.empty_table(), ""
    table = without_planted(table).drop(["_batch"])
    run, path = latest_path(code)
    results = lake().columns(path, ("_enterprise", *RESULTS)) if path else None
    if results is None:
        results = pa.table({"_enterprise": pa.array([], pa.string())} | {c: pa.array([], pa.string()) for c in RESULTS})
    joined = table.join(results, "_enterprise").sort_by("_enterprise").rename_columns({"_enterprise": "code"})
    columns = [joined.column(f.name).cast(f.type) for f in SCHEMA]
    found = pa.table(columns, schema=SCHEMA)
    return found.set_column(1, "name", pc.fill_null(found.column("name"), "")), run
