"""Results go into the records with their legal basis: from then on reports and the enterprise's own file hold them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from xinqiao.evidence.actions import record
from xinqiao.ingest.actions import receive_rows
from xinqiao.kernel.canonical import canonical_bytes, read_json
from xinqiao.kernel.money import format_fen
from xinqiao.settlement.models import ProceedingRow, ResultRow, StepRow
from xinqiao.settlement.moving import SYSTEM, sealed
from xinqiao.settlement.queries import facts_of, settlement_rules
from xinqiao.settlement.rules import EVENTS
from xinqiao.settlement.types import RESULT_RECORDED, Proceeding, Told
from xinqiao.settlement.words import SettlementRules
from xinqiao.sharing.queries import current_list
from xinqiao.vault.sealing import open_with, subject_keys
from xinqiao.vault.types import Sealing, enterprise_subject

log = logging.getLogger(__name__)

BATCH = 500


def result_row(
    found: Proceeding, told: Told, *, number: int, decided_by: str, rules: SettlementRules
) -> dict[str, str]:
    """How a result stands in the records, written as a department writes it."""
    return {
        "uscc": found.enterprise,
        "result_no": f"{found.id}-{number}",
        "kind": found.kind.label,
        "outcome": EVENTS[told.event],
        "document_no": told.document_no or found.document_no,
        "decided_by": decided_by,
        "decided_on": told.on.isoformat(),
        "amount_fen": format_fen(told.amount_fen) if told.amount_fen is not None else "",
        "basis": rules.basis[told.event].zh,
    }


def queue_result(row: ProceedingRow, step: StepRow, told: Told, *, decided_by: str, now: datetime) -> None:
    """Put a result into the queue for the records, sealed, in the transaction of its step."""
    found = facts_of([row])[0]
    fields = result_row(found, told, number=step.number, decided_by=decided_by, rules=settlement_rules())
    place = result_place(row.id, step.number)
    data = sealed(row.enterprise, canonical_bytes(fields), place=place, now=now)
    ResultRow.objects.create(step=step, enterprise=row.enterprise, facts=data)


def result_place(proceeding: str, number: int) -> str:
    """The place that a sealed result is bound to."""
    return f"proceeding:{proceeding}:result:{number}"


def record_results(*, now: datetime) -> int:
    """Give the records what was decided; returns how many rows.

    A crash between delivery and mark delivers the same rows again, which changes nothing. While the item is not on the
    sharing list nothing is recorded. A result about an erased enterprise is let go.
    """
    wanted = settlement_rules().item
    item = next((one for one in current_list() if one.code == wanted), None)
    if item is None:
        return 0
    rows = list(ResultRow.objects.filter(recorded=False).select_related("step").order_by("pk")[:BATCH])
    written = list(_opened(rows))
    if written:
        outcome = receive_rows(item, written, provider=item.department.code, actor=SYSTEM, now=now)
        if outcome.accepted < outcome.delivered:
            log.error("delivery %s: not every result became a record", outcome.delivery)
    if rows:
        with transaction.atomic():
            ResultRow.objects.filter(pk__in=[row.pk for row in rows]).update(recorded=True)
            numbers = [one["result_no"] for one in written]
            record(RESULT_RECORDED, actor=SYSTEM, subject="node", body={"results": numbers}, now=now)
    return len(written)


def _opened(rows: Iterable[ResultRow]) -> Iterable[dict[str, Any]]:
    listed = list(rows)
    keys = subject_keys({enterprise_subject(row.enterprise) for row in listed})
    for row in listed:
        place = result_place(row.step.proceeding_id, row.step.number)
        data = open_with(keys, Sealing(enterprise_subject(row.enterprise), place, sealed=row.facts))
        if data is not None:
            yield read_json(data)
