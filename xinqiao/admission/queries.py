"""Reads of members, dossiers, decisions and notices: facts, never rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import F

from xinqiao.admission.content import bar
from xinqiao.admission.keeping import read_file
from xinqiao.admission.models import AnswerRow, EvidenceRow, MeasureRow, MemberRow, NoticeRow, ProbeRow
from xinqiao.admission.refusals import UnknownEvidence, UnknownMeasure, UnknownMember
from xinqiao.admission.rules import gaps, lapses, questions_for
from xinqiao.admission.types import (
    IN_REVIEW,
    OPEN_STATES,
    Dossier,
    Endpoint,
    Evidence,
    Lapse,
    Measure,
    MeasureKind,
    MeasureState,
    Member,
    Notice,
    NoticeKind,
    Orphans,
    ProbeResult,
    Route,
    State,
)
from xinqiao.consent.removal import count_standing
from xinqiao.kernel.dated import beijing_day
from xinqiao.oauth.queries import count_live_tokens
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.webhooks.queries import count_waiting


def find_member(organisation: str) -> Member | None:
    """The applicant or member of that code, or None."""
    row = MemberRow.objects.filter(organisation=organisation).first()
    return member_facts(row) if row else None


def get_member(organisation: str) -> Member:
    """The applicant or member of that code; raises UnknownMember."""
    return member_facts(_row(organisation))


def _row(organisation: str) -> MemberRow:
    row = MemberRow.objects.filter(organisation=organisation).first()
    if row is None:
        raise UnknownMember(organisation=organisation)
    return row


def list_members(states: Iterable[State] | None = None) -> list[Member]:
    """Applicants and members, the longest in their state first; of some states if given."""
    rows = MemberRow.objects.order_by("since", "organisation")
    return [member_facts(row) for row in (rows if states is None else rows.filter(state__in=list(states)))]


def is_open(organisation: str) -> bool:
    """Whether the organisation's own state lets data through."""
    return MemberRow.objects.filter(organisation=organisation, state__in=OPEN_STATES).exists()


def get_dossier(organisation: str, *, now: datetime) -> Dossier:
    """What a member has handed in for its current application, and what is lacking today; raises UnknownMember."""
    return dossier_of(_row(organisation), on=beijing_day(now))


def dossier_of(row: MemberRow, *, on: date) -> Dossier:
    """The dossier of a row, with its gaps on a day."""
    answers = dict(AnswerRow.objects.filter(member=row, round=row.round).values_list("question", "value"))
    filed = EvidenceRow.objects.filter(member=row, round=row.round).order_by("filed_at", "id")
    files = {one.question: evidence_facts(one) for one in filed}
    questions = questions_for(bar(), OrganisationKind(row.kind), answers)
    return Dossier(tuple(questions), answers, files, tuple(gaps(questions, answers, files, on=on)))


def open_evidence(evidence: str, *, organisation: str | None = None) -> tuple[Evidence, bytes]:
    """A filed file with its bytes, of one organisation when given; raises UnknownEvidence (also after an erasure)."""
    rows = EvidenceRow.objects.select_related("member").filter(id=evidence)
    row = (rows.filter(member__organisation=organisation) if organisation else rows).first()
    data = read_file(row.member_id, row.id, row.path) if row else None
    if row is None or data is None:
        raise UnknownEvidence(evidence=evidence)
    return evidence_facts(row), data


def lapses_of(row: MemberRow, *, on: date) -> list[Lapse]:
    """What has run out or gone wrong at a member on a day."""
    found = dossier_of(row, on=on).gaps if row.dossier else ()
    return lapses(bar(), member_facts(row), found, probes_of(row), sponsor_open=sponsor_open(row), on=on)


def list_lapses(organisation: str, *, now: datetime) -> list[Lapse]:
    """The same for the member of that code; raises UnknownMember."""
    row = _row(organisation)
    return lapses_of(row, on=beijing_day(now)) if row.state in OPEN_STATES else []


def sponsor_open(row: MemberRow) -> bool:
    """Whether whoever a member comes through is open: the host of a hosted platform, the platform of an institution."""
    sponsor = bar().host if row.route == Route.HOSTED else row.through
    return not sponsor or is_open(sponsor)


def probes_of(row: MemberRow) -> list[ProbeResult]:
    """The newest result of each probe of a member, by name."""
    newest: dict[str, ProbeResult] = {}
    for one in ProbeRow.objects.filter(member=row).order_by("at", "id"):
        newest[one.probe] = ProbeResult(one.probe, one.passed, one.detail, one.at)
    return [newest[name] for name in sorted(newest)]


def list_probes(organisation: str) -> list[ProbeResult]:
    """The newest result of each probe of the member of that code, by name."""
    row = MemberRow.objects.filter(organisation=organisation).first()
    return probes_of(row) if row else []


def list_endpoints() -> list[Endpoint]:
    """Where applicants and members of the network can be probed, by code; those removed or rejected are left out."""
    question = _endpoint_question()
    answers = AnswerRow.objects.select_related("member").filter(question=question).exclude(value="")
    gone = (State.REMOVED, State.REJECTED)
    rows = answers.filter(round=F("member__round")).exclude(member__state__in=gone).order_by("member__organisation")
    return [Endpoint(a.member.organisation, a.value, a.member.state in OPEN_STATES) for a in rows]


def find_endpoint(organisation: str) -> str | None:
    """The address that an applicant or member gave to be probed at, or None."""
    return next((one.url for one in list_endpoints() if one.organisation == organisation), None)


def _endpoint_question() -> str:
    return next(q.id for q in bar().questions if q.place == "endpoint")


def due_on(member: Member) -> date | None:
    """The day by which something must happen: a decision, the end of a trial, a review, a suspension, a deletion."""
    found, state = bar(), member.state
    if state in IN_REVIEW and member.applied_at:
        calendar = work_calendar()
        return calendar.add(beijing_day(member.applied_at), found.decision_workdays).on
    if state is State.WATCHED and member.watched_at:
        return beijing_day(member.watched_at) + timedelta(days=found.grace_days)
    if state is State.REMOVED:
        return None if member.deleted_at else member.delete_by
    return member.trial_until if state is State.PROBATION else member.review_on if member.opens else None


def list_measures(organisation: str | None = None, *, pending: bool = False, limit: int = 200) -> list[Measure]:
    """Decisions about an organisation or all, the newest first; only those that wait for a second person if asked."""
    rows = MeasureRow.objects.select_related("member").order_by("-proposed_at", "-id")
    rows = rows.filter(member__organisation=organisation) if organisation else rows
    rows = rows.filter(state=MeasureState.PROPOSED) if pending else rows
    return [measure_facts(row) for row in rows[:limit]]


def get_measure(measure: str) -> Measure:
    """One decision; raises UnknownMeasure."""
    row = MeasureRow.objects.select_related("member").filter(id=measure).first()
    if row is None:
        raise UnknownMeasure(measure=measure)
    return measure_facts(row)


def list_notices(enterprise: str, *, limit: int = 50) -> list[Notice]:
    """What an enterprise (USCC) was told about recipients of its data, newest first."""
    rows = NoticeRow.objects.filter(enterprise=enterprise).order_by("-at", "-id")[:limit]
    return [Notice(r.id, r.enterprise, r.organisation, r.organisation_name, NoticeKind(r.kind), r.at) for r in rows]


def orphans(organisation: str, *, now: datetime) -> Orphans:
    """What is left of an organisation in the network now."""
    held, asked = count_standing(organisation)
    return Orphans(held, asked, count_live_tokens(organisation, now=now), count_waiting(organisation))


def member_facts(row: MemberRow) -> Member:
    """Facts of a row."""
    return Member(
        organisation=row.organisation,
        kind=OrganisationKind(row.kind),
        name=row.name,
        state=State(row.state),
        route=Route(row.route),
        level=row.level,
        place=row.place,
        through=row.through,
        licence=row.licence,
        founded=row.founded,
        dossier=row.dossier,
        round=row.round,
        reason=row.reason,
        since=row.since,
        applied_at=row.applied_at,
        trial_until=row.trial_until,
        review_on=row.review_on,
        watched_at=row.watched_at,
        delete_by=row.delete_by,
        deleted_at=row.deleted_at,
        deletion_statement=row.deletion_statement,
    )


def measure_facts(row: MeasureRow) -> Measure:
    """Facts of a row."""
    return Measure(
        id=row.id,
        organisation=row.member.organisation,
        kind=MeasureKind(row.kind),
        state=MeasureState(row.state),
        reason=row.reason,
        successor=row.successor,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision=row.decision,
    )


def evidence_facts(row: EvidenceRow) -> Evidence:
    """Facts of a row."""
    return Evidence(row.id, row.question, row.name, row.sha256, row.size, row.issued_on, row.expires_on, row.filed_at)
