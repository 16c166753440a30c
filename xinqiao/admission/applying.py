"""The applicant's verbs: begin, answer, file evidence, choose the route, hand in, attest deletion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.db import transaction

from xinqiao.admission.content import bar
from xinqiao.admission.effects import move
from xinqiao.admission.keeping import keep_file
from xinqiao.admission.models import AnswerRow, EvidenceRow, MemberRow
from xinqiao.admission.queries import dossier_of, evidence_facts, is_open, member_facts
from xinqiao.admission.refusals import (
    AlreadyMember,
    DeletionNotAttested,
    FileRefused,
    HostMissing,
    NotAdmissible,
    PlaceTaken,
    SponsorMissing,
)
from xinqiao.admission.rules import (
    ADMISSION_TRANSITIONS,
    check_dossier,
    check_editable,
    check_said,
    fault_of,
    last_good_day,
    place_key,
    questions_for,
    review_day,
    trial_end,
)
from xinqiao.admission.storage import held_member, new_member
from xinqiao.admission.types import (
    ANSWERED,
    DELETION_ATTESTED,
    FILED,
    HOLDING,
    OPENED,
    ROUTE_TAKEN,
    SUBMITTED,
    Evidence,
    Level,
    Member,
    Question,
    Route,
    State,
)
from xinqiao.evidence.actions import record
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import beijing_day, new_number
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.parties.queries import get_organisation
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.locks import hold_name
from xinqiao.plumbing.settings import demo
from xinqiao.webhooks.rules import check_url
from xinqiao.webhooks.types import EndpointRefused

MOST_BYTES = 10 * 1024 * 1024
FILE_TYPES = (".pdf", ".png", ".jpg", ".jpeg", ".txt", ".ofd")


@transaction.atomic
def begin(organisation: str, *, actor: str, now: datetime) -> Member:
    """Begin an application, or after a removal or rejection a new one with a dossier of its own.

    Raises NotAdmissible, AlreadyMember, DeletionNotAttested (removed and not attested yet), PartyNotFound.
    """
    row = MemberRow.objects.select_for_update().filter(organisation=organisation).first()
    if row is None:
        if get_organisation(organisation).admitted:  # let in before dossiers were kept: it is founded, or stays in
            raise AlreadyMember(organisation=organisation)
        row = new_member(organisation, state=State.DRAFT, now=now)
    else:
        if row.state == State.REMOVED and row.deleted_at is None:
            raise DeletionNotAttested()
        row.round, row.dossier, row.founded, row.route = row.round + 1, False, False, Route.DIRECT
        row.level, row.place, row.through, row.licence = "", "", "", ""
        row.trial_until = row.review_on = row.watched_at = row.applied_at = None
        move(row, "reapply", reason="", actor=actor, now=now)
    _prefill(row, actor, now)
    record(OPENED, actor=actor, subject=organisation, body={"round": row.round}, now=now)
    return member_facts(row)


def _prefill(row: MemberRow, actor: str, now: datetime) -> None:
    """What the node knows already is not asked twice."""
    code = get_organisation(row.organisation).uscc
    question = next(q for q in bar().questions if q.place == "uscc")
    if code:
        _store(row, {question.id: code}, actor, now)


@transaction.atomic
def save_answers(organisation: str, answers: Mapping[str, str], *, actor: str, now: datetime) -> tuple[Problem, ...]:
    """Keep answers as they are given, an empty one takes the answer back; gives the faults of those not kept.

    Raises UnknownMember, UnderReview.
    """
    row = held_member(organisation)
    check_editable(State(row.state))
    known = {q.id: q for q in _asked(row, answers)}
    given = {name: value.strip() for name, value in answers.items() if name in known}
    faults = {name: fault for name, value in given.items() if value and (fault := _fault(known[name], value))}
    good = {name: value for name, value in given.items() if name not in faults}
    changed = _store(row, good, actor, now)
    if changed:
        body = {"round": row.round, "questions": changed, "sha256": sha256_hex(canonical_bytes(good))}
        record(ANSWERED, actor=actor, subject=organisation, body=body, now=now)
    return tuple(Problem(field=name, code="admission.answer", message=fault) for name, fault in faults.items())


def _fault(question: Question, value: str) -> Phrase | str | None:
    """What is wrong with an answer: its form, or an address where the node may not send anything."""
    if question.place != "endpoint":
        return fault_of(question, value)
    try:
        check_url(value, loopback=demo())
    except EndpointRefused as error:
        return error.problems[0].message
    return None if value.startswith("https://") else Phrase("应为 https")


def _asked(row: MemberRow, answers: Mapping[str, str]) -> list[Question]:
    """The questions as they stand once these answers count too."""
    stored = dossier_of(row, on=beijing_day(row.since)).answers
    return questions_for(bar(), OrganisationKind(row.kind), {**stored, **answers})


def _store(row: MemberRow, answers: Mapping[str, str], actor: str, now: datetime) -> list[str]:
    """Write the answers that differ from what stands; the questions whose answer changed."""
    stands = dict(AnswerRow.objects.filter(member=row, round=row.round).values_list("question", "value"))
    changed = sorted(name for name, value in answers.items() if stands.get(name, "") != value)
    for name in changed:
        key = {"member": row, "round": row.round, "question": name}
        values = {"value": answers[name], "answered_at": now, "answered_by": actor}
        AnswerRow.objects.update_or_create(**key, defaults=values)
    return changed


@transaction.atomic
def file_evidence(
    organisation: str, question: str, *, name: str, data: bytes, issued_on: date | None, actor: str, now: datetime
) -> Evidence:
    """Keep a file behind an answer, sealed; the newest of a question counts. Raises UnknownMember, UnderReview,
    FileRefused (no such question, too large, empty, another type, a day that is missing or lies ahead)."""
    row = held_member(organisation)
    check_editable(State(row.state))
    fileable = [q for q in bar().questions if q.file and row.kind in q.kinds and q.place != "endpoint"]
    asked = next((q for q in fileable if q.id == question), None)
    faults = _file_faults(name, data, asked, issued_on, beijing_day(now))
    if asked is None or faults:
        raise FileRefused([Problem(field=question, code="admission.file", message=fault) for fault in faults])
    return _file(row, asked, name, data, issued_on, actor, now)


@transaction.atomic
def keep_report(organisation: str, *, name: str, data: bytes, actor: str, now: datetime) -> Evidence:
    """Keep the node's own report about a member's endpoint as evidence of its dossier, also while it is assessed.

    Nobody else files it. Raises UnknownMember.
    """
    row = held_member(organisation)
    asked = next(q for q in bar().questions if q.place == "endpoint")
    return _file(row, asked, name, data, beijing_day(now), actor, now)


def _file(
    row: MemberRow, asked: Question, name: str, data: bytes, issued_on: date | None, actor: str, now: datetime
) -> Evidence:
    kept = EvidenceRow(id=new_number("E", now), member=row, round=row.round, question=asked.id, name=name[-120:])
    kept.sha256, kept.size, kept.issued_on = sha256_hex(data), len(data), issued_on
    kept.expires_on, kept.filed_at, kept.filed_by = last_good_day(asked, issued_on), now, actor
    kept.path = keep_file(row.pk, kept.id, data, now=now)
    kept.save(force_insert=True)
    body = {"evidence": kept.id, "question": asked.id, "sha256": kept.sha256, "size": kept.size}
    expires = {"expires_on": kept.expires_on.isoformat()} if kept.expires_on else {}
    record(FILED, actor=actor, subject=row.organisation, body=body | expires, now=now)
    return evidence_facts(kept)


def _file_faults(name: str, data: bytes, asked: Question | None, issued_on: date | None, today: date) -> list[Phrase]:
    found = []
    if asked is None:
        found.append(Phrase("这一项不收证明文件"))
    if not name.lower().endswith(FILE_TYPES) or not data or len(data) > MOST_BYTES:
        found.append(Phrase("应为不超过 10 MB 的 PDF、OFD、图片或文本文件"))
    if issued_on is not None and issued_on > today:
        found.append(Phrase("出具日期不能晚于今天"))
    if asked is not None and asked.months and issued_on is None:
        found.append(Phrase("请填写出具日期"))
    return found


@transaction.atomic
def choose_route(organisation: str, *, route: Route, actor: str, now: datetime) -> Member:
    """Choose, before handing in, whether to come in directly or through the host; or take the route that was offered.

    Raises UnknownMember, NotAdmissible (institutions and the host itself come in directly), HostMissing,
    TransitionRefused.
    """
    row = held_member(organisation)
    if route is Route.HOSTED:
        _check_hostable(row)
    if row.state == State.REFERRED and route is Route.HOSTED:
        row.route = route
        row.trial_until, row.review_on = trial_end(bar(), beijing_day(now)), review_day(bar(), beijing_day(now))
        record(ROUTE_TAKEN, actor=actor, subject=organisation, body={"host": bar().host}, now=now)
        move(row, "take_route", reason=Phrase("经省级平台接入"), actor=actor, now=now)
        return member_facts(row)
    if row.state != State.DRAFT:
        ADMISSION_TRANSITIONS.check(State(row.state), "take_route")
    row.route = route
    row.save(update_fields=["route"])
    record(ROUTE_TAKEN, actor=actor, subject=organisation, body={"route": str(route)}, now=now)
    return member_facts(row)


def _check_hostable(row: MemberRow) -> None:
    if row.kind != OrganisationKind.PLATFORM or row.organisation == bar().host:
        raise NotAdmissible(organisation=row.name)
    if not is_open(bar().host):
        raise HostMissing(host=bar().host_name.zh)


@transaction.atomic
def submit(organisation: str, *, actor: str, now: datetime) -> Member:
    """Hand the application in. Raises TransitionRefused, TechnicalBar (the host's route is open instead),
    DossierIncomplete, PlaceTaken, SponsorMissing, HostMissing."""
    row = held_member(organisation)
    new_state = ADMISSION_TRANSITIONS.check(State(row.state), "submit")
    dossier = dossier_of(row, on=beijing_day(now))
    check_dossier(bar(), dossier.gaps, Route(row.route))
    if row.route == Route.HOSTED:
        _check_hostable(row)
    _take_places(row, dossier.answers)
    row.dossier, row.applied_at, row.reason = True, now, ""
    row.state, row.since = new_state, now
    row.save()
    digest = sha256_hex(canonical_bytes(dict(dossier.answers)))
    files = {question: one.sha256 for question, one in sorted(dossier.files.items())}
    body = {"round": row.round, "route": row.route, "answers_sha256": digest, "files": files}
    record(SUBMITTED, actor=actor, subject=organisation, body=body, now=now)
    return member_facts(row)


def _take_places(row: MemberRow, answers: Mapping[str, str]) -> None:
    """The facts of the member that answers give; raises PlaceTaken, SponsorMissing."""
    places = {q.place: q.id for q in bar().questions if q.place}
    fact = {place: answers.get(question, "") for place, question in places.items()}
    if row.kind == OrganisationKind.PLATFORM:
        hold_place(row, fact["level"], place_key(fact["level"], answers, places))
        return
    row.through, row.licence = fact["through"], fact["licence"][:60]
    if not is_open(row.through):
        raise SponsorMissing(platform=row.through)


def hold_place(row: MemberRow, level: str, place: str) -> None:
    """Let a platform hold its place where only one may; raises PlaceTaken naming who has it."""
    row.level, row.place = level, place
    if not level or Level(level) not in bar().one_per:
        return
    hold_name(f"admission.place {level} {place}")
    others = MemberRow.objects.filter(level=level, place=place, state__in=HOLDING).exclude(pk=row.pk)
    holder = others.order_by("id").first()
    if holder is not None:
        shown = bar().units.get(place, place) if level != Level.PROVINCE else Level.PROVINCE.label
        raise PlaceTaken(place=shown, holder=holder.name)


@transaction.atomic
def attest_deletion(organisation: str, *, statement: str, actor: str, now: datetime) -> Member:
    """The removed organisation's word that what it had of enterprises is returned or deleted, and how.

    Raises UnknownMember, ReasonNeeded, TransitionRefused unless it is removed.
    """
    row, said = held_member(organisation), check_said(statement, field="statement")
    if row.state != State.REMOVED:
        raise TransitionRefused(state=State(row.state).label, event=Phrase("声明数据已删除"), allowed=(Phrase("无"),))
    row.deleted_at, row.deletion_statement = now, said
    row.save(update_fields=["deleted_at", "deletion_statement"])
    late = row.delete_by is not None and beijing_day(now) > row.delete_by
    body = {"statement": said, "round": row.round, "late": late}
    record(DELETION_ATTESTED, actor=actor, subject=organisation, body=body, now=now)
    return member_facts(row)
