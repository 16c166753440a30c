"""What stands goes into the records, what has ended is taken back: from then on no read and no evaluation has it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django_tasks import task

from xinqiao.evidence.actions import record
from xinqiao.ingest.actions import receive_rows, retract_rows
from xinqiao.sanctions.actions import SYSTEM, expire_sanctions
from xinqiao.sanctions.models import SanctionRow
from xinqiao.sanctions.queries import sanction_list
from xinqiao.sanctions.rules import record_row
from xinqiao.sanctions.types import RECORDED, Determination, SanctionState
from xinqiao.sharing.queries import current_list

GIVEN, TAKEN_BACK = "given", "taken_back"
ENDED = (SanctionState.EXPIRED, SanctionState.LIFTED, SanctionState.ANNULLED)
REASON = "惩戒已结束"


def record_sanctions(*, now: datetime) -> int:
    """End what has expired; give the records what stands and take back what ended; returns how many rows.

    A crash between the delivery and the mark delivers the same row again, which changes nothing. While the item is not
    on the sharing list nothing is recorded.
    """
    expire_sanctions(now=now)
    listed = sanction_list()
    item = next((i for i in current_list() if i.code == listed.item), None)
    if item is None:
        return 0
    by: dict[str, Any] = {"provider": item.department.code, "actor": SYSTEM, "now": now}
    given = list(SanctionRow.objects.filter(state=SanctionState.IN_FORCE, recorded=""))
    if given:
        receive_rows(item, [record_row(_determination(row), row.id, listed) for row in given], **by)
        _mark(given, GIVEN, now)
    ended = list(SanctionRow.objects.filter(state__in=ENDED, recorded=GIVEN))
    if ended:
        retract_rows(item, [{"uscc": row.enterprise, "record_no": row.id} for row in ended], reason=REASON, **by)
        _mark(ended, TAKEN_BACK, now)
    return len(given) + len(ended)


def _mark(rows: list[SanctionRow], mark: str, now: datetime) -> None:
    with transaction.atomic():
        numbers = [row.id for row in rows]
        SanctionRow.objects.filter(id__in=numbers).update(recorded=mark)
        record(RECORDED, actor=SYSTEM, subject="node", body={"sanctions": numbers, "mark": mark}, now=now)


def _determination(row: SanctionRow) -> Determination:
    return Determination(**{name: getattr(row, name) for name in Determination.__dataclass_fields__})


@task()
def keep_sanctions() -> int:
    """One pass, as a chore of the job queue; returns how many rows were given or taken back."""
    return record_sanctions(now=datetime.now(UTC))
