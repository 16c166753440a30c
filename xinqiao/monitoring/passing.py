"""A pass: what is new in the lake touches which watched enterprises, what the rules find there, what that changes.

Signals and their pushes are written some hundred at a time, each lot whole; the bookmark moves after the last. A pass
that dies in between is made again: what stands is found to stand, the rest is raised, nothing twice.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from xinqiao.consent.queries import active_by_pair
from xinqiao.consent.types import Authorisation
from xinqiao.evaluation.queries import published_runs
from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.monitoring.actions import close_watch
from xinqiao.monitoring.content import signals
from xinqiao.monitoring.models import BookmarkRow, EmbargoRow, PushRow, SeenFile, SignalRow, WatchRow
from xinqiao.monitoring.pushing import ACTOR, announce, stop_waiting
from xinqiao.monitoring.rules import concerns
from xinqiao.monitoring.scan import RUNS, aged_runs, closed_items, find
from xinqiao.monitoring.types import (
    PURPOSE,
    SIGNAL_RAISED,
    SIGNAL_WITHDRAWN,
    EmbargoState,
    Finding,
    Pass,
    Place,
    PushState,
    RuleKind,
    SignalRule,
    SignalState,
    WatchEnd,
)
from xinqiao.parties.queries import is_excluded
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.locks import hold_name
from xinqiao.records.queries import FileChange, enterprises_in, list_changes, register_mark
from xinqiao.sharing.queries import current_list

LOT = 500
Active = Mapping[tuple[str, str], Authorisation]  # (institution, enterprise) → what the watch stands on
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known:
    """Live watches by enterprise, and by watch and rule whether its authorisation covers what the rule uses."""

    watches: Mapping[str, Sequence[WatchRow]]
    covered: Mapping[int, frozenset[str]]

    def entitled(self, finding: Finding) -> list[WatchRow]:
        """The watches to which a finding is news."""
        return [
            watch
            for watch in self.watches.get(finding.enterprise, ())
            if finding.rule in self.covered[watch.id]
            and concerns(finding, began_at=watch.began_at, names=(watch.organisation, watch.organisation_name))
        ]


def monitor(*, now: datetime) -> Pass:
    """One pass over what is new since the last. Passes beside each other do no harm: each change happens once."""
    active = active_by_pair(purpose=PURPOSE, now=now)
    ended = _end_lapsed(active, now)
    mark = BookmarkRow.objects.first()
    stands, known = _stands(now), _known(active, now)
    widened = _widened(known)
    if mark and not widened and (mark.lake, mark.rules_sha256, mark.list_sha256, mark.runs) == stands:
        return Pass(0, 0, 0, ended)
    changes = list_changes(seen=dict(SeenFile.objects.values_list("file", "withdrawn")), known=now)
    plan = _plan(mark, stands, changes, known.watches.keys())
    for firms in plan.values():
        firms.update(row.enterprise for row, _ in widened)
    found = list(find(signals().rules, plan, known=now))
    raised, withdrawn = _settle(found, plan, known, now)
    _mark(stands, changes, now)
    for row, digest in widened:
        WatchRow.objects.filter(id=row.id).update(covered_sha256=digest)
    return Pass(len(set().union(*plan.values())) if plan else 0, raised, withdrawn, ended)


def _widened(known: Known) -> list[tuple[WatchRow, str]]:
    """Watches whose authorisation covers other rules than at the last pass: what lay there already is news to them."""
    digests = {covered: sha256_hex("\n".join(sorted(covered)).encode()) for covered in set(known.covered.values())}
    rows = (row for rows in known.watches.values() for row in rows)
    return [(row, now_is) for row in rows if row.covered_sha256 != (now_is := digests[known.covered[row.id]])]


def recompute(*, now: datetime) -> set[tuple[int, Place]]:
    """What a pass over every watched enterprise by every rule would have told, as (watch, place); changes nothing."""
    known = _known(active_by_pair(purpose=PURPOSE, now=now), now)
    rules = signals().rules
    everything = {rule.code: known.watches.keys() for rule in rules}
    found = find(rules, everything, known=now)
    return {(w.id, f.place) for f in found for w in known.entitled(f)}


def standing(*, now: datetime) -> set[tuple[int, Place]]:
    """What was told, or waits to be, of the watches that are live, and has not been withdrawn.

    Grades of runs too old to be compared are left out, as a pass leaves them.
    """
    rows = PushRow.objects.filter(watch__ended_at=None, signal__state=SignalState.RAISED)
    places = rows.values_list("watch_id", "signal__enterprise", "signal__rule", "signal__key")
    aged = aged_runs()
    return {(watch, (firm, rule, key)) for watch, firm, rule, key in places.iterator() if key not in aged}


def _known(active: Active, now: datetime) -> Known:
    """The live watches whose authorisation stands now, with what it covers."""
    closed = {rule.code: closed_items(rule, now=now) for rule in signals().rules}
    watches, covered = defaultdict[str, list[WatchRow]](list), {}
    kept: dict[tuple[str, ...], frozenset[str]] = {}
    for row in WatchRow.objects.filter(ended_at=None).order_by("id").iterator():
        given = active.get((row.organisation, row.enterprise))
        if given is None:
            continue
        if given.items not in kept:
            kept[given.items] = frozenset(code for code, items in closed.items() if items <= set(given.items))
        watches[row.enterprise].append(row)
        covered[row.id] = kept[given.items]
    return Known(watches, covered)


def _end_lapsed(active: Active, now: datetime) -> int:
    """End watches whose authorisation no longer stands or whose institution is out; returns how many.

    Where a newer authorisation for the same purpose took the place of the old one, the watch goes on under it.
    """
    live = list(WatchRow.objects.filter(ended_at=None))
    out = {code for code in {row.organisation for row in live} if is_excluded(code)}
    return sum(_end_or_follow(row, active.get((row.organisation, row.enterprise)), out, now) for row in live)


def _end_or_follow(row: WatchRow, given: Authorisation | None, out: Collection[str], now: datetime) -> bool:
    if given is not None and row.organisation not in out:
        if given.id != row.authorisation:
            row.authorisation = given.id
            row.save(update_fields=["authorisation"])
        return False
    why = WatchEnd.SUSPENDED if row.organisation in out else WatchEnd.AUTHORISATION
    with transaction.atomic():
        held = WatchRow.objects.select_for_update().filter(id=row.id, ended_at=None).first()
        if held is not None:
            close_watch(held, why, actor=ACTOR, now=now)
    return held is not None


def _stands(now: datetime) -> tuple[str, str, str, str]:
    """What a pass rests on: the files, the rules, the list, the published runs."""
    runs = json.dumps([run.id for run in published_runs(limit=RUNS)])
    return register_mark(known=now), signals().sha256, current_list().sha256, runs


def _plan(
    mark: BookmarkRow | None, stands: tuple[str, str, str, str], changes: Sequence[FileChange], watched: Iterable[str]
) -> dict[str, set[str]]:
    """By rule the watched enterprises to look at: those that a change touches, or all where the ground changed."""
    everybody = set(watched)
    rules = signals().rules
    if mark is None or (mark.rules_sha256, mark.list_sha256) != stands[1:3]:
        return {rule.code: everybody for rule in rules}
    used = {item for rule in rules for item in rule.items}
    names, touched = pa.array(sorted(everybody), pa.string()), defaultdict[str, set[str]](set)
    for change in changes:
        if change.item in used:
            there = enterprises_in(change.path)
            touched[change.item].update(there.filter(pc.is_in(there, value_set=names)).to_pylist())
    plan = {rule.code: set().union(*(touched[item] for item in rule.items)) for rule in rules}
    if mark.runs != stands[3]:
        plan |= {rule.code: everybody for rule in rules if rule.kind is RuleKind.GRADE}
    return plan


def _settle(
    found: Sequence[Finding], plan: Mapping[str, Collection[str]], known: Known, now: datetime
) -> tuple[int, int]:
    """Raise what is new, renew what stands again, withdraw what no longer stands; returns raised and withdrawn."""
    have = _kept(plan)
    raised = 0
    for lot in _lots(((f, told) for f in found if (told := known.entitled(f))), LOT):
        raised += _raise(lot, have, now)
    there = {f.place for f in found}
    aged = aged_runs()  # no longer compared, and published still
    gone = [
        name
        for place, (name, state) in have.items()
        if state == SignalState.RAISED and place not in there and place[2] not in aged
    ]
    return raised, sum(_withdraw(lot, now) for lot in _lots(iter(gone), LOT))


def _kept(plan: Mapping[str, Collection[str]]) -> dict[Place, tuple[str, str]]:
    """Signals there are already of the rules and enterprises looked at: place → number and state."""
    rows = SignalRow.objects.filter(rule__in=[code for code, firms in plan.items() if firms])
    firms = set().union(*plan.values())
    rows = rows.filter(enterprise__in=firms) if len(firms) <= LOT else rows
    values = rows.values_list("enterprise", "rule", "key", "id", "state").iterator()
    return {(firm, rule, key): (name, state) for firm, rule, key, name, state in values if firm in plan[rule]}


def _lots(things: Iterator[T], size: int) -> Iterator[list[T]]:
    while lot := list(islice(things, size)):
        yield lot


@transaction.atomic
def _raise(lot: Sequence[tuple[Finding, list[WatchRow]]], have: Mapping[Place, tuple[str, str]], now: datetime) -> int:
    hold_name("monitoring.pass")
    embargoes = dict(
        EmbargoRow.objects.filter(state=EmbargoState.APPROVED, until__gt=now).values_list("enterprise", "until")
    )
    fresh = [(f, told) for f, told in lot if f.place not in have]
    taken = _taken(f for f, _ in fresh)
    rules, ends = {rule.code: rule for rule in signals().rules}, expiries(now)
    made = {
        f.place: _new(f, rules[f.rule], ends[f.rule], embargoes.get(f.enterprise, now), now)
        for f, _ in fresh
        if f.place not in taken
    }
    SignalRow.objects.bulk_create(made.values())
    again = [have[f.place][0] for f, _ in lot if f.place in have]
    back = _renew(again, embargoes, ends, now)
    names = {place: row.id for place, row in made.items()} | taken | {p: name for p, (name, _) in have.items()}
    wanted = {(names[f.place], watch.id) for f, told in lot for watch in told}
    there = set(PushRow.objects.filter(signal__in={s for s, _ in wanted}).values_list("signal_id", "watch_id"))
    PushRow.objects.bulk_create(
        PushRow(signal_id=signal, watch_id=watch, state=PushState.WAITING) for signal, watch in sorted(wanted - there)
    )
    return len(made) + back


def _taken(found: Iterable[Finding]) -> dict[Place, str]:
    """Of places that were free a moment ago, those that another pass has taken since."""
    wanted = {f.place for f in found}
    rows = SignalRow.objects.filter(enterprise__in={firm for firm, _, _ in wanted})
    there = rows.values_list("enterprise", "rule", "key", "id")
    return {(firm, rule, key): name for firm, rule, key, name in there if (firm, rule, key) in wanted}


def expiries(now: datetime) -> dict[str, date]:
    """By rule the last day on which a signal raised now may be read."""
    calendar, today = work_calendar(), beijing_day(now)
    return {rule.code: calendar.add(today, rule.expires_workdays).on for rule in signals().rules}


def _new(finding: Finding, rule: SignalRule, expires_on: date, told_from: datetime, now: datetime) -> SignalRow:
    row = SignalRow(
        id=new_number("S", now, size=6),
        enterprise=finding.enterprise,
        rule=rule.code,
        rule_sha256=rule.sha256,
        key=finding.key,
        level=rule.level,
        state=SignalState.RAISED,
        facts=dict(finding.facts),
        raised_at=now,
        expires_on=expires_on,
        told_from=told_from,
    )
    body = {
        "signal": row.id,
        "rule": rule.code,
        "rule_sha256": rule.sha256,
        "facts": row.facts,
        "expires_on": row.expires_on.isoformat(),
    }
    row.entry = record(SIGNAL_RAISED, actor=ACTOR, subject=finding.enterprise, body=body, now=now).id
    return row


def _renew(names: Collection[str], embargoes: Mapping[str, datetime], ends: Mapping[str, date], now: datetime) -> int:
    """Signals whose records stand again: they stand again too, and are told again, after an embargo if there is one."""
    rows = list(SignalRow.objects.select_for_update().filter(id__in=names, state=SignalState.WITHDRAWN))
    for row in rows:
        row.state, row.withdrawn_at, row.raised_at = SignalState.RAISED, None, now
        row.expires_on, row.told_from = ends[row.rule], embargoes.get(row.enterprise, now)
        body = {"signal": row.id, "rule": row.rule, "rule_sha256": row.rule_sha256, "facts": row.facts}
        row.entry = record(SIGNAL_RAISED, actor=ACTOR, subject=row.enterprise, body=body, now=now).id
        row.save(update_fields=["state", "withdrawn_at", "raised_at", "expires_on", "told_from", "entry"])
        row.pushrow_set.filter(watch__ended_at=None).update(state=PushState.WAITING)
    return len(rows)


@transaction.atomic
def _withdraw(names: Sequence[str], now: datetime) -> int:
    """Take signals back: what waits is not sent, who was told is told that it no longer stands."""
    hold_name("monitoring.pass")
    rows = list(SignalRow.objects.select_for_update().filter(id__in=names, state=SignalState.RAISED))
    for row in rows:
        row.state, row.withdrawn_at = SignalState.WITHDRAWN, now
        row.save(update_fields=["state", "withdrawn_at"])
        record(SIGNAL_WITHDRAWN, actor=ACTOR, subject=row.enterprise, body={"signal": row.id}, now=now)
        pushes = list(row.pushrow_set.select_related("watch"))
        stop_waiting(pushes)
        for push in pushes:
            if push.state == PushState.TOLD and push.watch.ended_at is None:
                announce(push, "withdrawn", now=now)
    return len(rows)


@transaction.atomic
def _mark(stands: tuple[str, str, str, str], changes: Sequence[FileChange], now: datetime) -> None:
    """Move the bookmark: after everything else, so that a pass that died is made again."""
    hold_name("monitoring.pass")
    SeenFile.objects.bulk_create(
        (SeenFile(file=change.id, withdrawn=change.withdrawn) for change in changes),
        update_conflicts=True,
        unique_fields=["file"],
        update_fields=["withdrawn"],
    )
    names = ("lake", "rules_sha256", "list_sha256", "runs")
    BookmarkRow.objects.update_or_create(id=1, defaults={**dict(zip(names, stands, strict=True)), "passed_at": now})
