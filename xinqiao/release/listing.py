"""Enterprises shown in a list with evaluated facts: each of them is a read about it, decided and recorded as one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from xinqiao.catalogue.types import Openness
from xinqiao.consent.types import Form
from xinqiao.evaluation.compute import needed, scorecard_at
from xinqiao.kernel.dated import beijing_day
from xinqiao.records.types import AsOf
from xinqiao.release.actions import ask_of, new_line, refused
from xinqiao.release.models import AccessLine
from xinqiao.release.queries import as_access, policy
from xinqiao.release.rules import judge
from xinqiao.release.types import Access, Inquiry, Recipient
from xinqiao.sharing.queries import not_listed

PURPOSE = "node_duty"


def note_listed(
    recipient: Recipient, enterprises: Sequence[str], *, cause: str, actor: str, channel: str, now: datetime
) -> list[Access]:
    """A ledger line and an evidence entry for each enterprise, durable before the list is shown.

    The form is derived facts, the items those that the scorecard rests on. Raises NotReleased, recorded, when the gate
    does not let this recipient see them; then none is shown.
    """
    _, items = needed(scorecard_at(AsOf(beijing_day(now), now)))
    away = not_listed(items)
    closed = [i for i in items if i.openness is not Openness.PUBLIC and i.code not in away]
    table, rows = policy(), list[AccessLine]()
    with transaction.atomic():
        for enterprise in sorted(enterprises):  # one order for all, or two lists could wait for each other's chains
            inquiry = Inquiry(recipient, enterprise, PURPOSE, Form.DERIVED, actor, channel, cause=cause[:200])
            rule, _ = judge(table, ask_of(inquiry, closed), now=now)
            if not rule.allow:
                break
            rows.append(new_line(inquiry, closed, rule, table, now, answer="")[0])
        else:
            return [as_access(row) for row in AccessLine.objects.bulk_create(rows)]
        transaction.set_rollback(True)
    raise refused(inquiry, closed, rule, table, now)
