"""Reads of watches, signals and replies: facts, never rows. An institution reads only what it may still read now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Count, QuerySet

from xinqiao.consent.queries import active_by_pair, find_active
from xinqiao.consent.types import Authorisation
from xinqiao.kernel.dated import beijing_day
from xinqiao.monitoring.content import signals
from xinqiao.monitoring.models import EmbargoRow, PushRow, SignalRow, WatchRow
from xinqiao.monitoring.pushing import inquiry_of
from xinqiao.monitoring.refusals import UnknownSignal
from xinqiao.monitoring.rules import is_low
from xinqiao.monitoring.types import (
    PURPOSE,
    Embargo,
    EmbargoState,
    Precision,
    Push,
    PushState,
    Reply,
    Signal,
    SignalLevel,
    SignalState,
    Watch,
    WatchEnd,
)
from xinqiao.release.disclosing import may_still_read
from xinqiao.release.types import Recipient

ORDER = {SignalLevel.RED: 0, SignalLevel.AMBER: 1, SignalLevel.BLUE: 2}


def list_watches(*, organisation: str, live: bool = True, limit: int = 500) -> list[Watch]:
    """An institution's watch list, the newest first."""
    rows = WatchRow.objects.filter(organisation=organisation).order_by("-began_at", "-id")
    return [watch_facts(row) for row in (rows.filter(ended_at=None) if live else rows)[:limit]]


def count_watched() -> tuple[int, int]:
    """Borrowers watched now, and institutions that watch."""
    live = WatchRow.objects.filter(ended_at=None)
    return live.values("enterprise").distinct().count(), live.values("organisation").distinct().count()


def list_told(
    recipient: Recipient, *, now: datetime, answered: bool = False, limit: int = 200
) -> list[tuple[Signal, Push]]:
    """Signals that an institution may read now, those without a reply unless ``answered``, the most pressing first."""
    rows = _told(recipient.code, beijing_day(now))
    rows = rows.exclude(reply="") if answered else rows.filter(reply="")
    found = [(signal_facts(row.signal), push_facts(row)) for row in rows.order_by("-told_at", "-id")[:limit]]
    active = active_by_pair(purpose=PURPOSE, now=now, recipient=recipient.code)
    kept = [
        (signal, push)
        for signal, push in found
        if _readable(recipient, signal, push, active.get((recipient.code, signal.enterprise)), now)
    ]
    return sorted(kept, key=lambda pair: ORDER[pair[0].level])


def get_told(signal: str, *, recipient: Recipient, now: datetime) -> tuple[Signal, Push]:
    """One signal as an institution may read it now; raises UnknownSignal, also once it is expired or withdrawn."""
    row = _told(recipient.code, beijing_day(now)).filter(signal=signal).order_by("-id").first()
    found = (signal_facts(row.signal), push_facts(row)) if row else None
    if found is None:
        raise UnknownSignal(signal=signal)
    live = find_active(recipient=recipient.code, subject=found[0].enterprise, purpose=PURPOSE, now=now)
    if not _readable(recipient, *found, live, now):
        raise UnknownSignal(signal=signal)
    return found


def _told(organisation: str, today: date) -> QuerySet[PushRow]:
    rows = PushRow.objects.select_related("signal", "watch").filter(watch__organisation=organisation)
    return rows.filter(state=PushState.TOLD, signal__state=SignalState.RAISED, signal__expires_on__gte=today)


def _readable(recipient: Recipient, signal: Signal, push: Push, live: Authorisation | None, now: datetime) -> bool:
    """Under the authorisation that stands now, or the one it was told under as long as that was only used up."""
    rule = signals().rule(signal.rule)
    if rule is None:
        return False
    authorisation = live.id if live else push.watch.authorisation
    return may_still_read(inquiry_of(recipient, signal.enterprise, rule, authorisation=authorisation, now=now), now=now)


def list_about(enterprise: str, *, now: datetime, limit: int = 200) -> list[tuple[Signal, list[Push]]]:
    """Signals about an enterprise that it is told of by now, each with the institutions that were told."""
    rows = SignalRow.objects.filter(enterprise=enterprise, told_from__lte=now).order_by("-raised_at", "-id")[:limit]
    return [(signal_facts(row), _pushes(row)) for row in rows]


def get_about(signal: str, *, enterprise: str, now: datetime) -> tuple[Signal, list[Push]]:
    """One signal as the enterprise reads it; raises UnknownSignal."""
    row = SignalRow.objects.filter(id=signal, enterprise=enterprise, told_from__lte=now).first()
    if row is None:
        raise UnknownSignal(signal=signal)
    return signal_facts(row), _pushes(row)


def _pushes(row: SignalRow) -> list[Push]:
    told = row.pushrow_set.select_related("watch").filter(state=PushState.TOLD).order_by("id")
    return [push_facts(push) for push in told]


def list_signals(*, limit: int = 200) -> list[Signal]:
    """Signals of any enterprise, newest first, for the node."""
    return [signal_facts(row) for row in SignalRow.objects.order_by("-raised_at", "-id")[:limit]]


def count_signals() -> dict[str, int]:
    """How many signals each state holds."""
    return dict(SignalRow.objects.order_by().values_list("state").annotate(n=Count("id")))


def precisions(*, organisation: str | None = None) -> list[Precision]:
    """What was said of every rule's signals, of one institution or all; rules without a signal included."""
    rows = PushRow.objects.filter(state=PushState.TOLD)
    rows = rows.filter(watch__organisation=organisation) if organisation else rows
    counted: dict[str, Counter[str]] = {rule.code: Counter() for rule in signals().rules}
    for rule, reply, n in rows.order_by().values_list("signal__rule", "reply").annotate(n=Count("id")):
        counted.setdefault(rule, Counter())[reply] += n
    return [
        Precision(rule, sum(found.values()), {reply: n for reply, n in found.items() if reply})
        for rule, found in counted.items()
    ]


def low_rules(found: Iterable[Precision]) -> frozenset[str]:
    """Rules of which enough was said to call their precision low."""
    held = signals()
    limits = {"low_percent": held.low_percent, "least_replies": held.least_replies}
    return frozenset(one.rule for one in found if is_low(one, **limits))


def raw_replies() -> list[tuple[str, str]]:
    """(rule, reply) of every reply, from which the precision page can be made again."""
    rows = PushRow.objects.filter(state=PushState.TOLD).exclude(reply="").order_by("id")
    return list(rows.values_list("signal__rule", "reply"))


def list_embargoes(*, limit: int = 200) -> list[Embargo]:
    """Embargoes, the newest first."""
    return [embargo_facts(row) for row in EmbargoRow.objects.order_by("-proposed_at", "-id")[:limit]]


def watch_facts(row: WatchRow) -> Watch:
    """Facts of a row."""
    return Watch(
        id=row.id,
        organisation=row.organisation,
        organisation_name=row.organisation_name,
        enterprise=row.enterprise,
        enterprise_name=row.enterprise_name,
        authorisation=row.authorisation,
        exposure_fen=row.exposure_fen,
        began_at=row.began_at,
        ended_at=row.ended_at,
        end=WatchEnd(row.end) if row.end else None,
    )


def signal_facts(row: SignalRow) -> Signal:
    """Facts of a row."""
    return Signal(
        id=row.id,
        enterprise=row.enterprise,
        rule=row.rule,
        rule_sha256=row.rule_sha256,
        level=SignalLevel(row.level),
        state=SignalState(row.state),
        facts=row.facts,
        raised_at=row.raised_at,
        expires_on=row.expires_on,
        withdrawn_at=row.withdrawn_at,
        told_from=row.told_from,
        entry=row.entry,
    )


def push_facts(row: PushRow) -> Push:
    """Facts of a row."""
    return Push(
        id=row.id,
        watch=watch_facts(row.watch),
        state=PushState(row.state),
        access=row.access,
        told_at=row.told_at,
        reply=Reply(row.reply) if row.reply else None,
        reason=row.reason,
        note=row.note,
        replied_at=row.replied_at,
    )


def embargo_facts(row: EmbargoRow) -> Embargo:
    """Facts of a row."""
    return Embargo(
        id=row.id,
        enterprise=row.enterprise,
        basis=row.basis,
        until=row.until,
        state=EmbargoState(row.state),
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
    )
