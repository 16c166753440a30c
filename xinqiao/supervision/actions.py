"""Verbs of supervision: explain an alert, stop by two people, hear the appeal by a third."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.admission.actions import suspend_urgently
from xinqiao.evidence.actions import record
from xinqiao.evidence.types import Event
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.oauth.actions import freeze_client, unfreeze_client
from xinqiao.oauth.queries import get_client
from xinqiao.parties.actions import freeze_member, unfreeze_member
from xinqiao.parties.queries import get_organisation
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.locks import hold_name
from xinqiao.supervision.models import AlertRow, FreezeRow
from xinqiao.supervision.queries import alert_facts, freeze_facts, watching
from xinqiao.supervision.rules import ALERT_TRANSITIONS, FREEZE_TRANSITIONS, check_other_person, check_said
from xinqiao.supervision.types import (
    ALERT_DISMISSED,
    APPEALED,
    FOUND_UNLAWFUL,
    FREEZE_DECLINED,
    FREEZE_PROPOSED,
    FROZEN,
    IN_FORCE,
    LIFTED,
    UPHELD,
    Alert,
    AlertState,
    AlreadyFrozen,
    Freeze,
    FreezeState,
    NotFreezable,
    TargetKind,
    UnknownAlert,
    UnknownFreeze,
)
from xinqiao.webhooks.actions import tell

UNDER_WAY = (FreezeState.PROPOSED, *IN_FORCE)


@transaction.atomic
def dismiss_alert(alert: int, *, reason: str, actor: str, now: datetime) -> Alert:
    """Close an alert that has an explanation; the same looks are not raised again. Raises UnknownAlert, NoReason."""
    row, said = _alert(alert), check_said(reason)
    row.state = ALERT_TRANSITIONS.check(AlertState(row.state), "dismiss")
    row.reason, row.settled_at = said, now
    row.save(update_fields=["state", "reason", "settled_at"])
    body = {"alert": alert, "reason": said}
    record(ALERT_DISMISSED, actor=actor, subject=row.organisation, body=body, now=now)
    return alert_facts(row)


def target_of(actor: str) -> tuple[TargetKind, str]:
    """What a ledger line's actor is to a freeze; raises NotFreezable."""
    kind, _, name = actor.partition(":")
    if kind == "api" and name:
        return TargetKind.CLIENT, name
    if kind == "person" and name.isdecimal():
        return TargetKind.PERSON, name
    raise NotFreezable(target=actor)


@transaction.atomic
def propose_freeze(
    party: str, *, organisation: str, reason: str, alert: int | None = None, actor: str, now: datetime
) -> Freeze:
    """Ask a second person to stop a program (``api:`` and its client_id) or a member (``person:`` and the number).

    Nothing is stopped yet. Raises NotFreezable, NoReason, AlreadyFrozen, UnknownAlert, PartyNotFound, ClientNotFound.
    """
    kind, target = target_of(party)
    said = check_said(reason)
    _check_target(kind, target, organisation)
    hold_name(f"supervision.freeze {kind} {target}")
    if FreezeRow.objects.filter(kind=kind, target=target, organisation=organisation, state__in=UNDER_WAY).exists():
        raise AlreadyFrozen(target=target)
    row = FreezeRow(id=new_number("F", now), kind=kind, target=target)
    row.organisation, row.state, row.reason = organisation, FreezeState.PROPOSED, said
    row.proposed_by, row.proposed_at = actor, now
    if alert is not None:
        row.alert = _acted(alert, row.id, now)
    row.save(force_insert=True)
    body = {"freeze": row.id, "kind": str(kind), "target": target, "alert": alert, "reason": said}
    record(FREEZE_PROPOSED, actor=actor, subject=organisation, body=body, now=now)
    return freeze_facts(row)


def _check_target(kind: TargetKind, target: str, organisation: str) -> None:
    found = get_organisation(organisation)
    if found.kind is OrganisationKind.NODE:
        raise NotFreezable(target=organisation)
    # The program that looked for a hosted platform is its host's.
    if kind is TargetKind.CLIENT and get_client(target).organisation.code not in (organisation, found.via):
        raise NotFreezable(target=target)


def _acted(alert: int, freeze: str, now: datetime) -> AlertRow:
    row = _alert(alert)
    row.state = ALERT_TRANSITIONS.check(AlertState(row.state), "act")
    row.freeze, row.settled_at = freeze, now
    row.save(update_fields=["state", "freeze", "settled_at"])
    return row


@transaction.atomic
def approve_freeze(freeze: str, *, actor: str, now: datetime) -> Freeze:
    """Stop the target from its next call on; only by somebody else than who proposed it.

    Raises UnknownFreeze, TransitionRefused, SecondPersonNeeded.
    """
    row = _freeze(freeze)
    state = FREEZE_TRANSITIONS.check(FreezeState(row.state), "approve")
    check_other_person(actor, before=[row.proposed_by])
    row.state, row.approved_by, row.approved_at = state, actor, now
    row.save(update_fields=["state", "approved_by", "approved_at"])
    by = {"case": row.id, "actor": actor, "now": now}
    if row.kind == TargetKind.CLIENT:
        freeze_client(row.target, **by)
    else:
        freeze_member(int(row.target), organisation=row.organisation, **by)
    return _told(row, FROZEN, {"reason": row.reason}, actor, now)


@transaction.atomic
def conclude_unlawful(freeze: str, *, reason: str, actor: str, now: datetime) -> Freeze:
    """Find that what a freeze in force is about was reading unlawfully: its organisation is suspended at once.

    By somebody else than who proposed the freeze; with the approval of the freeze, two people have found so. Raises
    UnknownFreeze, TransitionRefused, SecondPersonNeeded, NoReason, UnknownMember (a department).
    """
    row, said = _freeze(freeze), check_said(reason)
    FREEZE_TRANSITIONS.check(FreezeState(row.state), "lift")  # only what is in force
    check_other_person(actor, before=[row.proposed_by])
    suspend_urgently(row.organisation, case=row.id, reason=said, actor=actor, now=now)
    return _told(row, FOUND_UNLAWFUL, {"reason": said}, actor, now)


@transaction.atomic
def decline_freeze(freeze: str, *, reason: str, actor: str, now: datetime) -> Freeze:
    """Let a proposal fall, or take it back. Raises UnknownFreeze, TransitionRefused, NoReason."""
    row, said = _freeze(freeze), check_said(reason)
    row.state = FREEZE_TRANSITIONS.check(FreezeState(row.state), "decline")
    row.decision, row.decided_by, row.decided_at = said, actor, now
    row.save(update_fields=["state", "decision", "decided_by", "decided_at"])
    record(FREEZE_DECLINED, actor=actor, subject=row.organisation, body={"freeze": row.id, "reason": said}, now=now)
    return freeze_facts(row)


@transaction.atomic
def appeal_freeze(freeze: str, *, organisation: str, text: str, actor: str, now: datetime) -> Freeze:
    """The organisation's objection; to be answered within the working days of the content.

    Raises UnknownFreeze (also for another organisation's), TransitionRefused, NoReason.
    """
    row, said = _freeze(freeze, organisation=organisation), check_said(text, field="text")
    row.state = FREEZE_TRANSITIONS.check(FreezeState(row.state), "appeal")
    due = work_calendar().add(beijing_day(now), watching().appeal_workdays)
    row.appeal, row.appealed_by, row.appealed_at, row.due_on = said, actor, now, due.on
    row.decision, row.decided_by, row.decided_at = "", "", None
    row.save()
    body = {"freeze": row.id, "text": said, "due_on": due.on.isoformat()}
    record(APPEALED, actor=actor, subject=organisation, body=body, now=now)
    return freeze_facts(row)


@transaction.atomic
def decide_appeal(freeze: str, *, lift: bool, reason: str, actor: str, now: datetime) -> Freeze:
    """Uphold or lift after an appeal; by somebody who neither proposed nor approved the freeze.

    Raises UnknownFreeze, TransitionRefused, SecondPersonNeeded, NoReason.
    """
    row, said = _freeze(freeze), check_said(reason)
    FREEZE_TRANSITIONS.check(FreezeState(row.state), "uphold")  # only what was appealed
    check_other_person(actor, before=[row.proposed_by, row.approved_by])
    if lift:
        return _lift(row, said, actor, now)
    row.state, row.decision, row.decided_by, row.decided_at = FreezeState.FROZEN, said, actor, now
    row.save(update_fields=["state", "decision", "decided_by", "decided_at"])
    return _told(row, UPHELD, {"reason": said}, actor, now)


@transaction.atomic
def lift_freeze(freeze: str, *, reason: str, actor: str, now: datetime) -> Freeze:
    """End a freeze without an appeal, by somebody else than who proposed it.

    Raises UnknownFreeze, TransitionRefused, SecondPersonNeeded, NoReason.
    """
    row, said = _freeze(freeze), check_said(reason)
    check_other_person(actor, before=[row.proposed_by])
    return _lift(row, said, actor, now)


def _lift(row: FreezeRow, said: str, actor: str, now: datetime) -> Freeze:
    row.state = FREEZE_TRANSITIONS.check(FreezeState(row.state), "lift")
    row.decision, row.decided_by, row.decided_at = said, actor, now
    row.save(update_fields=["state", "decision", "decided_by", "decided_at"])
    by = {"case": row.id, "actor": actor, "now": now}
    if row.kind == TargetKind.CLIENT:
        unfreeze_client(row.target, **by)
    else:
        unfreeze_member(int(row.target), organisation=row.organisation, **by)
    return _told(row, LIFTED, {"reason": said}, actor, now)


def _told(row: FreezeRow, event: Event, more: dict[str, str], actor: str, now: datetime) -> Freeze:
    """Record, and put a thin notice into the organisation's queue."""
    body = {"freeze": row.id, "kind": row.kind, "target": row.target, **more}
    record(event, actor=actor, subject=row.organisation, body=body, now=now)
    data = {"freeze": row.id, "state": row.state, "target": row.target}
    tell(row.organisation, f"freeze.{row.state}", about=row.id, data=data, now=now)
    return freeze_facts(row)


def _alert(alert: int) -> AlertRow:
    row = AlertRow.objects.select_for_update().filter(id=alert).first()
    if row is None:
        raise UnknownAlert(alert=alert)
    return row


def _freeze(freeze: str, *, organisation: str | None = None) -> FreezeRow:
    rows = FreezeRow.objects.select_for_update(of=("self",)).filter(id=freeze)
    row = (rows.filter(organisation=organisation) if organisation else rows).first()
    if row is None:
        raise UnknownFreeze(freeze=freeze)
    return row
