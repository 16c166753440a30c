"""Receive, undo and retract. A delivery becomes visible in one transaction with its evidence, or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc
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
from xinqiao.ingest.checks import PROBLEMS, Checked, Part, check, read_part, repair_groups, settle
from xinqiao.ingest.identify import identify
from xinqiao.ingest.keeping import keep_rows
from xinqiao.ingest.mapping import IDENTIFYING, Columns, identifying_columns, map_columns
from xinqiao.ingest.models import ColumnMapping, Delivery, RowMatch
from xinqiao.ingest.queries import as_outcome, get_delivery, groups_sealing, remembered_mapping
from xinqiao.ingest.reading import RawTable, read_table
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
from xinqiao.records.actions import register_file, withdraw_batch, write_file
from xinqiao.records.queries import knows_batch
from xinqiao.records.types import FileFacts, FileKind, Op
from xinqiao.subjects.queries import find_register
from xinqiao.subjects.rules import MODEL
from xinqiao.vault.sealing import seal

READERS = 4


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as handed in: its name and bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Read:
    """A delivered file, its columns read; its rows are numbered on from those of the ``before`` files."""

    raw: RawTable
    mapping: dict[str, str]
    part: Part
    before: int
    found: tuple[Unidentified, ...] = ()
    identifying: Columns = field(default_factory=dict)

    @property
    def ignored(self) -> list[str]:
        """Headers that no field takes and no subject is found by."""
        taken = {*self.mapping.values(), *self.identifying.values()}
        return [h for h in self.raw.headers if self.mapping and h not in taken]


def receive(
    item: Item,
    uploads: Sequence[Upload],
    *,
    provider: str,
    actor: str,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
) -> Outcome:
    """Take in one delivery of one or more files of an item.

    ``mapping`` (header → field code) is remembered for this provider. Good rows are accepted, the others kept
    for repair. The same bytes delivered again change nothing and answer the first outcome, ``repeated``.
    Raises NotYourItem, UnreadableFile or ColumnsMissing before anything is stored.
    """
    if provider != item.department.code:
        raise NotYourItem(item=item.name, department=item.department.name)
    if not uploads:
        raise UnreadableFile([Problem(field="files", code="file", message=Phrase("没有选择文件"))])
    content = sha256_hex(b"".join(bytes.fromhex(sha256_hex(u.data)) for u in uploads))
    earlier = Delivery.objects.filter(item=item.code, provider=provider, content_sha256=content, undone_at=None)
    if found := earlier.exclude(status=DeliveryStatus.EMPTY).first():
        return as_outcome(found, now=now, repeated=True)
    chosen = {**remembered_mapping(provider, item.code), **(mapping or {})}
    reads, checked = read_uploads(item, uploads, chosen, now)
    delivery = new_number(now)
    accepted = with_system_columns(item, checked.accepted, delivery, now)
    facts = write_file(item, accepted, batch=delivery, now=now) if accepted.num_rows else None
    entry = _delivery_row(item, reads, checked, uploads, delivery, content, provider, actor, now)
    found = _still_open(reads, checked)
    with transaction.atomic():
        if mapping:
            _remember(item, mapping, provider, actor, now)
        _commit(entry, item, facts, found, actor, now)
    return as_outcome(entry, now=now)


def _still_open(reads: Sequence[_Read], checked: Checked) -> list[Unidentified]:
    """Rows found by name that were accepted, or wait; one with another fault comes back and is found again then."""
    accepted = set(checked.accepted.column("_row").to_pylist()) if any(r.found for r in reads) else set()
    standing = accepted | checked.waiting_rows
    return [one for r in reads for one in r.found if one.row in standing]


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


def read_uploads(
    item: Item, uploads: Sequence[Upload], chosen: Mapping[str, str], now: datetime
) -> tuple[list[_Read], Checked]:
    """Read the files side by side, then check all their rows against each other as one delivery."""
    context, register = check_context(now), find_register()

    def read(raw: RawTable, before: int) -> _Read:
        columns = map_columns(item, raw.headers, chosen) if raw.delivered else {}
        identifying = identifying_columns(raw.headers, chosen)
        rows = pc.add(raw.row_numbers, pa.scalar(before, pa.int32()))
        known = identify(item, raw.table, columns, identifying, rows, register) if register and columns else None
        part = read_part(item, raw.table, columns, rows, context, known)
        return _Read(raw, columns, part, before, known.found if known else (), identifying if register else {})

    with ThreadPoolExecutor(READERS, thread_name_prefix="read") as pool:
        raws = list(pool.map(lambda upload: read_table(upload.name, upload.data), uploads))
        starts = accumulate((raw.delivered for raw in raws[:-1]), initial=0)
        reads = list(pool.map(read, raws, starts))
    return reads, _with_misfits(settle(item, [r.part for r in reads]), reads)


def _with_misfits(checked: Checked, reads: Sequence[_Read]) -> Checked:
    """Lines that do not fit their header are returned like any other faulty row."""
    misfits = [(m.row + r.before, m.text[:200]) for r in reads for m in r.raw.misfits]
    if not misfits:
        return checked
    rows, texts = zip(*misfits, strict=True)
    fixed = [pa.array([text] * len(rows)) for text in ("", "row.columns")]
    lines = pa.table([pa.array(rows, pa.int32()), *fixed, pa.array(texts)], schema=PROBLEMS)
    problems = pa.concat_tables([checked.problems, lines])
    return replace(checked, problems=problems, returned_rows=checked.returned_rows | set(rows))


def _delivery_row(
    item: Item,
    reads: Sequence[_Read],
    checked: Checked,
    uploads: Sequence[Upload],
    delivery: str,
    content: str,
    provider: str,
    actor: str,
    now: datetime,
) -> Delivery:
    problems = checked.problems
    delivered = sum(r.raw.delivered for r in reads)
    returned, waiting = len(checked.returned_rows), len(checked.waiting_rows)
    flagged = pc.sum(pc.is_valid(checked.accepted.column("_flags"))).as_py() or 0
    files = [
        {
            "name": u.name,
            "sha256": sha256_hex(u.data),
            "rows": r.raw.delivered,
            "stored": inbox.keep_file(delivery, n, u.data, now=now),
        }
        for n, (u, r) in enumerate(zip(uploads, reads, strict=True))
    ]
    return Delivery(
        id=delivery,
        item=item.code,
        provider=provider,
        actor=actor,
        status=status_of(delivered, returned, waiting),
        received_at=now,
        files=json.dumps(files, ensure_ascii=False),
        content_sha256=content,
        mapping=json.dumps([r.mapping for r in reads], ensure_ascii=False),
        delivered=delivered,
        accepted=delivered - returned - waiting,
        waiting=waiting,
        returned=returned,
        flagged=flagged,
        groups_sealed=seal([groups_sealing(delivery, repair_groups(item, problems))], now=now)[0],
        ignored_columns=json.dumps(sorted({h for r in reads for h in r.ignored}), ensure_ascii=False),
        problems_path=inbox.keep_problems(delivery, problems, now=now) if problems.num_rows else "",
    )


def _commit(
    entry: Delivery, item: Item, facts: FileFacts | None, found: Sequence[Unidentified], actor: str, now: datetime
) -> None:
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
        register_file(item.code, facts, batch=entry.id, kind=FileKind.DELIVERY, actor=actor, now=now)


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
    keyed = _key_only(item, names)
    checked = check(keyed, table, {n: n for n in names}, pa.array(range(1, len(keys) + 1), pa.int32()), context)
    raise_problems(keyed, checked)
    batch = new_number(now)
    rows = as_stored(item, checked.accepted, batch, Op.RETRACT, now)
    facts = write_file(item, rows, batch=batch, kind=FileKind.RETRACTION, now=now)
    with transaction.atomic():
        body = {"item": item.code, "batch": batch, "rows": rows.num_rows, "reason": reason}
        record(RETRACTED, actor=actor, subject=provider, body=body, now=now)
        register_file(item.code, facts, batch=batch, kind=FileKind.RETRACTION, actor=actor, now=now)
    return rows.num_rows


def _key_only(item: Item, names: Sequence[str]) -> Item:
    return replace(item, fields=tuple(replace(item.field(n), required=True) for n in names))
