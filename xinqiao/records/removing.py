"""Rows whose term of retention has ended are deleted with their bytes; nothing else of the lake changes."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import pyarrow as pa
from django.db import transaction

from xinqiao.catalogue.schema import key_columns, row_ref
from xinqiao.catalogue.types import Item
from xinqiao.evidence.actions import record
from xinqiao.records.lake import lake
from xinqiao.records.models import LakeFile
from xinqiao.records.types import ROWS_REMOVED, FileFacts, FileKind

YOUNG = timedelta(hours=24)  # a delivery that can still be undone stays as it is


def all_rows(item: Item, columns: Collection[str], *, prefix: str, now: datetime) -> list[Mapping[str, object]]:
    """Some columns of every row of an item that the lake holds, with ``_ref``; superseded and withdrawn versions too.

    Of enterprises whose code begins with ``prefix``.
    """
    found: list[Mapping[str, object]] = []
    for entry in _files(item, now):
        rows = _read(entry, item, columns, prefix)
        found += [{**row, "_ref": row_ref(item, row)} for row in rows.to_pylist()]
    return found


def remove_rows(item: Item, refs: Collection[str], *, prefix: str, cause: str, actor: str, now: datetime) -> int:
    """Delete every version of these rows, bytes and all; returns how many there were.

    Files that held one are written anew without them, so that every view of what stays is as it was. The entry of
    evidence names the files and counts; it holds nothing of the rows.
    """
    wanted, gone = set(refs), 0
    outputs: list[tuple[LakeFile, FileFacts]] = []
    inputs: list[LakeFile] = []
    for entry in _files(item, now):
        rows = _read(entry, item, (), prefix)
        doomed = {
            (row["_enterprise"], row["_batch"], row["_row"]) for row in rows.to_pylist() if row_ref(item, row) in wanted
        }
        if not doomed:
            continue
        gone, inputs = gone + len(doomed), [*inputs, entry]
        kept = _without(lake().read(entry.path), doomed)
        if entry.replaced_at is None and kept.num_rows:
            path = f"{item.code}/bucket/retention-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}.parquet"
            outputs.append((entry, lake().write(kept, path)))
    if inputs:
        _register(item, inputs, outputs, {"rows": gone, "cause": cause}, actor, now)
    return gone


def _files(item: Item, now: datetime) -> list[LakeFile]:
    files = LakeFile.objects.filter(item=item.code, removed_at=None, registered_at__lte=now - YOUNG)
    return list(files.exclude(kind=FileKind.RUN).order_by("id"))


def _read(entry: LakeFile, item: Item, columns: Collection[str], prefix: str) -> pa.Table:
    if entry.last_enterprise < prefix or entry.first_enterprise[: len(prefix)] > prefix:
        return pa.table({})
    there = set(lake().column_names(entry.path))
    names = ["_enterprise", "_batch", "_row", *(c for pair in key_columns(item) for c in pair), *columns]
    table = lake().columns(entry.path, [name for name in dict.fromkeys(names) if name in there])
    codes = table.column("_enterprise").to_pylist()
    return table.filter(pa.array([code.startswith(prefix) for code in codes], pa.bool_()))


def _without(table: pa.Table, doomed: set[tuple[object, object, object]]) -> pa.Table:
    places = zip(*(table.column(name).to_pylist() for name in ("_enterprise", "_batch", "_row")), strict=True)
    return table.filter(pa.array([place not in doomed for place in places], pa.bool_()))


def _register(
    item: Item,
    inputs: list[LakeFile],
    outputs: list[tuple[LakeFile, FileFacts]],
    body: Mapping[str, object],
    actor: str,
    now: datetime,
) -> None:
    """The new files in the place of the old ones, in one transaction; then the old bytes go."""
    with transaction.atomic():
        numbers = [entry.id for entry in inputs]
        LakeFile.objects.filter(id__in=numbers).update(removed_at=now)
        LakeFile.objects.filter(id__in=numbers, replaced_at=None).update(replaced_at=now)
        for entry, facts in outputs:
            LakeFile.objects.create(
                item=item.code, batch=entry.batch, kind=FileKind.BUCKET, path=facts.path, row_count=facts.rows,
                size_bytes=facts.size, sha256=facts.sha256, sm3=facts.sm3, first_enterprise=facts.first_enterprise,
                last_enterprise=facts.last_enterprise, first_recorded_at=facts.first_recorded_at, registered_at=now,
                withdrawn_at=entry.withdrawn_at,
            )  # fmt: skip
        names = ("path", "rows", "sha256", "sm3")
        said: dict[str, object] = {"item": item.code, "inputs": sorted(entry.path for entry in inputs)}
        said["outputs"] = [{name: getattr(facts, name) for name in names} for _, facts in outputs]
        record(ROWS_REMOVED, actor=actor, subject=item.code, body=said | dict(body), now=now)
    for entry in inputs:
        lake().remove(entry.path)
