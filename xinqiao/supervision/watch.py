"""Going through the ledger: what is new since the last pass, and what it means together with what came before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from xinqiao.consent.queries import asked_of, withdrawals
from xinqiao.evidence.actions import record
from xinqiao.kernel.working_days import WorkCalendar
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.locks import hold_name
from xinqiao.release.queries import count_by_hour, count_by_purpose, list_lines, parties_since
from xinqiao.release.types import UNKNOWN_ENTERPRISE, Access, Party
from xinqiao.supervision.models import AlertRow, CanaryRow, WatchRow
from xinqiao.supervision.queries import alert_facts, watching
from xinqiao.supervision.rules import findings, most_off_duty
from xinqiao.supervision.types import ALERT_GREW, ALERTED, Alert, AlertState, Finding, Known, Look, Watching

ACTOR = "system:sentinels"
KEPT = 500  # ledger lines that one alert names; the evidence of each pass names its own
LAG = timedelta(seconds=5)  # a line's time is set before its transaction commits


def watch(*, now: datetime) -> list[Alert]:
    """Watch the parties that looked since the last pass; returns alerts raised or grown. Passes never overlap."""
    with transaction.atomic():
        hold_name("supervision.watch")
        mark = WatchRow.objects.first()
        parties = parties_since(mark.until if mark else now - watching().longest)
        found = [alert for party in parties for alert in _watch_party(party, now)]
        WatchRow.objects.update_or_create(id=mark.id if mark else 1, defaults={"until": now - LAG})
    return found


def _watch_party(party: Party, now: datetime) -> list[Alert]:
    settings, calendar = watching(), work_calendar()
    lines = list_lines(party, since=now - settings.longest)
    if not lines:
        return []
    known = _known(party, lines, settings, calendar, now)
    looks = _look_of(lines)
    settled = _settled(party)
    said = findings(looks, known, settings, calendar, now=now)
    found = [_raise_or_grow(party, finding, settled.get(finding.sentinel), now) for finding in said]
    return [alert for alert in found if alert]


def _look_of(lines: Iterable[Access]) -> list[Look]:
    return [
        Look(
            access=line.id,
            at=line.at,
            enterprise=line.enterprise,
            purpose=line.purpose,
            authorisation=line.authorisation,
            allowed=line.allowed,
            unknown=line.rule == UNKNOWN_ENTERPRISE,
        )
        for line in lines
    ]


def _known(party: Party, lines: Sequence[Access], settings: Watching, calendar: WorkCalendar, now: datetime) -> Known:
    firms = {line.enterprise for line in lines}
    before, until = now - settings.habits, now - settings.longest
    hours = count_by_hour(party, since=before, until=until)
    return Known(
        applied=asked_of(firms, organisation=party.organisation, since=now - settings.applications),
        withdrawn=withdrawals({line.authorisation for line in lines if line.authorisation}),
        purposes=count_by_purpose(party, since=before, until=until),
        night=most_off_duty(hours, settings, calendar),
        canaries=frozenset(CanaryRow.objects.filter(enterprise__in=firms).values_list("enterprise", flat=True)),
    )


def _settled(party: Party) -> dict[str, datetime]:
    """When this party's alerts were last settled, by sentinel: what was explained is not raised again."""
    rows = AlertRow.objects.filter(organisation=party.organisation, actor=party.actor).exclude(settled_at=None)
    return dict(rows.order_by("settled_at").values_list("sentinel", "settled_at"))


def _raise_or_grow(party: Party, finding: Finding, settled: datetime | None, now: datetime) -> Alert | None:
    """A new alert, or more lines for the open one; None when there is nothing new since it was settled or grown."""
    looks = [look for look in finding.looks if settled is None or look.at > settled]
    names = {"sentinel": finding.sentinel, "organisation": party.organisation, "actor": party.actor}
    row = AlertRow.objects.filter(**names, state=AlertState.OPEN).first()
    have = set(row.accesses) if row else set()
    fresh = [x for x in looks if x.access not in have and (len(have) < KEPT or row is None or x.at > row.last_at)]
    if not fresh:
        return None
    event = ALERT_GREW if row else ALERTED
    if row is None:
        row = AlertRow(**names, state=AlertState.OPEN, organisation_name=party.name, raised_at=now, accesses=[])
        row.first_at = fresh[0].at
    row.last_at, row.figures = fresh[-1].at, dict(finding.figures)
    row.accesses = [*row.accesses, *(look.access for look in fresh)][-KEPT:]
    row.save()
    body = {
        "alert": row.id,
        "sentinel": str(finding.sentinel),
        "actor": party.actor,
        "accesses": [look.access for look in fresh],
        "figures": {name: str(value) for name, value in finding.figures.items()},
    }
    record(event, actor=ACTOR, subject=party.organisation, body=body, now=now)
    return alert_facts(row)
