"""Writing the lake: every change of the register is one transaction with its evidence entry."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain

import pyarrow as pa
from django.db import transaction
from django.db.models import Q

from xinqiao.catalogue.types import Item
from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import sha256_hex, sm3_hex
from xinqiao.records.lake import lake
from xinqiao.records.models import LakeFile
from xinqiao.records.queries import read_span, span_cuts
from xinqiao.records.sealing import seal_table
from xinqiao.records.types import (
    FILE_REGISTERED,
    FILE_WITHDRAWN,
    FILES_COMPACTED,
    BatchNotVisible,
    FileFacts,
    FileKind,
)

ROWS_PER_BUCKET = 400_000


def write_file(
    item: Item, table: pa.Table, *, batch: str, kind: FileKind = FileKind.DELIVERY, now: datetime
) -> FileFacts:
    """Write a batch's rows, personal values sealed, sorted by enterprise; invisible until :func:`register_file`."""
    order = [("_enterprise", "ascending"), ("_row", "ascending")]
    parts = [table.sort_by(order)]
    facts = write_parts(item, parts, batch=batch, kind=kind, now=now, rows=table.num_rows)
    assert facts is not None
    return facts


def write_parts(
    item: Item,
    parts: Iterable[pa.Table],
    *,
    batch: str,
    kind: FileKind = FileKind.DELIVERY,
    now: datetime,
    rows: int,
) -> FileFacts | None:
    """The same for rows that come in tables, sorted by enterprise and row also across them; None when none come.

    One table at a time is in memory. ``rows`` is about how many there are in all.
    """
    sealed = (seal_table(item, part, now=now) for part in parts)
    first = next(sealed, None)
    if first is None:
        return None
    path = f"{item.code}/{kind}/{batch}-{secrets.token_hex(3)}.parquet"
    return lake().write_parts(chain([first], sealed), path, rows=rows)


def register_file(item: str, facts: FileFacts, *, batch: str, kind: FileKind, actor: str, now: datetime) -> None:
    """Make a written file visible. Call inside the transaction of the delivery it belongs to."""
    LakeFile.objects.create(item=item, batch=batch, kind=kind, registered_at=now, **_columns(facts))
    record(FILE_REGISTERED, actor=actor, subject=batch, body=_body(item, facts, batch, kind), now=now)


def _columns(facts: FileFacts) -> dict[str, object]:
    return {
        "path": facts.path,
        "row_count": facts.rows,
        "size_bytes": facts.size,
        "sha256": facts.sha256,
        "sm3": facts.sm3,
        "first_enterprise": facts.first_enterprise,
        "last_enterprise": facts.last_enterprise,
        "first_recorded_at": facts.first_recorded_at,
    }


def _body(item: str, facts: FileFacts, batch: str, kind: FileKind) -> dict[str, object]:
    return {
        "item": item,
        "path": facts.path,
        "rows": facts.rows,
        "sha256": facts.sha256,
        "sm3": facts.sm3,
        "batch": batch,
        "kind": str(kind),
    }


def withdraw_batch(batch: str, *, actor: str, now: datetime) -> int:
    """Take a batch's files out of every view known from now on; earlier as-of views keep them.

    Call inside the transaction that undoes the delivery. Raises BatchNotVisible when none stands. Returns the
    number of rows withdrawn.
    """
    files = list(LakeFile.objects.select_for_update().filter(batch=batch, withdrawn_at=None, replaced_at=None))
    if not files:
        raise BatchNotVisible(batch=batch)
    for entry in files:
        entry.withdrawn_at = now
        entry.save(update_fields=["withdrawn_at"])
        body = {"item": entry.item, "path": entry.path, "batch": batch}
        record(FILE_WITHDRAWN, actor=actor, subject=batch, body=body, now=now)
    return sum(entry.row_count for entry in files)


def compact(item: Item, *, older_than: timedelta, actor: str, now: datetime) -> int:
    """Merge an item's files into buckets by enterprise; returns how many files were merged (0 = nothing to do).

    Files younger than ``older_than`` stay as they are, because their delivery can still be undone. Rows keep
    their batch and time, so every as-of view gives the same answer before and after. Personal values that were stored
    before they were sealed are sealed on the way. Each bucket is a span of codes, and one at a time is in memory.
    """
    standing = Q(item=item.code, replaced_at=None, withdrawn_at=None, registered_at__lte=now - older_than)
    files = list(LakeFile.objects.filter(standing).order_by("id"))
    merged_before = all(entry.kind == FileKind.BUCKET for entry in files)
    if len(files) < 2 or (merged_before and not any(field.personal for field in item.fields)):
        return 0
    merged = f"compact-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    written = list(_write_buckets(item, files, merged, now))
    with transaction.atomic():
        paths = [entry.path for entry in files]
        replaced = LakeFile.objects.filter(standing, path__in=paths).update(replaced_at=now)
        if replaced != len(files):  # a delivery was undone while its rows were being merged
            transaction.set_rollback(True)
            return 0
        for facts in written:
            columns = {"item": item.code, "batch": merged, "kind": FileKind.BUCKET, "registered_at": now}
            LakeFile.objects.create(**columns, **_columns(facts))
        outputs = [_body(item.code, facts, merged, FileKind.BUCKET) for facts in written]
        body = {"item": item.code, "inputs": sorted(paths), "outputs": outputs}
        record(FILES_COMPACTED, actor=actor, subject=merged, body=body, now=now)
    return len(files)


def _write_buckets(item: Item, files: Sequence[LakeFile], batch: str, now: datetime) -> Iterator[FileFacts]:
    order = [(name, "ascending") for name in ("_enterprise", "_recorded_at", "_batch", "_row")]
    cuts = span_cuts(files, ROWS_PER_BUCKET)
    for number, (first, below) in enumerate(zip([None, *cuts], [*cuts, None], strict=True)):
        rows = read_span(files, item, first, below)
        if rows.num_rows:
            rows = seal_table(item, rows, now=now).sort_by(order)
            yield lake().write(rows, f"{item.code}/bucket/{batch}-{number:03d}.parquet")


def remove_unregistered(*, older_than: timedelta, now: datetime) -> list[str]:
    """Delete files that no transaction registered (a process died between writing and registering)."""
    registered = set(LakeFile.objects.filter(removed_at=None).values_list("path", flat=True))
    removed = []
    for path, changed in lake().list_files():
        if path not in registered and changed <= now - older_than:
            lake().remove(path)
            removed.append(path)
    return removed


def audit_files() -> list[str]:
    """Registered files whose bytes are gone or changed, as sentences; an empty list is a clean lake."""
    faults = []
    for entry in LakeFile.objects.filter(removed_at=None).order_by("id").iterator():
        try:
            data = lake().read_bytes(entry.path)
        except OSError:
            faults.append(f"{entry.path}: 文件不存在")
            continue
        if sha256_hex(data) != entry.sha256 or sm3_hex(data) != entry.sm3:
            faults.append(f"{entry.path}: 摘要不符")
    return faults
