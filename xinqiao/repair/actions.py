"""Applying for a repair and deciding it: a granted one stops publication, sharing and use in the same moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from xinqiao.catalogue.schema import row_ref
from xinqiao.catalogue.types import Item
from xinqiao.corrections.jobs import ripple_corrections
from xinqiao.corrections.rippling import start_correction
from xinqiao.corrections.types import Changed, CorrectionKind
from xinqiao.evaluation.queries import current_score
from xinqiao.evidence.actions import record
from xinqiao.ingest.correcting import correct_record
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.kernel.papers import kind_of
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.locks import hold_name
from xinqiao.records.queries import read_enterprise
from xinqiao.repair import queries
from xinqiao.repair.models import PaperRow, RepairRow
from xinqiao.repair.rules import TRANSITIONS, check_application, check_decision, countdown
from xinqiao.repair.types import (
    APPLIED,
    GRANTED,
    REFUSED,
    TAKEN_BACK,
    AppliedAlready,
    NotRepairable,
    Repair,
    RepairState,
    TooEarly,
)
from xinqiao.sharing.queries import current_list
from xinqiao.vault.keeping import keep_sealed
from xinqiao.vault.sealing import seal
from xinqiao.vault.types import enterprise_subject
from xinqiao.webhooks.actions import tell

Papers = Mapping[str, tuple[str, bytes]]  # code of the document → name and bytes


@transaction.atomic
def apply(
    item: str, ref: str, *, enterprise: str, name: str, text: str, papers: Papers, actor: str, now: datetime
) -> Repair:
    """Ask whoever determined the dishonesty for a repair, with proof of performance and a public commitment.

    Raises NotRepairable, TooEarly, InvalidApplication with everything lacking, AppliedAlready, UnknownItem.
    """
    rules, found = queries.repair_rules(), current_list().item(item)
    hold_name(f"repair:{enterprise}:{item}:{ref}")
    row = queries.row_now(enterprise, found, ref, known=now)
    terms = countdown(found.code, row, ref, rules) if row else None
    if terms is None:
        raise NotRepairable(item=found.name)
    if beijing_day(now) < terms.earliest_on:
        raise TooEarly(earliest=terms.earliest_on.isoformat())
    check_application(text, papers, rules)
    if earlier := RepairRow.objects.filter(
        enterprise=enterprise, item=item, ref=ref, state=RepairState.APPLIED
    ).first():
        raise AppliedAlready(repair=earlier.id)
    number, said = new_number("R", now), text.strip()
    [sealed] = seal([queries.sealing_of(enterprise, f"{number}:text", value=said)], now=now)
    due = work_calendar().add(beijing_day(now), rules.decide_workdays).on
    made = RepairRow(
        id=number, enterprise=enterprise, enterprise_name=name, item=item, ref=ref, severity=terms.severity.code,
        counted_from=terms.counted_from, provider=found.department.code, state=RepairState.APPLIED, applied_at=now,
        due_on=due, text_sealed=sealed,
    )  # fmt: skip
    digests = {code: sha256_hex(papers[code][1]) for code in sorted(papers)}
    body: dict[str, Any] = {"repair": number, "item": item, "ref": ref, "class": terms.severity.code, "papers": digests}
    made.entry = record(APPLIED, actor=actor, subject=enterprise, body=body, now=now).id
    made.save(force_insert=True)
    _keep(made, papers, now)
    tell(made.provider, "repair.applied", about=f"repair-{number}", data={"repair": number}, now=now)
    return queries.facts([made])[0]


def _keep(row: RepairRow, papers: Papers, now: datetime) -> None:
    for code, (name, data) in sorted(papers.items()):
        path = keep_sealed(
            enterprise_subject(row.enterprise), data, folder=f"repairs/{row.id}", name=code,
            place=f"repair:{row.id}:{code}", now=now,
        )  # fmt: skip
        PaperRow.objects.create(
            repair=row, document=code, name=name[:200], kind=kind_of(data) or "", sha256=sha256_hex(data), path=path
        )


@transaction.atomic
def grant(repair: str, *, provider: str, text: str, actor: str, now: datetime) -> Repair:
    """Repair: the record stands no longer, and whoever was given it is told. Raises UnknownRepair, TransitionRefused,
    InvalidDecision, NotRepairable when the record has gone meanwhile."""
    check_decision(text, refusal=None, rules=queries.repair_rules())
    row = queries.row_of(repair, lock=True, provider=provider)
    item = current_list().item(row.item)
    held = queries.row_now(row.enterprise, item, row.ref, known=now)
    if held is None:
        raise NotRepairable(item=item.name)
    row.state = TRANSITIONS.check(RepairState(row.state), "grant")
    row.score_before = current_score(row.enterprise, now=now)
    batch = correct_record(item, wrong=held, right=None, cause=row.id, provider=provider, actor=actor, now=now)
    row.score_after = current_score(row.enterprise, now=now)
    first = _first_recorded(row, item, now)
    changed = Changed(CorrectionKind.REPAIRED, row.id, row.enterprise, item.code, first, (row.ref,), (batch,))
    start_correction(changed, now=now)
    ripple_corrections.enqueue()  # with the repair or not at all
    _decide(row, text, actor, now)
    record(GRANTED, actor=actor, subject=row.enterprise, body={"repair": row.id, "batch": batch}, now=now)
    return queries.facts([row])[0]


@transaction.atomic
def refuse(repair: str, *, provider: str, reason: str, text: str, actor: str, now: datetime) -> Repair:
    """Do not repair, for a coded reason. Raises UnknownRepair, TransitionRefused, InvalidDecision."""
    check_decision(text, refusal=reason, rules=queries.repair_rules())
    row = queries.row_of(repair, lock=True, provider=provider)
    row.state, row.refusal = TRANSITIONS.check(RepairState(row.state), "refuse"), reason
    _decide(row, text, actor, now)
    record(REFUSED, actor=actor, subject=row.enterprise, body={"repair": row.id, "reason": reason}, now=now)
    return queries.facts([row])[0]


@transaction.atomic
def take_back(repair: str, *, enterprise: str, actor: str, now: datetime) -> Repair:
    """The enterprise takes its application back. Raises UnknownRepair, TransitionRefused."""
    row = queries.row_of(repair, lock=True, enterprise=enterprise)
    row.state = TRANSITIONS.check(RepairState(row.state), "take_back")
    row.save(update_fields=["state"])
    record(TAKEN_BACK, actor=actor, subject=enterprise, body={"repair": row.id}, now=now)
    return queries.facts([row])[0]


def _decide(row: RepairRow, text: str, actor: str, now: datetime) -> None:
    place = queries.sealing_of(row.enterprise, f"{row.id}:answer", value=text.strip())
    [row.answer_sealed] = seal([place], now=now)
    row.decided_at, row.decided_by = now, actor
    row.save()


def _first_recorded(row: RepairRow, item: Item, now: datetime) -> datetime:
    """When the record first stood here, in whatever version."""
    table = read_enterprise(row.enterprise, [item], known=now)[item.code]
    times: list[datetime] = [r["_recorded_at"] for r in table.to_pylist() if row_ref(item, r) == row.ref]
    return min(times)
