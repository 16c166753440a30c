"""Filing, forwarding and withdrawing: the enterprise's side, and those through whom it comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from xinqiao.disputes import queries
from xinqiao.disputes.models import DisputeRow
from xinqiao.disputes.moving import keep_files, move, note_step
from xinqiao.disputes.refusals import DisputedAlready, InvalidClaim, ReviewClosed, RowMoved
from xinqiao.disputes.rules import (
    answer_due_on,
    check_claim,
    check_files,
    check_words,
    counted_from,
    is_late,
)
from xinqiao.disputes.types import (
    FILED,
    FORWARDED,
    REVIEWED,
    SENT,
    SUPPLIED,
    WHOLE,
    WITHDRAWN,
    Channel,
    Claim,
    Dispute,
    DisputeState,
    Verdict,
)
from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.marks.actions import lift_mark, set_mark
from xinqiao.marks.types import MarkKind
from xinqiao.parties.queries import find_enterprise
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.locks import hold_name
from xinqiao.records.queries import rows_now
from xinqiao.sharing.queries import current_list
from xinqiao.vault.sealing import seal
from xinqiao.webhooks.actions import tell

Files = Sequence[tuple[str, bytes]]
SYSTEM = "system:disputes"
EARLIEST = timedelta(days=60)  # so long before it is handed over may a channel say it received a dispute


def file_dispute(
    claim: Claim, *, enterprise: str, name: str, channel: Channel = Channel.ENTERPRISE, files: Files = (), actor: str,
    now: datetime,
) -> Dispute:  # fmt: skip
    """An enterprise's dispute that comes straight to the node: marked and with the provider in the same moment.

    Raises InvalidClaim with everything wrong, RowMoved, DisputedAlready, UnknownItem.
    """
    with transaction.atomic():
        row = _new(claim, enterprise, name, channel, "", now, files, actor, now)
        _hand_over(row, actor, now)
        return queries.dispute_facts([row])[0]


def receive_at(
    claim: Claim, *, enterprise: str, channel: Channel, via: str, received_at: datetime, files: Files = (), actor: str,
    now: datetime,
) -> Dispute:  # fmt: skip
    """A dispute that an enterprise handed to a platform or institution; the clock of its forwarding runs from then.

    ``received_at`` lies in the last 60 days. Raises what :func:`file_dispute` raises.
    """
    if not now - EARLIEST <= received_at <= now:
        message = Phrase("收到时间应在最近 {days} 天内", days=EARLIEST.days)
        raise InvalidClaim([Problem(field="received_at", code="dispute.received_at", message=message)])
    found = find_enterprise(enterprise)
    with transaction.atomic():
        row = _new(claim, enterprise, found.name if found else "", channel, via, received_at, files, actor, now)
        return queries.dispute_facts([row])[0]


@transaction.atomic
def forward(dispute: str, *, via: str | None = None, actor: str, now: datetime) -> Dispute:
    """Hand a dispute over to the node, which marks the record and asks its provider at once.

    ``via`` names the channel whose it must be; the node itself takes over what a channel let lie. Raises
    UnknownDispute, TransitionRefused.
    """
    row = queries.row_of(dispute, lock=True, **({} if via is None else {"via": via}))
    _hand_over(row, actor, now)
    return queries.dispute_facts([row])[0]


def _new(
    claim: Claim, enterprise: str, name: str, channel: Channel, via: str, received_at: datetime, files: Files,
    actor: str, now: datetime,
) -> DisputeRow:  # fmt: skip
    rules, days = queries.dispute_rules(), work_calendar()
    check_claim(claim, rules, files)
    item = current_list().item(claim.item)
    hold_name(f"dispute:{enterprise}:{item.code}")
    if claim.ref != WHOLE and claim.ref not in {r["_ref"] for r in rows_now(enterprise, item, known=now)}:
        raise RowMoved(item=item.name)
    if earlier := queries.open_dispute_about(enterprise, item.code, claim.ref):
        raise DisputedAlready(dispute=earlier)
    number = new_number("D", now)
    counted = counted_from(received_at, rules, days)
    due = days.add(counted, rules.forward_workdays)
    [sealed] = seal([queries.sealing_of(enterprise, f"{number}:text", value=claim.text.strip())], now=now)
    row = DisputeRow(
        id=number, enterprise=enterprise, enterprise_name=name, item=item.code, ref=claim.ref, ground=claim.ground,
        text_sealed=sealed, channel=channel, via=via, provider=item.department.code, state=DisputeState.FILED,
        since=received_at, received_at=received_at, counted_from=counted, forward_due_on=due.on,
        provisional=due.provisional, filed_by=actor,
    )  # fmt: skip
    body: dict[str, Any] = {
        "dispute": number, "item": item.code, "ref": claim.ref, "ground": claim.ground,
        "text_sha256": sha256_hex(claim.text.strip().encode()), "files": [sha256_hex(data) for _, data in files],
        "channel": str(channel), "via": via, "received_at": received_at.isoformat(),
        "forward_due_on": due.on.isoformat(),
    }  # fmt: skip
    row.entry = record(FILED, actor=actor, subject=enterprise, body=body, now=now).id
    row.save(force_insert=True)
    note_step(row, actor, received_at)
    keep_files(row, files, actor, now)
    return row


def _hand_over(row: DisputeRow, actor: str, now: datetime) -> None:
    """Forwarded, marked and sent to the provider: three steps of one moment."""
    move(row, "forward", actor, now)
    row.forwarded_at, row.late = now, is_late(now, row.forward_due_on)
    row.answer_due_on = answer_due_on(row.counted_from, queries.dispute_rules())
    body = {"dispute": row.id, "via": row.via, "late": row.late}
    record(FORWARDED, actor=actor, subject=row.enterprise, body=body, now=now)
    _send(row, now)


def _send(row: DisputeRow, now: datetime) -> None:
    move(row, "mark", SYSTEM, now)
    set_mark(
        MarkKind.OBJECTION, enterprise=row.enterprise, item=row.item, ref=row.ref, dispute=row.id, actor=SYSTEM, now=now
    )
    move(row, "send", SYSTEM, now)
    row.save()
    body = {"dispute": row.id, "provider": row.provider}
    record(SENT, actor=SYSTEM, subject=row.enterprise, body=body, now=now)
    tell(row.provider, "dispute.sent", about=f"dispute-{row.id}", data={"dispute": row.id}, now=now)


@transaction.atomic
def supply(dispute: str, *, enterprise: str, text: str, files: Files = (), actor: str, now: datetime) -> Dispute:
    """The enterprise adds what was asked for, or what it has found since, while the dispute is being checked.

    Raises UnknownDispute, InvalidClaim, TransitionRefused.
    """
    row = queries.row_of(dispute, lock=True, enterprise=enterprise)
    problems = check_words(text) + check_files(files, held=len(queries.list_files(dispute)))
    if problems:
        raise InvalidClaim(problems)
    if row.state == DisputeState.SENT:
        note_step(row, actor, now, note=text.strip())
    else:
        move(row, "supply", actor, now, note=text.strip())
    row.save()
    digests = keep_files(row, files, actor, now)
    body = {"dispute": row.id, "text_sha256": sha256_hex(text.strip().encode()), "files": digests}
    record(SUPPLIED, actor=actor, subject=row.enterprise, body=body, now=now)
    tell(row.provider, "dispute.supplied", about=f"dispute-{row.id}", data={"dispute": row.id}, now=now)
    return queries.dispute_facts([row])[0]


@transaction.atomic
def withdraw(dispute: str, *, enterprise: str, actor: str, now: datetime) -> Dispute:
    """The enterprise takes its dispute back; the mark goes with it. Raises UnknownDispute, TransitionRefused."""
    row = queries.row_of(dispute, lock=True, enterprise=enterprise)
    move(row, "withdraw", actor, now)
    lift_mark(MarkKind.OBJECTION, dispute=row.id, actor=actor, now=now)
    row.save()
    record(WITHDRAWN, actor=actor, subject=row.enterprise, body={"dispute": row.id}, now=now)
    return queries.dispute_facts([row])[0]


@transaction.atomic
def ask_review(dispute: str, *, enterprise: str, text: str, files: Files = (), actor: str, now: datetime) -> Dispute:
    """Ask once that an answer which left the record as it was is looked at again, by somebody else.

    Raises UnknownDispute, InvalidClaim, ReviewClosed.
    """
    row, rules = queries.row_of(dispute, lock=True, enterprise=enterprise), queries.dispute_rules()
    problems = check_words(text) + check_files(files, held=len(queries.list_files(dispute)))
    if problems:
        raise InvalidClaim(problems)
    open_until = beijing_day(row.answered_at) + timedelta(days=rules.review_days) if row.answered_at else None
    stands = row.state == DisputeState.ANSWERED and row.verdict in (Verdict.RIGHT, Verdict.UNDECIDABLE)
    if not stands or row.review or open_until is None or beijing_day(now) > open_until:
        raise ReviewClosed(dispute=dispute)
    lift_mark(MarkKind.STATEMENT, dispute=row.id, actor=actor, now=now)
    row.review = True
    move(row, "review", actor, now, note=text.strip())
    keep_files(row, files, actor, now)
    row.answer_due_on = answer_due_on(beijing_day(now), rules)
    body = {"dispute": row.id, "text_sha256": sha256_hex(text.strip().encode())}
    record(REVIEWED, actor=actor, subject=row.enterprise, body=body, now=now)
    _send(row, now)
    return queries.dispute_facts([row])[0]
