"""Verbs of monitoring: put on the list and take off, reply, hold back the telling by two people."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db import transaction

from xinqiao.consent.queries import find_active
from xinqiao.evidence.actions import record
from xinqiao.kernel.dated import BEIJING
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.monitoring.content import reply_reasons, signals
from xinqiao.monitoring.models import EmbargoRow, PushRow, SignalRow, WatchRow
from xinqiao.monitoring.pushing import stop_waiting
from xinqiao.monitoring.queries import embargo_facts, get_told, push_facts, watch_facts
from xinqiao.monitoring.refusals import (
    AlreadyReplied,
    AlreadyWatched,
    NotAdmittedToWatch,
    NotWatchable,
    UnknownEmbargo,
    UnknownWatch,
    WrongExposure,
)
from xinqiao.monitoring.rules import EMBARGO_TRANSITIONS, check_embargo, check_reply, check_second
from xinqiao.monitoring.types import (
    EMBARGO_APPROVED,
    EMBARGO_DECLINED,
    EMBARGO_ENDED,
    EMBARGO_PROPOSED,
    PURPOSE,
    SIGNAL_REPLIED,
    WATCH_ENDED,
    WATCHED,
    Embargo,
    EmbargoState,
    Push,
    Watch,
    WatchEnd,
)
from xinqiao.parties.queries import get_enterprise, get_organisation
from xinqiao.plumbing.locks import hold_name
from xinqiao.release.disclosing import show_held_lines
from xinqiao.release.types import Recipient


@transaction.atomic
def watch_borrower(
    organisation: str, *, enterprise: str, exposure_fen: int | None = None, actor: str, now: datetime
) -> Watch:
    """Put a borrower on an institution's list, under the authorisation for post-loan purposes that stands now.

    Raises WrongExposure, NotAdmittedToWatch, NotWatchable, AlreadyWatched, PartyNotFound.
    """
    if exposure_fen is not None and exposure_fen < 0:
        raise WrongExposure([Problem(field="exposure", code="monitoring.exposure", message=Phrase("敞口不能小于零"))])
    watching = get_organisation(organisation)
    if not watching.admitted:
        raise NotAdmittedToWatch(organisation=watching.name)
    found = find_active(recipient=organisation, subject=enterprise, purpose=PURPOSE, now=now)
    if found is None:
        raise NotWatchable(enterprise=enterprise)
    hold_name(f"monitoring.watch {organisation} {enterprise}")
    if WatchRow.objects.filter(organisation=organisation, enterprise=enterprise, ended_at=None).exists():
        raise AlreadyWatched(enterprise=enterprise)
    row = WatchRow.objects.create(
        organisation=organisation,
        organisation_name=watching.name,
        enterprise=enterprise,
        enterprise_name=get_enterprise(enterprise).name,
        authorisation=found.id,
        exposure_fen=exposure_fen,
        began_at=now,
    )
    body = {"watch": row.id, "organisation": organisation, "authorisation": found.id}
    record(WATCHED, actor=actor, subject=enterprise, body=body, now=now)
    return watch_facts(row)


@transaction.atomic
def end_watch(watch: int, *, organisation: str, actor: str, now: datetime) -> Watch:
    """An institution takes a borrower off its list. Raises UnknownWatch."""
    row = WatchRow.objects.select_for_update().filter(id=watch, organisation=organisation, ended_at=None).first()
    if row is None:
        raise UnknownWatch(watch=watch)
    return close_watch(row, WatchEnd.INSTITUTION, actor=actor, now=now)


def close_watch(row: WatchRow, why: WatchEnd, *, actor: str, now: datetime) -> Watch:
    """End a watch and what waits of it; call inside a transaction."""
    row.ended_at, row.end = now, why
    row.save(update_fields=["ended_at", "end"])
    stop_waiting(row.pushrow_set.all())
    body = {"watch": row.id, "organisation": row.organisation, "why": str(why)}
    record(WATCH_ENDED, actor=actor, subject=row.enterprise, body=body, now=now)
    return watch_facts(row)


@transaction.atomic
def reply(
    signal: str, *, recipient: Recipient, said: str, reason: str, note: str = "", actor: str, now: datetime
) -> Push:
    """An institution's word on a signal, once. Raises UnknownSignal, InvalidReply, AlreadyReplied."""
    _, push = get_told(signal, recipient=recipient, now=now)
    word, text = check_reply(said, reason, note, reasons={r.code: r.reply for r in reply_reasons()})
    row = PushRow.objects.select_for_update(of=("self",)).select_related("watch", "signal").get(id=push.id)
    if row.reply:
        raise AlreadyReplied(signal=signal)
    row.reply, row.reason, row.note, row.replied_by, row.replied_at = word, reason, text, actor, now
    row.save(update_fields=["reply", "reason", "note", "replied_by", "replied_at"])
    body = {"signal": signal, "organisation": recipient.code, "reply": str(word), "reason": reason, "note": text}
    record(SIGNAL_REPLIED, actor=actor, subject=row.signal.enterprise, body=body, now=now)
    return push_facts(row)


@transaction.atomic
def propose_embargo(enterprise: str, *, basis: str, until: date | None, actor: str, now: datetime) -> Embargo:
    """Ask a second person to let an enterprise be told later, on a legal basis. Nothing is held back yet.

    It holds until the end of the day ``until`` in Beijing. Raises InvalidEmbargo.
    """
    said = check_embargo(basis, until, most_days=signals().embargo_days, now=now)
    assert until is not None
    end = datetime.combine(until + timedelta(days=1), time(), BEIJING)
    row = EmbargoRow.objects.create(
        enterprise=enterprise, basis=said, until=end, state=EmbargoState.PROPOSED, proposed_by=actor, proposed_at=now
    )
    body = {"embargo": row.id, "basis": said, "until": end.isoformat()}
    record(EMBARGO_PROPOSED, actor=actor, subject=enterprise, body=body, now=now)
    return embargo_facts(row)


@transaction.atomic
def settle_embargo(embargo: int, *, approve: bool, actor: str, now: datetime) -> Embargo:
    """A second person approves or declines; signals raised from then on are told to the enterprise at its end.

    Raises UnknownEmbargo, TransitionRefused, SecondOfTwoNeeded.
    """
    row = _embargo(embargo)
    state = EMBARGO_TRANSITIONS.check(EmbargoState(row.state), "approve" if approve else "decline")
    check_second(actor, proposed_by=row.proposed_by)
    row.state, row.approved_by, row.approved_at = state, actor, now
    row.save(update_fields=["state", "approved_by", "approved_at"])
    event = EMBARGO_APPROVED if approve else EMBARGO_DECLINED
    record(event, actor=actor, subject=row.enterprise, body={"embargo": row.id}, now=now)
    return embargo_facts(row)


@transaction.atomic
def end_embargo(embargo: int, *, actor: str, now: datetime) -> Embargo:
    """Tell the enterprise now of what was held back. Raises UnknownEmbargo, TransitionRefused."""
    row = _embargo(embargo)
    row.state = EMBARGO_TRANSITIONS.check(EmbargoState(row.state), "end")
    row.save(update_fields=["state"])
    held = SignalRow.objects.filter(enterprise=row.enterprise, told_from=row.until)
    lines = PushRow.objects.filter(signal__in=held).exclude(access="").values_list("access", flat=True)
    shown = show_held_lines(list(lines), now=now)
    held.update(told_from=now)
    record(EMBARGO_ENDED, actor=actor, subject=row.enterprise, body={"embargo": row.id, "lines": shown}, now=now)
    return embargo_facts(row)


def _embargo(embargo: int) -> EmbargoRow:
    row = EmbargoRow.objects.select_for_update().filter(id=embargo).first()
    if row is None:
        raise UnknownEmbargo(embargo=embargo)
    return row
