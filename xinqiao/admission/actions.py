"""The node's verbs: founding members, assessing, deciding by two people, urgent suspension, probe results."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from xinqiao.accounts.actions import open_account
from xinqiao.admission.applying import begin, hold_place
from xinqiao.admission.content import bar
from xinqiao.admission.effects import move, settle, tell_enterprises
from xinqiao.admission.models import MeasureRow, MemberRow, ProbeRow
from xinqiao.admission.queries import (
    dossier_of,
    is_open,
    lapses_of,
    measure_facts,
    member_facts,
    probes_of,
    sponsor_open,
)
from xinqiao.admission.refusals import HostMissing, NotAdmissible, OneDecisionAtATime, SponsorMissing
from xinqiao.admission.rules import (
    ADMISSION_TRANSITIONS,
    MEASURE_TRANSITIONS,
    check_applicant,
    check_dossier,
    check_none,
    check_other_person,
    check_probes,
    check_said,
    event_of,
    possible,
    review_day,
    trial_end,
)
from xinqiao.admission.storage import held_measure, held_member, new_member
from xinqiao.admission.types import (
    APPLICANT_REGISTERED,
    ASSESSED,
    DECIDED,
    DECLINED,
    FOUNDED,
    OPEN_STATES,
    PROBED,
    PROPOSED,
    SENT_BACK,
    SUSPENDED,
    WATCHED,
    Measure,
    MeasureKind,
    MeasureState,
    Member,
    Route,
    State,
)
from xinqiao.consent.types import NotAdmitted
from xinqiao.evidence.actions import record
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.kernel.errors import Phrase
from xinqiao.parties.actions import add_member, register_organisation
from xinqiao.parties.queries import get_organisation
from xinqiao.parties.types import OrganisationKind, Role

NEEDS_DOSSIER = frozenset({MeasureKind.ADMIT, MeasureKind.TRY_OUT, MeasureKind.REVIEW, MeasureKind.GRADUATE})


@transaction.atomic
def register_applicant(
    code: str,
    *,
    kind: OrganisationKind,
    name: str,
    uscc: str,
    username: str,
    person: str,
    password: str,
    actor: str,
    now: datetime,
) -> Member:
    """Enter an organisation that wants to apply, with the person who writes its application.

    Raises InvalidApplicant, AlreadyRegistered, InvalidUscc, NotAdmissible.
    """
    check_applicant(code, name=name, username=username, person=person, password=password)
    register_organisation(code, kind=kind, name=name, uscc=uscc, actor=actor, now=now)
    number = open_account(username, name=person, password=password, actor=actor, now=now)
    add_member(number, role=Role.OPERATOR, organisation=code, actor=actor, now=now)
    record(APPLICANT_REGISTERED, actor=actor, subject=code, body={"code": code, "person": number}, now=now)
    return begin(code, actor=actor, now=now)


@transaction.atomic
def found(organisation: str, *, reason: str, level: str = "", place: str = "", actor: str, now: datetime) -> Member:
    """Take a registered organisation in as a founding member: admitted from now on, reviewed within the year.

    For a node that begins with members that were connected before it. Raises AlreadyMember, NotAdmissible, PlaceTaken,
    ReasonNeeded, PartyNotFound.
    """
    row = new_member(organisation, state=State.ADMITTED, now=now)
    hold_place(row, level, place)
    row.founded, row.reason, row.review_on = True, check_said(reason), review_day(bar(), beijing_day(now))
    row.save()
    body = {"reason": row.reason, "review_on": row.review_on.isoformat()}
    record(FOUNDED, actor=actor, subject=organisation, body=body, now=now)
    settle(row, reason=row.reason, actor=actor, now=now)
    return member_facts(row)


@transaction.atomic
def send_back(organisation: str, *, reason: str, actor: str, now: datetime) -> Member:
    """Give an application back to be completed; its answers stay.

    Raises UnknownMember, TransitionRefused, ReasonNeeded.
    """
    row, said = held_member(organisation), check_said(reason)
    move(row, "send_back", reason=said, actor=actor, now=now)
    record(SENT_BACK, actor=actor, subject=organisation, body={"reason": said, "round": row.round}, now=now)
    return member_facts(row)


@transaction.atomic
def assess(organisation: str, *, reason: str, actor: str, now: datetime) -> Member:
    """Note that security and authorisation are assessed, and the outcome in words; the decision is open then.

    Raises UnknownMember, TransitionRefused, ReasonNeeded.
    """
    row, said = held_member(organisation), check_said(reason)
    move(row, "assess", reason=said, actor=actor, now=now)
    gaps = [f"{g.kind}:{g.question.id}" for g in dossier_of(row, on=beijing_day(now)).gaps]
    record(ASSESSED, actor=actor, subject=organisation, body={"outcome": said, "gaps": gaps}, now=now)
    return member_facts(row)


@transaction.atomic
def propose(
    organisation: str, kind: MeasureKind, *, reason: str, successor: str = "", actor: str, now: datetime
) -> Measure:
    """Ask a second person for a decision; nothing changes yet.

    ``successor`` (on removal only) is who asks the enterprises to go on. Raises UnknownMember, TransitionRefused,
    ReasonNeeded, OneDecisionAtATime and what the decision itself needs: DossierIncomplete, TechnicalBar, StillLapsed,
    HostMissing, SponsorMissing, NotAdmitted (the successor).
    """
    row, said = held_member(organisation), check_said(reason)
    _check(row, kind, successor, now)
    waiting = MeasureRow.objects.filter(member=row, state=MeasureState.PROPOSED).first()
    if waiting is not None:
        raise OneDecisionAtATime(measure=waiting.id)
    made = MeasureRow(id=new_number("M", now), member=row, kind=kind, state=MeasureState.PROPOSED, reason=said)
    made.successor, made.proposed_by, made.proposed_at = successor, actor, now
    made.save(force_insert=True)
    body = {"measure": made.id, "kind": str(kind), "reason": said, "successor": successor}
    record(PROPOSED, actor=actor, subject=organisation, body=body, now=now)
    return measure_facts(made)


def _check(row: MemberRow, kind: MeasureKind, successor: str, now: datetime) -> None:
    """Whether a decision is possible now."""
    ADMISSION_TRANSITIONS.check(State(row.state), event_of(kind, on_trial=row.trial_until is not None))
    if kind is MeasureKind.CLEAR or (kind is MeasureKind.ADMIT and row.state == State.WATCHED):
        found = lapses_of(row, on=beijing_day(now))
        check_none([lapse for lapse in found if kind is MeasureKind.CLEAR or lapse.code not in ("trial", "review")])
    if kind not in possible(member_facts(row)):
        raise NotAdmissible(organisation=row.name)
    if kind in NEEDS_DOSSIER:
        route = Route.DIRECT if kind is MeasureKind.GRADUATE else Route(row.route)
        check_dossier(bar(), dossier_of(row, on=beijing_day(now)).gaps, route)
        if route is Route.DIRECT:
            check_probes(probes_of(row))
        _check_sponsor(row, route)
    if successor and (successor == row.organisation or not is_open(successor)):
        raise NotAdmitted(organisation=get_organisation(successor).name)


def _check_sponsor(row: MemberRow, route: Route) -> None:
    if route is Route.HOSTED and not is_open(bar().host):
        raise HostMissing(host=bar().host_name.zh)
    if route is Route.DIRECT and row.through and not sponsor_open(row):
        raise SponsorMissing(platform=row.through)


def approve(measure: str, *, actor: str, now: datetime) -> Measure:
    """Put a decision in force; only by somebody else than who proposed it. A suspension works on the next read.

    A removal ends many things one by one: the gate is closed in a transaction before it, so that nothing is read
    meanwhile; and enterprises are told after the gate has moved. Raises UnknownMeasure, TransitionRefused,
    OtherPersonNeeded, and what :func:`propose` raises when things changed.
    """
    _close_first(measure, actor, now)
    made = _put_in_force(measure, actor, now)
    tell_enterprises(actor=actor, now=now)
    return made


@transaction.atomic
def _close_first(measure: str, actor: str, now: datetime) -> None:
    """Before a removal, suspend a member that is open; should the removal fail, it stays suspended."""
    made, row, kind = _approvable(measure, actor, now)
    if kind is MeasureKind.REMOVE and row.state in OPEN_STATES:
        move(row, "suspend", reason=made.reason, actor=actor, now=now, quiet=True)
        body = {"reason": made.reason, "measure": made.id}
        record(SUSPENDED, actor=actor, subject=row.organisation, body=body, now=now)


def _approvable(measure: str, actor: str, now: datetime) -> tuple[MeasureRow, MemberRow, MeasureKind]:
    """A decision and its member, both held; raises what stands against approving it now."""
    made = held_measure(measure)
    MEASURE_TRANSITIONS.check(MeasureState(made.state), "approve")
    check_other_person(actor, before=[made.proposed_by])
    row, kind = held_member(made.member.organisation), MeasureKind(made.kind)
    _check(row, kind, made.successor, now)
    return made, row, kind


@transaction.atomic
def _put_in_force(measure: str, actor: str, now: datetime) -> Measure:
    made, row, kind = _approvable(measure, actor, now)
    state = MeasureState.APPROVED
    made.state, made.decided_by, made.decided_at = state, actor, now
    made.save(update_fields=["state", "decided_by", "decided_at"])
    event = event_of(kind, on_trial=row.trial_until is not None)
    _set_terms(row, kind, now)
    move(row, event, reason=made.reason, actor=actor, now=now, successor=made.successor)
    body = {"measure": made.id, "kind": str(kind), "state": row.state, "route": row.route, "reason": made.reason}
    record(DECIDED, actor=actor, subject=row.organisation, body=body, now=now)
    return measure_facts(made)


def _set_terms(row: MemberRow, kind: MeasureKind, now: datetime) -> None:
    """The days that a decision sets or ends."""
    today = beijing_day(now)
    if kind in (MeasureKind.ADMIT, MeasureKind.TRY_OUT, MeasureKind.REVIEW):
        row.review_on, row.dossier = review_day(bar(), today), True
    if kind is MeasureKind.TRY_OUT:
        row.trial_until = trial_end(bar(), today)
    if kind in (MeasureKind.ADMIT, MeasureKind.REMOVE):
        row.trial_until = None
    if kind in (MeasureKind.ADMIT, MeasureKind.CLEAR, MeasureKind.REMOVE):
        row.watched_at = None
    if kind is MeasureKind.RESTORE:
        row.watched_at = now
    if kind is MeasureKind.GRADUATE:
        row.route = Route.DIRECT


@transaction.atomic
def decline(measure: str, *, reason: str, actor: str, now: datetime) -> Measure:
    """Let a proposal fall, or take it back. Raises UnknownMeasure, TransitionRefused, ReasonNeeded."""
    made, said = held_measure(measure), check_said(reason)
    made.state = MEASURE_TRANSITIONS.check(MeasureState(made.state), "decline")
    made.decision, made.decided_by, made.decided_at = said, actor, now
    made.save(update_fields=["state", "decision", "decided_by", "decided_at"])
    body = {"measure": made.id, "reason": said}
    record(DECLINED, actor=actor, subject=made.member.organisation, body=body, now=now)
    return measure_facts(made)


def suspend_urgently(organisation: str, *, case: str, reason: str, actor: str, now: datetime) -> Member:
    """Suspend at once, without a proposal: for a finding that two people of supervision have made, named by ``case``.

    A member that is suspended already stays so. Raises UnknownMember, TransitionRefused, ReasonNeeded.
    """
    said = check_said(reason)
    with transaction.atomic():
        row = held_member(organisation)
        if row.state != State.SUSPENDED:
            _suspend(row, said, {"case": case}, actor, now)
    tell_enterprises(actor=actor, now=now)
    return member_facts(row)


def suspend_lapsed(row: MemberRow, *, reason: str, lapses: list[str], actor: str, now: datetime) -> Member:
    """Suspend a member whose grace period is over; call in a transaction with the row held."""
    return _suspend(row, reason, {"lapses": lapses}, actor, now)


def _suspend(row: MemberRow, reason: str, more: dict[str, object], actor: str, now: datetime) -> Member:
    move(row, "suspend", reason=reason, actor=actor, now=now)
    record(SUSPENDED, actor=actor, subject=row.organisation, body={"reason": reason, **more}, now=now)
    return member_facts(row)


def put_under_watch(row: MemberRow, *, reason: str, lapses: list[str], actor: str, now: datetime) -> Member:
    """Note that something lapsed; data still pass until the grace period ends. Call with the row held."""
    row.watched_at = now
    move(row, "watch", reason=reason, actor=actor, now=now)
    body = {"reason": reason, "lapses": lapses}
    record(WATCHED, actor=actor, subject=row.organisation, body=body, now=now)
    return member_facts(row)


@transaction.atomic
def report_probe(organisation: str, probe: str, *, passed: bool, detail: str = "", actor: str, now: datetime) -> Member:
    """Keep the result of a probe of a member's interface; a failing one puts it under watch at once.

    ``probe`` is the probe's permanent name. Raises UnknownMember.
    """
    row = held_member(organisation)
    ProbeRow.objects.create(member=row, probe=probe[:60], passed=passed, detail=detail[:500], at=now)
    body = {"probe": probe[:60], "passed": passed, "detail": detail[:500]}
    record(PROBED, actor=actor, subject=organisation, body=body, now=now)
    if not passed and row.state in OPEN_STATES - {State.WATCHED}:
        said = Phrase("探测“{probe}”未通过", probe=probe[:60])
        return put_under_watch(row, reason=said, lapses=[f"probe:{probe[:60]}"], actor=actor, now=now)
    return member_facts(row)
