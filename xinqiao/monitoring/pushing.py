"""Telling the institutions entitled: each push decided by the gate, recorded, then announced by a thin notice."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction

from xinqiao.consent.types import Form
from xinqiao.evaluation.types import Document
from xinqiao.kernel.dated import beijing_day
from xinqiao.marks.queries import disputed_items
from xinqiao.monitoring.content import signals
from xinqiao.monitoring.models import PushRow, SignalRow
from xinqiao.monitoring.scan import items_used
from xinqiao.monitoring.types import PURPOSE, PushState, SignalRule, SignalState
from xinqiao.parties.queries import get_organisation
from xinqiao.release.disclosing import disclose
from xinqiao.release.types import Inquiry, NotReleased, Recipient
from xinqiao.sharing.queries import current_list
from xinqiao.webhooks.actions import take_back, tell

ACTOR = "system:monitoring"
BATCH = 500


def inquiry_of(
    recipient: Recipient,
    enterprise: str,
    rule: SignalRule,
    *,
    authorisation: str,
    now: datetime,
    shown_from: datetime | None = None,
) -> Inquiry:
    """A signal as the gate judges it: derived facts of the rule's items, for post-loan purposes."""
    return Inquiry(
        recipient,
        enterprise,
        PURPOSE,
        Form.DERIVED,
        ACTOR,
        "push",
        items=items_used(rule, now=now),
        authorisation=authorisation,
        cause=rule.code,
        shown_from=shown_from,
    )


def push_waiting(*, now: datetime, limit: int = BATCH) -> int:
    """Tell of what waits, at most ``limit``; returns how many were told. Each in a transaction of its own."""
    ids = PushRow.objects.filter(state=PushState.WAITING).order_by("id").values_list("id", flat=True)[:limit]
    return sum(_push(number, now) for number in list(ids))


@transaction.atomic
def _push(number: int, now: datetime) -> bool:
    rows = PushRow.objects.select_for_update(of=("self",)).select_related("signal", "watch")
    row = rows.filter(id=number, state=PushState.WAITING).first()
    if row is None:
        return False
    signal, watch, rule = row.signal, row.watch, signals().rule(row.signal.rule)
    gone = signal.state != SignalState.RAISED or signal.expires_on < beijing_day(now) or watch.ended_at is not None
    if rule is None or gone or not set(rule.items) <= {item.code for item in current_list()}:
        row.state = PushState.TAKEN_BACK
        row.save(update_fields=["state"])
        return False
    held = signal.told_from if signal.told_from > now else None
    inquiry = inquiry_of(
        Recipient.of(get_organisation(watch.organisation)), signal.enterprise, rule,
        authorisation=watch.authorisation, now=now, shown_from=held,
    )  # fmt: skip
    try:
        answer = disclose(inquiry, document_of(signal, rule, now=now), now=now)
    except NotReleased as refusal:
        row.state, row.access = PushState.REFUSED, str(refusal.data["access"])
        row.save(update_fields=["state", "access"])
        return False
    row.state, row.access, row.told_at = PushState.TOLD, answer.access.id, now
    row.authorisation = watch.authorisation
    row.save(update_fields=["state", "access", "told_at", "authorisation"])
    announce(row, "raised", now=now)
    return True


def document_of(signal: SignalRow, rule: SignalRule, *, now: datetime) -> Document:
    """What an institution is told: the rule, derived facts, how long, whose task, what next, where to object."""
    disputed = sorted(disputed_items(signal.enterprise, known=now) & set(rule.items))
    return {
        "v": 1,
        "signal": signal.id,
        "enterprise": signal.enterprise,
        "rule": {"code": rule.code, "sha256": signal.rule_sha256, "name": rule.name.zh, "clause": rule.clause.zh},
        "level": signal.level,
        "facts": dict(signal.facts),
        "as_of": signal.raised_at.isoformat(),
        "expires_on": signal.expires_on.isoformat(),
        "owner": str(rule.duty),
        "next_step": rule.next_step.zh,
        "appeal": f"/enterprise/signals/{signal.id}/",
        "entry": signal.entry,
        **({"under_objection": disputed} if disputed else {}),
    }


def announce(push: PushRow, what: str, *, now: datetime) -> None:
    """Put a thin notice into the institution's queue: numbers alone, the facts are asked for."""
    data = {"signal": push.signal_id, "access": push.access}
    tell(push.watch.organisation, f"signal.{what}", about=about(push.id), data=data, now=now)


def about(push: int) -> str:
    """By what a notice of a push is known in the queue."""
    return f"signal-push-{push}"


def stop_waiting(pushes: Iterable[PushRow]) -> None:
    """Send nothing more of these pushes: neither what waits for the gate nor notices that did not go out."""
    numbers: Collection[int] = [push.id for push in pushes]
    PushRow.objects.filter(id__in=numbers, state=PushState.WAITING).update(state=PushState.TAKEN_BACK)
    take_back(about(number) for number in numbers)
