"""The ripple of a correction: everybody who was told what is now known to be wrong is found and told so.

Each answer given in the time of the error is made again, once as it was given and once as it would have been had the
record been right. Where the two differ, its recipient was told something wrong; the difference is what it is told now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from django.db import transaction

from xinqiao.catalogue.schema import row_ref
from xinqiao.catalogue.types import Item
from xinqiao.consent.types import Form
from xinqiao.corrections import queries
from xinqiao.corrections.differing import Change, differences
from xinqiao.corrections.models import CorrectionRow, NoticeRow
from xinqiao.corrections.types import CORRECTION_SENT, RIPPLED, Changed, NoticeState
from xinqiao.evaluation.types import Document
from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import beijing_day
from xinqiao.parties.queries import get_organisation
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.records.queries import read_enterprise, stored_schema
from xinqiao.records.supposed import Supposed
from xinqiao.release.correcting import tell_correction
from xinqiao.release.replaying import answered_lines, refs_of, replay
from xinqiao.release.types import Access, Recipient
from xinqiao.sharing.queries import item_ever
from xinqiao.vault.sealing import seal
from xinqiao.webhooks.actions import tell

ACTOR = "system:corrections"


@dataclass(frozen=True, slots=True)
class Reached:
    """An answer that was wrong, and how it differs from what is right; a kept document's difference is not known."""

    access: Access
    changes: tuple[Change, ...]


def start_correction(changed: Changed, *, now: datetime) -> None:
    """Note that a record was put right; whom that reaches is found soon after. Call in the change's transaction."""
    CorrectionRow.objects.create(
        kind=changed.kind,
        cause=changed.cause,
        enterprise=changed.enterprise,
        item=changed.item,
        wrong_from=changed.wrong_from,
        corrected_at=now,
        refs=list(changed.refs),
        batches=list(changed.batches),
    )


def reach(correction: CorrectionRow) -> Iterator[Reached]:
    """The answers to others that a correction changes, in order of time."""
    enterprise, item = correction.enterprise, item_ever(correction.item)
    supposed = _supposed(correction, enterprise, item)
    lines = answered_lines(
        enterprise=enterprise, since=correction.wrong_from, until=correction.corrected_at, outside=True
    )
    for line in lines:
        if line.purpose == "correction" or not _may_rest_on(line, item):
            continue
        if line.scope == "derived":
            refs = refs_of(line.id)
            if not refs or set(refs) & {*correction.refs, *_right_refs(supposed, item)}:
                yield Reached(line, ())
            continue
        found = differences(replay(line.id), replay(line.id, supposed=supposed))
        if found:
            yield Reached(line, tuple(found))


def _may_rest_on(line: Access, item: Item) -> bool:
    """Whether an answer can hold anything of an item: it was asked for, or an evaluation stood in the answer."""
    return item.code in line.items or (line.form is not Form.VERIFY and line.scope in ("", "evaluation"))


def _supposed(correction: CorrectionRow, enterprise: str, item: Item) -> Supposed:
    """The records had they been right: without the rows that were wrong, with those that are right since then."""
    table = read_enterprise(enterprise, [item], known=correction.corrected_at)[item.code]
    batches = set(correction.batches)
    right = [r for r in table.to_pylist() if r["_batch"] in batches and r["_op"] == "put"]
    since = [{**row, "_recorded_at": correction.wrong_from} for row in right]
    rows = pa.Table.from_pylist(since, schema=stored_schema(item))
    refs = frozenset({*correction.refs, *(row_ref(item, row) for row in right)})
    return Supposed(enterprise, item.code, refs, correction.wrong_from, rows)


def _right_refs(supposed: Supposed, item: Item) -> set[str]:
    return {row_ref(item, row) for row in supposed.rows.to_pylist()}


def ripple(correction: int, *, now: datetime) -> int:
    """Find and tell everybody; a correction that was dealt with is left alone. Returns how many answers were wrong.

    Each notice is a transaction of its own, so a run that dies in between goes on where it stopped.
    """
    row = CorrectionRow.objects.filter(id=correction, rippled_at=None).first()
    if row is None:
        return 0
    told = set(NoticeRow.objects.filter(correction=row).values_list("access", flat=True))
    found = list(reach(row))
    for one in found:
        if one.access.id not in told:
            dispatch(row, one, now=now)
    _finish(row, found, now)
    return len(found)


@transaction.atomic
def dispatch(correction: CorrectionRow, reached: Reached, *, now: datetime) -> None:
    """Tell one recipient that an answer does not hold, with what changes as far as it may still know, and until when to
    acknowledge; durable with its evidence before it can be read."""
    access = reached.access
    due = work_calendar().add(beijing_day(now), queries.acknowledge_workdays()).on
    document: Document = {
        "v": 1,
        "kind": correction.kind,
        "cause": correction.cause,
        "enterprise": correction.enterprise,
        "item": correction.item,
        "answer": access.id,
        "answered_at": access.at.isoformat(),
        "corrected_at": correction.corrected_at.isoformat(),
        "acknowledge_by": due.isoformat(),
        "changes": [change.as_json() for change in reached.changes],
    }
    recipient = Recipient.of(get_organisation(access.recipient_code))
    answer = tell_correction(recipient, access, document, actor=ACTOR, now=now)
    text = canonical_bytes(answer.document["changes"]).decode()
    [sealed] = seal([queries.sealing_of(correction.enterprise, correction.cause, access.id, value=text)], now=now)
    notice = NoticeRow.objects.create(
        correction=correction, recipient=access.recipient_code, recipient_name=access.recipient_name, access=access.id,
        accessed_at=access.at, changes_sealed=sealed, state=NoticeState.SENT, sent_at=now, due_on=due,
        entry=answer.access.entry,
    )  # fmt: skip
    body = {
        "cause": correction.cause,
        "recipient": access.recipient_code,
        "answer": access.id,
        "told": answer.access.id,
    }
    record(CORRECTION_SENT, actor=ACTOR, subject=correction.enterprise, body=body, now=now)
    data = {"correction": str(notice.id), "access": access.id}
    tell(access.recipient_code, "correction.sent", about=f"correction-{notice.id}", data=data, now=now)


@transaction.atomic
def _finish(correction: CorrectionRow, found: list[Reached], now: datetime) -> None:
    correction.rippled_at = now
    correction.recipients = len({one.access.recipient_code for one in found})
    correction.save(update_fields=["rippled_at", "recipients"])
    lines = [one.access.id for one in found]
    body = {"cause": correction.cause, "answers": len(lines), "answers_sha256": sha256_hex(canonical_bytes(lines))}
    record(RIPPLED, actor=ACTOR, subject=correction.enterprise, body=body, now=now)


def ripple_waiting(*, now: datetime) -> int:
    """Every correction whose ripple has not been dealt with; returns how many answers were wrong in all."""
    waiting = CorrectionRow.objects.filter(rippled_at=None).order_by("id").values_list("id", flat=True)
    return sum(ripple(number, now=now) for number in list(waiting))
