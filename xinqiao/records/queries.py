"""Reading the lake: which files make up a view, and everything about one enterprise."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from xinqiao.catalogue.schema import arrow_schema, index_column, indexed_fields, key_columns, row_ref
from xinqiao.catalogue.types import Item
from xinqiao.records.lake import AFTER_ALL, lake
from xinqiao.records.models import LakeFile
from xinqiao.records.supposed import as_supposed, standing_columns
from xinqiao.records.types import RECORDING, SYSTEM_SCHEMA, FileKind

SAMPLED = 256  # codes looked at for each span that files are parted into
PLANTED_BATCH = "planted-"  # rows the node added itself: no provider's delivery
# Files of one enterprise are read a few at a time: reading and decoding both happen outside of this interpreter.
_readers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="lake")
FEW = 64  # enterprises whose row groups are opened one by one; of more, whole columns are read
_INSTANT = pa.timestamp("us", tz="UTC")


def stored_schema(item: Item) -> pa.Schema:
    """System columns, the item's own, then the indexes of personal fields in its key."""
    indexes = [pa.field(index_column(fld), pa.string()) for fld in indexed_fields(item)]
    return pa.schema([*SYSTEM_SCHEMA, *arrow_schema(item), *indexes])


def visible_files(items: Iterable[str], *, known: datetime) -> QuerySet[LakeFile]:
    """Files whose rows may count at ``known``: registered, not replaced by a compaction, not withdrawn by then."""
    return (
        LakeFile.objects.filter(item__in=items, replaced_at=None, first_recorded_at__lte=known)
        .filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=known))
        .order_by("item", "id")
    )


@dataclass(frozen=True, slots=True)
class FileView:
    """A visible file as a Spark reader takes it; ``unique``: no key stands in it twice."""

    url: str
    unique: bool


def list_views(item: str, *, known: datetime) -> list[FileView]:
    """The visible files of an item, oldest first."""
    rows = visible_files([item], known=known).values_list("path", "kind")
    return [FileView(lake().url(path), kind in (FileKind.DELIVERY, FileKind.ANSWER)) for path, kind in rows]


def read_enterprise(
    enterprise: str, items: Iterable[Item], *, known: datetime, columns: Mapping[str, Collection[str]] | None = None
) -> dict[str, pa.Table]:
    """All recorded rows of one enterprise by item code, superseded ones included; an item without a file is absent.

    An item that has files but no row of the enterprise gives an empty table: the difference between *none*
    and *not known*. ``columns`` names by item what is read of it, besides what makes a row stand; all by default.
    """
    wanted = {item.code: item for item in items}
    schemas = {code: _read_schema(item, columns and columns[code]) for code, item in wanted.items()}
    entries = list(visible_files(wanted, known=known))

    def rows(entry: LakeFile) -> pa.Table:
        schema = schemas[entry.item]
        if not _may_hold(entry, enterprise):
            return schema.empty_table()
        return _conform(lake().read(entry.path, enterprise=enterprise, columns=schema.names), schema)

    found: dict[str, list[pa.Table]] = {}
    for entry, table in zip(entries, _readers.map(rows, entries), strict=True):
        found.setdefault(entry.item, []).append(table)
    joined = {code: as_supposed(wanted[code], enterprise, pa.concat_tables(tables)) for code, tables in found.items()}
    return {code: _known_by(table, known) for code, table in joined.items()}


def _read_schema(item: Item, columns: Collection[str] | None) -> pa.Schema:
    schema = stored_schema(item)
    if columns is None:
        return schema
    standing = standing_columns(item)
    return pa.schema([column for column in schema if column.name in standing or column.name in columns])


def _known_by(table: pa.Table, known: datetime) -> pa.Table:
    """A compacted file also holds rows recorded later."""
    return table.filter(pc.less_equal(table.column("_recorded_at"), pa.scalar(known, pa.timestamp("us", tz="UTC"))))


def _may_hold(entry: LakeFile, enterprise: str) -> bool:
    return entry.first_enterprise <= enterprise <= entry.last_enterprise


def _conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A file written under an earlier declaration, in today's columns: added ones are null, dropped ones go."""
    if table.schema.equals(schema):
        return table
    columns = [
        table.column(f.name).cast(f.type) if f.name in table.schema.names else pa.nulls(table.num_rows, f.type)
        for f in schema
    ]
    return pa.table(columns, schema=schema)


def current_rows(table: pa.Table, item: Item) -> list[dict[str, object]]:
    """The rows that stand, newest of each key, retracted ones left out; for one enterprise's handful of rows."""
    return _standing(table, item).to_pylist()  # type: ignore[no-any-return]


def rows_now(enterprise: str, item: Item, *, known: datetime) -> list[dict[str, Any]]:
    """The rows of an item that stand about an enterprise, as stored, each with its reference under ``_ref``."""
    table = read_enterprise(enterprise, [item], known=known).get(item.code)
    rows = current_rows(table, item) if table is not None else []
    return [{**row, "_ref": row_ref(item, row)} for row in rows]


def rows_as_of(table: pa.Table, item: Item, valid: date) -> pa.Table:
    """Of one enterprise's handful of rows those that stand and had occurred by the day, in the order of their keys'
    first recording."""
    standing = _standing(table, item)
    day = standing.column("_occurred_on")
    return standing.filter(pc.or_kleene(pc.is_null(day), pc.less_equal(day, pa.scalar(valid, pa.date32()))))


def _standing(table: pa.Table, item: Item) -> pa.Table:
    if not table.num_rows:
        return table
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in RECORDING]).to_pylist()
    pairs = [(table.column(first).to_pylist(), table.column(other).to_pylist()) for first, other in key_columns(item)]
    newest: dict[tuple[object, ...], int] = {}
    for row in order:
        newest[tuple(first[row] if first[row] is not None else other[row] for first, other in pairs)] = row
    found = table.take(pa.array(newest.values(), pa.int64()))
    return found.filter(pc.equal(found.column("_op"), "put"))


def standing_rows(
    item: Item, columns: Sequence[str], *, known: datetime, enterprises: Collection[str] | None = None
) -> pa.Table:
    """Columns of every row of an item that stands, with ``_batch``: newest of each key, retracted ones left out.

    ``_first_at`` is when the first row of the key was recorded. ``enterprises`` asks for the rows of these alone.
    """
    key = key_columns(item)
    names = list(dict.fromkeys([*(c for pair in key for c in pair), *columns, *RECORDING, "_op"]))
    schema = stored_schema(item)
    files = visible_files([item.code], known=known)
    if enterprises is None:
        tables = [_chosen(entry.path, names, schema) for entry in files]
    else:
        tables = list(_rows_of(files, enterprises, names, schema))
    empty = pa.schema([schema.field(n) for n in names]).empty_table()
    table = _known_by(pa.concat_tables([empty, *tables]), known)
    if not table.num_rows:
        return _with_first(table, pa.array([], _INSTANT))
    keys = [pc.coalesce(table.column(c).cast(pa.string()), table.column(o).cast(pa.string())) for c, o in key]
    joined = pc.binary_join_element_wise(*(pc.fill_null(k, "") for k in keys), "\x1f")
    place = pa.table({"key": joined, **{name: table.column(name) for name in RECORDING}})
    sorted_ = pc.sort_indices(place, sort_keys=[(name, "ascending") for name in ("key", *RECORDING)])
    ordered = joined.take(sorted_).combine_chunks()
    last, first = np.ones(len(ordered), np.bool_), np.ones(len(ordered), np.bool_)
    last[:-1] = pc.not_equal(ordered.slice(1), ordered.slice(0, len(ordered) - 1)).to_numpy(zero_copy_only=False)
    first[1:] = last[:-1]
    newest = table.take(sorted_.filter(pa.array(last)))
    began = table.column("_recorded_at").take(sorted_.filter(pa.array(first)))
    newest = _with_first(newest, began)
    return newest.filter(pc.equal(newest.column("_op"), "put"))


def _with_first(table: pa.Table, began: pa.Array) -> pa.Table:
    return table.append_column(pa.field("_first_at", _INSTANT), began)


def _rows_of(
    files: Iterable[LakeFile], enterprises: Collection[str], names: Sequence[str], schema: pa.Schema
) -> Iterator[pa.Table]:
    """Of a few enterprises their row groups, of many the columns of each file that may hold one."""
    wanted = sorted(enterprises)
    few, chosen = len(wanted) <= FEW, pa.array(wanted, pa.string())
    target = pa.schema([schema.field(n) for n in names])
    for entry in files:
        if not wanted or entry.first_enterprise > wanted[-1] or entry.last_enterprise < wanted[0]:
            continue
        if few:
            near = [firm for firm in wanted if _may_hold(entry, firm)]
            yield from (_conform(lake().read(entry.path, enterprise=firm, columns=names), target) for firm in near)
        else:
            found = _chosen(entry.path, names, schema)
            yield found.filter(pc.is_in(found.column("_enterprise"), value_set=chosen))


def is_planted(row: Mapping[str, object]) -> bool:
    """Whether the node put a row in itself, of which no source knows."""
    return str(row["_batch"]).startswith(PLANTED_BATCH)


def without_planted(table: pa.Table) -> pa.Table:
    """The rows that were delivered: what the node planted itself must not be met by an honest row or search."""
    return table.filter(pc.invert(pc.starts_with(table.column("_batch"), pattern=PLANTED_BATCH)))


def _chosen(path: str, names: Sequence[str], schema: pa.Schema) -> pa.Table:
    """Columns of a file, those that its declaration did not have yet as nulls."""
    there = set(lake().column_names(path))
    found = lake().columns(path, [n for n in names if n in there])
    rows = found.num_rows
    columns = [found.column(n) if n in there else pa.nulls(rows, schema.field(n).type) for n in names]
    return pa.table(columns, schema=pa.schema([schema.field(n) for n in names]))


def delivered_items(*, known: datetime) -> dict[str, datetime]:
    """Item code → when it was last delivered; items never delivered are absent."""
    # A compaction registers files anew: only the delivered ones say when something came.
    files = LakeFile.objects.filter(kind=FileKind.DELIVERY, registered_at__lte=known)
    standing = files.filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=known))
    rows = standing.exclude(batch__startswith=PLANTED_BATCH).values("item")
    return {row["item"]: row["last"] for row in rows.annotate(last=Max("registered_at"))}


def first_delivered(items: Iterable[str], *, known: datetime) -> dict[str, datetime]:
    """Item code → when it was first delivered; items never delivered are absent."""
    files = LakeFile.objects.filter(kind=FileKind.DELIVERY, item__in=list(items), registered_at__lte=known)
    rows = files.exclude(batch__startswith=PLANTED_BATCH).values("item")
    return {row["item"]: row["first"] for row in rows.annotate(first=Min("registered_at"))}


def answered_items(*, known: datetime) -> frozenset[str]:
    """Codes of the items of which sources answered about single enterprises, whether or not they were delivered."""
    files = LakeFile.objects.filter(kind=FileKind.ANSWER, registered_at__lte=known)
    return frozenset(files.values_list("item", flat=True).distinct())


def touched_enterprises(items: Iterable[str], *, since: datetime, most: int) -> set[str] | None:
    """Enterprises whose rows in these items changed after ``since``; None when that is too much to tell.

    That is: rows registered or withdrawn since then. None when more than ``most`` rows were, or when an item came to be
    delivered or ceased to be, because that says something of every enterprise.
    """
    files = LakeFile.objects.filter(item__in=list(items)).exclude(kind=FileKind.RUN)
    before = files.filter(registered_at__lte=since).filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=since))
    after = files.filter(withdrawn_at=None)
    if set(before.values_list("item", flat=True)) != set(after.values_list("item", flat=True)):
        return None
    changed = files.filter(Q(registered_at__gt=since) | Q(withdrawn_at__gt=since))
    if (changed.exclude(kind=FileKind.BUCKET).aggregate(rows=Sum("row_count"))["rows"] or 0) > most:
        return None
    found: set[str] = set()
    for entry in changed:
        table = lake().columns(entry.path, ["_enterprise", "_recorded_at"])
        if entry.kind == FileKind.BUCKET:  # merged since then: mostly rows from long before
            recent = pc.greater(table.column("_recorded_at"), pa.scalar(since, pa.timestamp("us", tz="UTC")))
            table = table.filter(recent)
        found |= set(table.column("_enterprise").unique().to_pylist())
    return found


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file of delivered, answered or retracted rows, and whether it was withdrawn since."""

    id: int
    item: str
    path: str
    withdrawn: bool


def register_mark(*, known: datetime) -> str:
    """Changes whenever a file of rows is registered or withdrawn by ``known``, compactions and runs apart."""
    files = LakeFile.objects.exclude(kind__in=(FileKind.RUN, FileKind.BUCKET)).filter(registered_at__lte=known)
    gone = Count("id", filter=Q(withdrawn_at__lte=known))
    facts = files.aggregate(files=Count("id"), gone=gone, last=Max("id"))
    return "{files} {gone} {last}".format(**facts)


def list_changes(*, seen: Mapping[int, bool], known: datetime) -> list[FileChange]:
    """Files of rows that are not in ``seen`` (file → whether withdrawn) as they were at ``known``, oldest first.

    What is new is told by ``seen`` alone, so that a transaction which commits late is not passed over.
    """
    files = LakeFile.objects.exclude(kind__in=(FileKind.RUN, FileKind.BUCKET)).filter(registered_at__lte=known)
    rows = files.order_by("id").values_list("id", "item", "path", "withdrawn_at")
    found = (
        FileChange(number, item, path, gone is not None and gone <= known)
        for number, item, path, gone in rows.iterator()
    )
    return [change for change in found if seen.get(change.id) != change.withdrawn]


def enterprises_in(path: str) -> pa.Array:
    """The enterprises that a file has rows of, each once."""
    return lake().columns(path, ["_enterprise"]).column(0).unique()


def standing_row_count(items: Iterable[str], *, known: datetime) -> int:
    """Rows in the files that count at ``known``, superseded ones included."""
    return int(visible_files(items, known=known).order_by().aggregate(rows=Sum("row_count"))["rows"] or 0)


def empty_cells(batch: str) -> dict[str, int]:
    """How many cells of each stored column are empty in the rows that a delivery brought."""
    counts: dict[str, int] = {}
    for path in _files_of(batch):
        for name, empty in lake().empty_cells(path).items():
            counts[name] = counts.get(name, 0) + empty
    return counts


def cells_of(batch: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of the rows that a delivery brought, file by file; a column that a file has not is left out."""
    for path in _files_of(batch):
        present = lake().empty_cells(path)
        yield lake().columns(path, [name for name in columns if name in present])


def _files_of(batch: str) -> list[str]:
    files = LakeFile.objects.filter(batch=batch, kind=FileKind.DELIVERY).order_by("id")
    return list(files.values_list("path", flat=True))


def newest_file(item: str) -> int:
    """The number of the file last registered or withdrawn of an item: changes when its records do; 0 for none."""
    files = LakeFile.objects.filter(item=item).aggregate(new=Max("id"), gone=Count("withdrawn_at"))
    return int(files["new"] or 0) * 1_000_000 + int(files["gone"])


def lake_totals() -> list[dict[str, object]]:
    """Rows, bytes and files per item that stand now, for the node's health page."""
    files = LakeFile.objects.filter(replaced_at=None, withdrawn_at=None).values("item").order_by("item")
    totals = {"rows": Sum("row_count"), "size": Sum("size_bytes"), "files": Count("id"), "last": Max("registered_at")}
    return list(files.annotate(**totals))


def read_span(entries: Sequence[LakeFile], item: Item, first: str | None, below: str | None) -> pa.Table:
    """The rows of some files about enterprises from ``first`` to before ``below``, in today's columns."""
    high = below or AFTER_ALL
    near = [e for e in entries if e.first_enterprise < high and e.last_enterprise >= (first or "")]
    tables = [_conform(lake().read_span(entry.path, first, below), stored_schema(item)) for entry in near]
    return pa.concat_tables([stored_schema(item).empty_table(), *tables])


def span_cuts(entries: Sequence[LakeFile], most: int) -> list[str]:
    """Enterprise codes that part the rows of some files into spans of about ``most`` rows each."""
    rows, step, seen = sum(e.row_count for e in entries), max(1, most // SAMPLED), 0
    samples = []
    for entry in entries:
        codes = lake().columns(entry.path, ["_enterprise"]).column(0)
        samples.append(codes.take(pa.array(range(-seen % step, len(codes), step), pa.int64())))
        seen += len(codes)
    sample = pa.chunked_array(samples, pa.string())
    ordered, spans = sample.take(pc.sort_indices(sample)), -(-rows // most)
    return sorted({ordered[len(ordered) * n // spans].as_py() for n in range(1, spans)})


def knows_batch(batch: str) -> bool:
    """Whether a batch ever had a file, standing or not."""
    return LakeFile.objects.filter(batch=batch).exists()


def last_registered_at(*, known: datetime | None = None) -> datetime | None:
    """When the register of delivered records last changed, by ``known``: a delivery, a retraction or an undo."""
    rows = LakeFile.objects.exclude(kind=FileKind.RUN)
    new, gone = (Q(registered_at__lte=known), Q(withdrawn_at__lte=known)) if known else (None, None)
    files = rows.aggregate(new=Max("registered_at", filter=new), gone=Max("withdrawn_at", filter=gone))
    moments = [moment for moment in files.values() if moment]
    return max(moments) if moments else None
