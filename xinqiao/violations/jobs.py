"""What opens a case by itself: a look at a canary, and a party that two people have stopped."""

from __future__ import annotations

from datetime import UTC, datetime

from django_tasks import task

from xinqiao.supervision.queries import get_alert, list_alerts, list_freezes
from xinqiao.supervision.types import IN_FORCE, Alert, AlertState, Sentinel
from xinqiao.violations.actions import open_case
from xinqiao.violations.queries import find_case
from xinqiao.violations.types import Case, Finding, Source

ACTOR = "system:violations"
KIND = "unlawful_obtaining"


def finding_of(alert: Alert) -> Finding:
    """What an alert says, as a case begins."""
    canary = alert.sentinel is Sentinel.CANARY
    return Finding(
        kind=KIND,
        organisation=alert.organisation,
        source=Source.CANARY if canary else Source.ALERT,
        reference=str(alert.id),
        summary=f"{alert.sentinel.label}：{len(alert.accesses)} 次查询",
        facts={"alert": alert.id, "accesses": list(alert.accesses[-50:])},
        party=alert.actor,
    )


def take_in(*, now: datetime) -> list[Case]:
    """Open a case for each look at a canary and each alert that led to a freeze in force; returns those opened now."""
    waiting = [a for a in list_alerts(state=AlertState.OPEN) if a.sentinel is Sentinel.CANARY]
    stopped = [get_alert(f.alert) for f in list_freezes(states=IN_FORCE) if f.alert is not None]
    found = [finding_of(alert) for alert in [*waiting, *stopped] if alert.organisation != "node"]
    return [open_case(f, actor=ACTOR, now=now) for f in found if find_case(f.source, f.reference) is None]


@task()
def open_cases() -> int:
    """One pass, as a chore of the job queue; returns how many cases were opened."""
    return len(take_in(now=datetime.now(UTC)))
