"""Receive, undo and retract. A delivery becomes visible in one transaction with its evidence, or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
from django.db import transaction

from xinqiao.catalogue.types import Item
from xinqiao.evidence.actions import record
from xinqiao.ingest import inbox
from xinqiao.ingest.accepting import (
    as_stored,
    check_context,
    new_number,
    raise_problems,
    status_of,
    with_system_columns,
)
from xinqiao.ingest.checks import check
from xinqiao.ingest.intake import Intake, take_in
from xinqiao.ingest.keeping import keep_rows
from xinqiao.ingest.mapping import IDENTIFYING
from xinqiao.ingest.models import ColumnMapping, Delivery, RowMatch
from xinqiao.ingest.queries import as_outcome, get_delivery, groups_sealing, remembered_mapping
from xinqiao.ingest.reading import Upload as Upload
from xinqiao.ingest.types import (
    DELIVERED,
    MAPPED,
    RETRACTED,
    ROWS_MATCHED,
    UNDO_WINDOW,
    UNDONE,
    DeliveryStatus,
    MatchState,
    NotYourItem,
    Outcome,
    UndoClosed,
    Unidentified,
    UnreadableFile,
)
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.errors import Invalid, Phrase, Problem
from xinqiao.plumbing.ahead import one_ahead
from xinqiao.records.actions import register_file, withdraw_batch, write_file, write_parts
from xinqiao.records.queries import knows_batch
from xinqiao.records.types import FileFacts, FileKind, Op
from xinqiao.sharing.queries import check_listed
from xinqiao.subjects.rules import MODEL
from xinqiao.vault.sealing import seal


def receive(
    item: Item,
    uploads: Sequence[Upload],
    *,
    provider: str,
    actor: str,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
    about: str = "",
) -> Outcome:
    """Take in one delivery of one or more files of an item.

    ``mapping`` (header → field code) is remembered for this provider. ``about`` is the one enterprise that a source was
    asked about: its answer says nothing of any other, and is no delivery by which a deadline is kept. Good rows are
    accepted, the others kept for repair. The same bytes delivered again change nothing and answer the first outcome,
    ``repeated``.
    Raises NotYourItem, UnreadableFile or ColumnsMissing before anything is stored.
    """
    if provider != item.department.code:
        raise NotYourItem(item=item.name, department=item.department.name)
    if not uploads:
        raise UnreadableFile([Problem(field="files", code="file", message=Phrase("没有选择文件"))])
    digests = [upload.digest() for upload in uploads]
    content = sha256_hex(b"".join(map(bytes.fromhex, digests)))
    earlier = Delivery.objects.filter(item=item.code, provider=provider, content_sha256=content, undone_at=None)
    if found := earlier.exclude(status=DeliveryStatus.EMPTY).first():
        return as_outcome(found, now=now, repeated=True)
    chosen = {**remembered_mapping(provider, item.code), **(mapping or {})}
    with take_in(item, uploads, chosen, now) as intake:
        delivery = new_number(now)
        keeper = inbox.Keeper(delivery, now=now)
        facts, stored = _write(intake, uploads, delivery, keeper, now, kind=_kind(about))
        files = [
            {"name": upload.name, "sha256": digest, "rows": file.rows, "stored": path}
            for upload, digest, file, path in zip(uploads, digests, intake.files, stored, strict=True)
        ]
        entry = _delivery_row(intake, keeper, delivery, now)
    entry.provider, entry.actor, entry.about, entry.content_sha256 = provider, actor, about, content
    entry.files = json.dumps(files, ensure_ascii=False)
    with transaction.atomic():
        if mapping:
            _remember(item, mapping, provider, actor, now)
        _commit(entry, item, facts, intake.still_open(), actor, now)
    return as_outcome(entry, now=now)


def _kind(about: str) -> FileKind:
    return FileKind.ANSWER if about else FileKind.DELIVERY


def _write(
    intake: Intake, uploads: Sequence[Upload], delivery: str, keeper: inbox.Keeper, now: datetime, *, kind: FileKind
) -> tuple[FileFacts | None, list[str]]:
    """Write the accepted rows, settled a span ahead of the writing, and beside it keep the originals: their paths."""
    with ThreadPoolExecutor(1, thread_name_prefix="keep") as pool:
        kept = [pool.submit(keeper.keep_file, number, upload) for number, upload in enumerate(uploads)]
        accepted = one_ahead(intake.accepted())
        parts = (with_system_columns(intake.item, rows, delivery, now) for rows in accepted)
        facts = write_parts(intake.item, parts, batch=delivery, kind=kind, now=now, rows=intake.delivered)
        return facts, [path.result() for path in kept]


def receive_rows(item: Item, rows: Sequence[Mapping[str, str]], *, provider: str, actor: str, now: datetime) -> Outcome:
    """Take in rows handed over by a program (field code → written value), as :func:`receive` takes a file.

    Raises Invalid for a field the item does not have.
    """
    known = {fld.code for fld in (*item.fields, *IDENTIFYING)}
    unknown = sorted({name for row in rows for name in row} - known)
    if unknown:
        named = [(name, Phrase("没有字段 {field}", field=name)) for name in unknown]
        raise Invalid([Problem(field=name, code="field.unknown", message=message) for name, message in named])
    names = [fld.code for fld in item.fields]
    names += [fld.code for fld in IDENTIFYING if any(fld.code in row for row in rows)]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, restval="", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    upload = Upload("rows.csv", out.getvalue().encode("utf-8"))
    return receive(item, [upload], provider=provider, actor=actor, now=now)


def _delivery_row(intake: Intake, keeper: inbox.Keeper, delivery: str, now: datetime) -> Delivery:
    """What became of it, once every row is settled; what is wrong is kept."""
    groups = groups_sealing(delivery, intake.problems.groups(intake.item))
    ignored = sorted({header for file in intake.files for header in file.read.ignored})
    return Delivery(
        id=delivery,
        item=intake.item.code,
        status=status_of(intake.delivered, intake.returned, intake.waiting),
        received_at=now,
        mapping=json.dumps([file.read.mapping for file in intake.files], ensure_ascii=False),
        delivered=intake.delivered,
        accepted=intake.delivered - intake.returned - intake.waiting,
        waiting=intake.waiting,
        returned=intake.returned,
        flagged=intake.flagged,
        groups_sealed=seal([groups], now=now)[0],
        ignored_columns=json.dumps(ignored, ensure_ascii=False),
        problems_path=keeper.keep_problems(intake.problems.tables()),
    )


def _commit(
    entry: Delivery, item: Item, facts: FileFacts | None, found: Sequence[Unidentified], actor: str, now: datetime
) -> None:
    check_listed(item)  # the list may have changed while a large delivery was read
    entry.save(force_insert=True)
    body = {
        "delivery": entry.id,
        "item": item.code,
        "provider": entry.provider,
        "files": [f["sha256"] for f in json.loads(entry.files)],
        "delivered": entry.delivered,
        "accepted": entry.accepted,
        "returned": entry.returned,
        "flagged": entry.flagged,
        "waiting": entry.waiting,
    }
    record(DELIVERED, actor=actor, subject=entry.provider, body=body, now=now)
    if found:
        keep_rows(entry, found, now=now)
        record(ROWS_MATCHED, actor=actor, subject=entry.provider, body=_matched(entry, found), now=now)
    if facts:
        register_file(item.code, facts, batch=entry.id, kind=_kind(entry.about), actor=actor, now=now)


def _matched(entry: Delivery, found: Sequence[Unidentified]) -> dict[str, object]:
    """What was found by name: how many, by which model, and a digest of which row went to whom how probably."""
    pairs = [[o.row, o.candidates[0].code, int(o.candidates[0].probability * 1_000_000)] for o in found if o.automatic]
    return {
        "delivery": entry.id,
        "item": entry.item,
        "model": MODEL,
        "automatic": len(pairs),
        "waiting": sum(not o.automatic for o in found),
        "attached_sha256": sha256_hex(canonical_bytes(pairs)),
    }


def _remember(item: Item, mapping: Mapping[str, str], provider: str, actor: str, now: datetime) -> None:
    for header, code in mapping.items():
        if code not in {fld.code for fld in IDENTIFYING}:
            item.field(code)
        ColumnMapping.objects.update_or_create(
            provider=provider, item=item.code, header=header, defaults={"field": code, "chosen_at": now}
        )
    body = {"item": item.code, "mapping": dict(mapping)}
    record(MAPPED, actor=actor, subject=provider, body=body, now=now)


@transaction.atomic
def undo_delivery(delivery: str, *, provider: str, actor: str, now: datetime) -> Outcome:
    """Take a delivery back within 24 hours: what stood before it stands again. Raises UndoClosed."""
    entry = get_delivery(delivery, provider=provider, lock=True)
    if entry.undone_at or now > entry.received_at + UNDO_WINDOW:
        raise UndoClosed(delivery=delivery)
    rows = _withdraw_all(delivery, actor=actor, now=now)
    entry.undone_at, entry.status = now, DeliveryStatus.UNDONE
    entry.save(update_fields=["undone_at", "status"])
    record(UNDONE, actor=actor, subject=provider, body={"delivery": delivery, "rows": rows}, now=now)
    return as_outcome(entry, now=now)


def _withdraw_all(delivery: str, *, actor: str, now: datetime) -> int:
    """Withdraw a delivery's own rows and those that persons attached from it since; rows that wait wait no more."""
    matches = RowMatch.objects.filter(delivery=delivery).exclude(state=MatchState.VOID)
    attached = matches.filter(state=MatchState.ATTACHED).exclude(batch=delivery)
    batches = [delivery, *attached.values_list("batch", flat=True)]
    rows = sum(withdraw_batch(b, actor=actor, now=now) for b in batches if b != delivery or knows_batch(b))
    matches.update(state=MatchState.VOID, decided_by=actor, decided_at=now)
    return rows


def retract_rows(
    item: Item, keys: Sequence[Mapping[str, str]], *, reason: str, provider: str, actor: str, now: datetime
) -> int:
    """Withdraw the rows of these keys (field code → written value) from now on, with a reason; returns how many.

    Keys are read by the same checks as a delivery; raises Invalid with every key that cannot be read.
    """
    if provider != item.department.code:
        raise NotYourItem(item=item.name, department=item.department.name)
    names = list(dict.fromkeys([*item.key, item.subject.code]))
    table = pa.table({n: pa.array([k.get(n, "") for k in keys], pa.string()) for n in names})
    context = check_context(now)
    keyed = key_only(item, names)
    checked = check(keyed, table, {n: n for n in names}, pa.array(range(1, len(keys) + 1), pa.int32()), context)
    raise_problems(keyed, checked)
    batch = new_number(now)
    rows = as_stored(item, checked.accepted, batch, Op.RETRACT, now)
    facts = write_file(item, rows, batch=batch, kind=FileKind.RETRACTION, now=now)
    with transaction.atomic():
        check_listed(item)
        body = {"item": item.code, "batch": batch, "rows": rows.num_rows, "reason": reason}
        record(RETRACTED, actor=actor, subject=provider, body=body, now=now)
        register_file(item.code, facts, batch=batch, kind=FileKind.RETRACTION, actor=actor, now=now)
    return rows.num_rows


def key_only(item: Item, names: Sequence[str]) -> Item:
    """An item of whose rows only some fields are read, all of them required."""
    return replace(item, fields=tuple(replace(item.field(n), required=True) for n in names))
