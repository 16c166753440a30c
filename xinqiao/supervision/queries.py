"""Reads of alerts and freezes: facts, never rows."""

from __future__ import annotations

from collections.abc import Iterable

from xinqiao.plumbing.settings import content_dir
from xinqiao.supervision.models import AlertRow, CanaryRow, FreezeRow
from xinqiao.supervision.rules import load_watching
from xinqiao.supervision.types import (
    Alert,
    AlertState,
    Freeze,
    FreezeState,
    Sentinel,
    TargetKind,
    Trigger,
    UnknownAlert,
    UnknownFreeze,
    Watching,
)


def watching() -> Watching:
    """The content's ``sentinels.toml``."""
    return load_watching(content_dir() / "sentinels.toml")


def trigger_of(sentinel: Sentinel) -> Trigger:
    """The trigger of a sentinel: what it says and the clause behind it."""
    return next(t for t in watching().triggers if t.sentinel is sentinel)


def list_alerts(*, state: AlertState | None = None, limit: int = 200) -> list[Alert]:
    """Alerts, open ones first, the newest on top."""
    rows = AlertRow.objects.order_by("-last_at", "-id")
    if state is not None:
        rows = rows.filter(state=state)
    found = [alert_facts(row) for row in rows[:limit]]
    return sorted(found, key=lambda a: a.state is not AlertState.OPEN)


def get_alert(alert: int) -> Alert:
    """One alert; raises UnknownAlert."""
    row = AlertRow.objects.filter(id=alert).first()
    if row is None:
        raise UnknownAlert(alert=alert)
    return alert_facts(row)


def list_freezes(
    *, organisation: str | None = None, states: Iterable[FreezeState] | None = None, limit: int = 200
) -> list[Freeze]:
    """Freezes, the newest first; of one organisation (its own view leaves out what was only proposed) or of all."""
    rows = FreezeRow.objects.order_by("-proposed_at", "-id")
    if organisation is not None:
        told = (FreezeState.FROZEN, FreezeState.APPEALED, FreezeState.LIFTED)
        rows = rows.filter(organisation=organisation, state__in=told)
    if states is not None:
        rows = rows.filter(state__in=list(states))
    return [freeze_facts(row) for row in rows[:limit]]


def get_freeze(freeze: str) -> Freeze:
    """One freeze; raises UnknownFreeze."""
    row = FreezeRow.objects.filter(id=freeze).first()
    if row is None:
        raise UnknownFreeze(freeze=freeze)
    return freeze_facts(row)


def count_canaries() -> int:
    """How many planted enterprises there are."""
    return CanaryRow.objects.count()


def alert_facts(row: AlertRow) -> Alert:
    """Facts of a row."""
    return Alert(
        id=row.id,
        sentinel=Sentinel(row.sentinel),
        organisation=row.organisation,
        organisation_name=row.organisation_name,
        actor=row.actor,
        state=AlertState(row.state),
        first_at=row.first_at,
        last_at=row.last_at,
        raised_at=row.raised_at,
        accesses=tuple(row.accesses),
        figures=row.figures,
        reason=row.reason,
        freeze=row.freeze,
    )


def freeze_facts(row: FreezeRow) -> Freeze:
    """Facts of a row."""
    return Freeze(
        id=row.id,
        kind=TargetKind(row.kind),
        target=row.target,
        organisation=row.organisation,
        alert=row.alert_id,
        state=FreezeState(row.state),
        reason=row.reason,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        appeal=row.appeal,
        appealed_at=row.appealed_at,
        due_on=row.due_on,
        decision=row.decision,
        decided_at=row.decided_at,
    )
