"""What the provider finds, and what follows at once: the record put right, the mark lifted, the answer in writing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from xinqiao.catalogue.schema import row_ref
from xinqiao.catalogue.types import Item
from xinqiao.corrections.jobs import ripple_corrections
from xinqiao.corrections.rippling import start_correction
from xinqiao.corrections.types import Changed, CorrectionKind
from xinqiao.disputes import queries
from xinqiao.disputes.models import DisputeRow
from xinqiao.disputes.moving import move
from xinqiao.disputes.refusals import InvalidClaim, InvalidFinding, RowMoved, SecondLook
from xinqiao.disputes.rules import changed_fields, check_finding, check_rejection, check_words, day_begins
from xinqiao.disputes.types import ANSWERED, ASKED, FOUND, REJECTED, WHOLE, Dispute, Verdict
from xinqiao.evaluation.queries import current_score
from xinqiao.evidence.actions import record
from xinqiao.ingest.correcting import correct_record, written_row
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.marks.actions import lift_mark, set_mark
from xinqiao.marks.types import MarkKind
from xinqiao.records.queries import read_enterprise, rows_now
from xinqiao.records.sealing import open_rows
from xinqiao.sharing.queries import current_list
from xinqiao.vault.sealing import seal
from xinqiao.webhooks.actions import tell

Row = Mapping[str, Any]


def find_wrong(
    dispute: str,
    *,
    provider: str,
    text: str,
    right: Mapping[str, str] | None,
    actor: str,
    now: datetime,
    ref: str = "",
    since: date | None = None,
) -> Dispute:
    """The record is wrong: ``right`` is the whole row as it should read (field → written value), None takes it out.

    ``ref`` picks the row where the dispute is about the item as a whole; empty then means that a row was missing.
    ``since`` is the day from which it was wrong, by default from when it was recorded so. Everybody who was told is
    looked for at once. Raises UnknownDispute, TransitionRefused, SecondLook, RowMoved, InvalidFinding, Invalid.
    """
    with transaction.atomic():
        row = _held(dispute, provider, actor)
        item = current_list().item(row.item)
        wrong = _wrong_row(row, item, ref or row.ref, now)
        if right is not None:
            right = {**right, item.subject.code: row.enterprise}
        _check(text, item, wrong, right)
        before = current_score(row.enterprise, now=now)
        move(row, "confirm_error", actor, now)
        recorded = _recorded_so(row.enterprise, item, wrong, now)
        batch = correct_record(item, wrong=wrong, right=right, cause=row.id, provider=provider, actor=actor, now=now)
        move(row, "update", actor, now)
        row.verdict, row.score_before = Verdict.ERROR, before
        lift_mark(MarkKind.OBJECTION, dispute=row.id, actor=actor, now=now)
        changed = Changed(
            CorrectionKind.CORRECTED,
            row.id,
            row.enterprise,
            item.code,
            max(recorded, day_begins(since)) if since else recorded,
            (wrong["_ref"],) if wrong else (),
            (batch,),
        )
        start_correction(changed, now=now)
        _answer(row, text, actor, now, more={"batch": batch})
        ripple_corrections.enqueue()  # with the correction or not at all
        return queries.dispute_facts([row])[0]


def find_right(dispute: str, *, provider: str, text: str, actor: str, now: datetime) -> Dispute:
    """The record is right: the mark goes. Raises UnknownDispute, TransitionRefused, SecondLook, InvalidFinding."""
    check_finding(text, corrects=False, changes=False)
    with transaction.atomic():
        row = _held(dispute, provider, actor)
        move(row, "confirm_right", actor, now)
        move(row, "unmark", actor, now)
        row.verdict = Verdict.RIGHT
        lift_mark(MarkKind.OBJECTION, dispute=row.id, actor=actor, now=now)
        _answer(row, text, actor, now)
        return queries.dispute_facts([row])[0]


def leave_open(dispute: str, *, provider: str, text: str, actor: str, now: datetime) -> Dispute:
    """It cannot be found out: the enterprise's own words stand beside the record from now on (征信业管理条例 art. 25).

    Raises UnknownDispute, TransitionRefused, SecondLook, InvalidFinding.
    """
    check_finding(text, corrects=False, changes=False)
    with transaction.atomic():
        row = _held(dispute, provider, actor)
        said = queries.dispute_facts([row])[0].claim.text
        move(row, "leave_open", actor, now)
        move(row, "record", actor, now)
        row.verdict = Verdict.UNDECIDABLE
        lift_mark(MarkKind.OBJECTION, dispute=row.id, actor=actor, now=now)
        set_mark(
            MarkKind.STATEMENT, enterprise=row.enterprise, item=row.item, ref=row.ref, dispute=row.id, statement=said,
            actor=actor, now=now,
        )  # fmt: skip
        _answer(row, text, actor, now)
        return queries.dispute_facts([row])[0]


@transaction.atomic
def ask_more(dispute: str, *, provider: str, text: str, actor: str, now: datetime) -> Dispute:
    """Ask the enterprise for more before finding. Raises UnknownDispute, TransitionRefused, InvalidFinding."""
    if problems := check_words(text):
        raise InvalidFinding(problems)
    row = queries.row_of(dispute, lock=True, provider=provider)
    move(row, "ask", actor, now, note=text.strip())
    row.save()
    body = {"dispute": row.id, "text_sha256": sha256_hex(text.strip().encode())}
    record(ASKED, actor=actor, subject=row.enterprise, body=body, now=now)
    return queries.dispute_facts([row])[0]


@transaction.atomic
def reject(dispute: str, *, reason: str, text: str, actor: str, now: datetime) -> Dispute:
    """The node does not admit a dispute, for a coded reason and in its own words; the mark goes.

    Raises UnknownDispute, TransitionRefused, InvalidClaim.
    """
    found = check_rejection(reason, queries.dispute_rules())
    if problems := check_words(text):
        raise InvalidClaim(problems)
    row = queries.row_of(dispute, lock=True)
    move(row, "reject", actor, now)
    row.rejection, row.answered_at = found.code, now
    [row.answer_sealed] = seal([queries.sealing_of(row.enterprise, f"{row.id}:answer", value=text.strip())], now=now)
    lift_mark(MarkKind.OBJECTION, dispute=row.id, actor=actor, now=now)
    row.save()
    body = {"dispute": row.id, "reason": found.code, "text_sha256": sha256_hex(text.strip().encode())}
    record(REJECTED, actor=actor, subject=row.enterprise, body=body, now=now)
    _tell_channel(row, now)
    return queries.dispute_facts([row])[0]


def _held(dispute: str, provider: str, actor: str) -> DisputeRow:
    row = queries.row_of(dispute, lock=True, provider=provider)
    if row.review and row.found_by == actor:
        raise SecondLook(actor=actor)
    return row


def _wrong_row(row: DisputeRow, item: Item, ref: str, now: datetime) -> dict[str, Any] | None:
    """The row as it stands now; None where the dispute is that one is missing."""
    if ref == WHOLE:
        return None
    found = [one for one in rows_now(row.enterprise, item, known=now) if one["_ref"] == ref]
    if not found:
        raise RowMoved(item=item.name)
    return found[0]


def _check(text: str, item: Item, wrong: Row | None, right: Mapping[str, str] | None) -> None:
    changes = wrong is not None or right is not None
    if wrong is not None and right is not None:
        changes = bool(changed_fields(written_row(item, open_rows(item, [wrong])[0]), right))
    if wrong is None and right is None:
        raise InvalidFinding([Problem(field="row", code="dispute.no_row", message=Phrase("请选择要更正的记录"))])
    check_finding(text, corrects=True, changes=changes)


def _recorded_so(enterprise: str, item: Item, wrong: Row | None, now: datetime) -> datetime:
    """Since when the row has stood as it does: earlier versions of it that say the same count, others end it."""
    if wrong is None:  # a row that was missing has been so since anybody asked
        return datetime.fromtimestamp(0, tz=now.tzinfo)
    table = read_enterprise(enterprise, [item], known=now)[item.code]
    codes = [column for fld in item.fields if not fld.personal for column in fld.columns]
    versions = [r for r in open_rows(item, table.to_pylist()) if row_ref(item, r) == wrong["_ref"]]
    versions.sort(key=lambda r: (r["_recorded_at"], r["_batch"], r["_row"]), reverse=True)
    since = versions[0]["_recorded_at"]
    for earlier in versions[1:]:
        if earlier["_op"] != "put" or any(earlier.get(c) != wrong.get(c) for c in codes):
            break
        since = earlier["_recorded_at"]
    assert isinstance(since, datetime)
    return since


def _answer(row: DisputeRow, text: str, actor: str, now: datetime, *, more: Mapping[str, object] | None = None) -> None:
    said = text.strip()
    body = {"dispute": row.id, "verdict": str(row.verdict), "text_sha256": sha256_hex(said.encode()), **(more or {})}
    record(FOUND, actor=actor, subject=row.enterprise, body=body, now=now)
    move(row, "answer", actor, now, note=said)
    row.found_by, row.answered_at = actor, now
    [row.answer_sealed] = seal([queries.sealing_of(row.enterprise, f"{row.id}:answer", value=said)], now=now)
    row.save()
    record(ANSWERED, actor=actor, subject=row.enterprise, body={"dispute": row.id}, now=now)
    _tell_channel(row, now)


def _tell_channel(row: DisputeRow, now: datetime) -> None:
    """Who forwarded a dispute learns that it is answered: a number, nothing else."""
    if row.via:
        tell(row.via, "dispute.answered", about=f"dispute-{row.id}", data={"dispute": row.id}, now=now)
