"""What may follow what, what a dossier lacks, what has lapsed, who may decide. Pure; never reads the clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from xinqiao.admission.refusals import (
    DossierIncomplete,
    InvalidApplicant,
    OtherPersonNeeded,
    ProbesFailing,
    ReasonNeeded,
    StillLapsed,
    TechnicalBar,
    UnderReview,
)
from xinqiao.admission.types import (
    IN_REVIEW,
    Bar,
    Evidence,
    Gap,
    GapKind,
    Lapse,
    Level,
    MeasureKind,
    MeasureState,
    Member,
    ProbeResult,
    Question,
    QuestionKind,
    Route,
    State,
)
from xinqiao.kernel.dated import add_months
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.identifiers import InvalidUscc, parse_uscc
from xinqiao.kernel.transitions import Transitions
from xinqiao.parties.types import OrganisationKind

LONGEST = 500
SHORTEST_PASSWORD = 12
CODE = re.compile(r"[a-z0-9][a-z0-9_-]{1,39}")
_OUT = {"suspend": State.SUSPENDED, "remove": State.REMOVED}
_STAND = {"watch": State.WATCHED, **_OUT}

ADMISSION_TRANSITIONS: Transitions[State] = Transitions(
    {
        State.DRAFT: {"submit": State.APPLIED},
        State.APPLIED: {"assess": State.ASSESSED, "send_back": State.DRAFT},
        State.ASSESSED: {
            "admit": State.ADMITTED,
            "try_out": State.PROBATION,
            "refer": State.REFERRED,
            "reject": State.REJECTED,
            "send_back": State.DRAFT,
        },
        State.REFERRED: {"take_route": State.PROBATION, "submit": State.APPLIED},
        State.PROBATION: {"admit": State.ADMITTED, "graduate": State.PROBATION, **_STAND},
        State.ADMITTED: {"review": State.ADMITTED, "graduate": State.ADMITTED, **_STAND},
        State.WATCHED: {
            "clear": State.ADMITTED,
            "clear_on_trial": State.PROBATION,
            "admit": State.ADMITTED,
            "review": State.WATCHED,
            **_OUT,
        },
        State.SUSPENDED: {"restore": State.WATCHED, "remove": State.REMOVED},
        State.REMOVED: {"reapply": State.DRAFT},
        State.REJECTED: {"reapply": State.DRAFT},
    },
    names={
        "submit": "提交",
        "assess": "完成评估",
        "send_back": "退回修改",
        "take_route": "选择经省级平台接入",
        "watch": "列入观察",
        "clear_on_trial": "结束观察（仍为试运行）",
        "reapply": "重新申请",
        **{kind: kind.label for kind in MeasureKind},
        **{state: state.label for state in State},
    },
)
MEASURE_TRANSITIONS: Transitions[MeasureState] = Transitions(
    {
        MeasureState.PROPOSED: {"approve": MeasureState.APPROVED, "decline": MeasureState.DECLINED},
        MeasureState.APPROVED: {},
        MeasureState.DECLINED: {},
    },
    names={"approve": "批准", "decline": "不批准", **{state: state.label for state in MeasureState}},
)


def event_of(kind: MeasureKind, *, on_trial: bool) -> str:
    """The event of the table that a decision is; a watch that ends leads back to where the member stood."""
    return "clear_on_trial" if kind is MeasureKind.CLEAR and on_trial else str(kind)


def possible(member: Member) -> tuple[MeasureKind, ...]:
    """The decisions that can be proposed about a member where it stands, whether or not its dossier fits."""
    on_trial, platform = member.trial_until is not None, member.kind is OrganisationKind.PLATFORM
    hosted = member.route is Route.HOSTED
    wrong = {MeasureKind.GRADUATE: not hosted, MeasureKind.REFER: hosted or not platform}
    kinds = [kind for kind in MeasureKind if not wrong.get(kind, False)]
    return tuple(k for k in kinds if ADMISSION_TRANSITIONS.can(member.state, event_of(k, on_trial=on_trial)))


def check_said(text: str, *, field: str = "reason") -> str:
    """The reason, trimmed; raises ReasonNeeded when it is empty or too long."""
    said = text.strip()
    if not said or len(said) > LONGEST:
        raise ReasonNeeded([Problem(field=field, code="admission.reason", message=Phrase("请用 1 至 500 字说明"))])
    return said


def check_applicant(code: str, *, name: str, username: str, person: str, password: str) -> None:
    """Raises InvalidApplicant naming what is missing, and a code or first password that will not do."""
    faults = [(field, Phrase("必填")) for field, text in (("name", name), ("person", person)) if not text.strip()]
    if not CODE.fullmatch(code):
        faults.append(("code", Phrase("代码应为 2 至 40 个小写字母、数字、短横线或下划线")))
    if not username.strip():
        faults.append(("username", Phrase("必填")))
    if len(password) < SHORTEST_PASSWORD:
        faults.append(("password", Phrase("初始口令应不少于 {least} 个字符", least=SHORTEST_PASSWORD)))
    if faults:
        raise InvalidApplicant([Problem(field=f, code=f"admission.{f}", message=text) for f, text in faults])


def check_other_person(actor: str, *, before: Iterable[str]) -> None:
    """Raises OtherPersonNeeded when the actor has taken part before."""
    if actor in set(before):
        raise OtherPersonNeeded()


def check_editable(state: State) -> None:
    """Raises UnderReview while the node assesses what would be changed."""
    if state in IN_REVIEW:
        raise UnderReview()


def questions_for(bar: Bar, kind: OrganisationKind, answers: Mapping[str, str]) -> list[Question]:
    """The questions that an applicant of this kind answers, in order; some only at some levels."""
    level = answers.get(next((q.id for q in bar.questions if q.place == "level"), ""), "")
    return [q for q in bar.questions if kind in q.kinds and (not q.levels or level in q.levels)]


def fault_of(question: Question, value: str) -> Phrase | None:
    """What is wrong with an answer's form; None when it has the form that is asked for."""
    kind = question.kind
    if question.place == "uscc":
        try:
            return None if parse_uscc(value).check_ok else Phrase("校验位不符，请按营业执照核对")
        except InvalidUscc:
            return Phrase("应为 18 位统一社会信用代码")
    if kind is QuestionKind.YES_NO and value not in ("yes", "no"):
        return Phrase("请选择是或否")
    if kind is QuestionKind.NUMBER and not (value.isascii() and value.isdecimal() and len(value) < 10):
        return Phrase("应为整数：{value}", value=value[:20])
    if kind is QuestionKind.CHOICE and value not in {code for code, _ in question.choices}:
        return Phrase("请从所列选项中选择")
    if kind is QuestionKind.DATE and _day(value) is None:
        return Phrase("应为日期，例如 2026-01-31")
    return Phrase("不超过 500 字") if len(value) > LONGEST else None


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def last_good_day(question: Question, issued_on: date | None) -> date | None:
    """The last day on which a file issued on that day proves the answer; None = it does not expire."""
    return add_months(issued_on, question.months) if question.months and issued_on else None


def gaps(
    questions: Sequence[Question], answers: Mapping[str, str], files: Mapping[str, Evidence], *, on: date
) -> list[Gap]:
    """Every question that does not fit the bar on a day, in order; an answer has one gap, the first that counts."""
    found = []
    for question in questions:
        kind = _gap(question, answers.get(question.id, ""), files.get(question.id), on)
        if kind is not None:
            found.append(Gap(question, kind))
    return found


def _gap(question: Question, value: str, file: Evidence | None, on: date) -> GapKind | None:
    if not value:
        return GapKind.MISSING
    if fault_of(question, value) is not None or not _fits(question, value, on):
        return GapKind.FAILING
    if question.kind is QuestionKind.DATE and question.months and _over(last_good_day(question, _day(value)), on):
        return GapKind.EXPIRED
    if question.file and file is None:
        return GapKind.NO_FILE
    return GapKind.EXPIRED if file and _over(file.expires_on, on) else None


def _fits(question: Question, value: str, on: date) -> bool:
    if question.kind is QuestionKind.YES_NO:
        return value == "yes"
    if question.kind is QuestionKind.NUMBER:
        return int(value) >= question.least
    day = _day(value) if question.kind is QuestionKind.DATE else None
    return day is None or day <= on


def _over(last: date | None, on: date) -> bool:
    return last is not None and on > last


def blocking(bar: Bar, found: Iterable[Gap], route: Route) -> list[Gap]:
    """The gaps that keep an applicant out on its route: through the host, the technical bar is the host's to meet."""
    technical = {s.id for s in bar.sections if s.technical}
    return [g for g in found if route is Route.DIRECT or g.question.section not in technical]


def check_dossier(bar: Bar, found: Sequence[Gap], route: Route) -> None:
    """Raises TechnicalBar when only the technical bar is in the way (the host's route is open), DossierIncomplete for
    any other gap. Nothing is raised when the dossier fits."""
    stopping = blocking(bar, found, route)
    problems = [Problem(field=g.question.id, code=f"admission.{g.kind}", message=g.question.fix.zh) for g in stopping]
    if not problems:
        return
    if route is Route.DIRECT and not blocking(bar, found, Route.HOSTED):
        raise TechnicalBar(problems, host=bar.host_name.zh)
    raise DossierIncomplete(problems)


def place_key(level: str, answers: Mapping[str, str], places: Mapping[str, str]) -> str:
    """The place that a platform of this level holds: the reporting unit, the county, or the province as a whole.

    ``places`` leads from ``unit`` and ``county`` to the questions that ask for them.
    """
    if level == Level.CITY:
        return answers.get(places.get("unit", ""), "")
    return answers.get(places.get("county", ""), "") if level == Level.COUNTY else level


def lapses(
    bar: Bar,
    member: Member,
    found: Iterable[Gap],
    probes: Iterable[ProbeResult],
    *,
    sponsor_open: bool,
    on: date,
) -> list[Lapse]:
    """What has run out or gone wrong at a member, each with its sentence.

    ``sponsor_open`` is whether the host of a hosted platform, or the platform of an institution, is open. A question
    that was added since is no lapse before the next review.
    """
    said = []
    if member.dossier:
        bad = [g for g in blocking(bar, found, member.route) if g.kind in (GapKind.EXPIRED, GapKind.FAILING)]
        said += [Lapse(f"{g.kind}:{g.question.id}", _of_gap(g)) for g in bad]
    if member.review_on is not None and on > member.review_on:
        said.append(Lapse("review", Phrase("年度复核已逾期，应在 {day} 前完成", day=member.review_on.isoformat())))
    if member.trial_until is not None and on > member.trial_until:
        said.append(Lapse("trial", Phrase("试运行已于 {day} 期满，尚未准予接入", day=member.trial_until.isoformat())))
    if not sponsor_open:
        said.append(Lapse("sponsor", Phrase("所经平台未接入或已暂停")))
    return said + [
        Lapse(f"probe:{p.probe}", Phrase("探测“{probe}”未通过", probe=p.probe)) for p in probes if not p.passed
    ]


def _of_gap(gap: Gap) -> Phrase:
    name = gap.question.text.zh
    if gap.kind is GapKind.EXPIRED:
        return Phrase("“{question}”的证明已过期", question=name)
    return Phrase("“{question}”未达到要求", question=name)


def check_probes(found: Iterable[ProbeResult]) -> None:
    """Raises ProbesFailing naming each probe whose newest result is a failure, with what came back."""
    failed = [p for p in found if not p.passed]
    problems = [Problem(field=p.probe, code="admission.probe", message=f"{p.probe}：{p.detail}") for p in failed]
    if problems:
        raise ProbesFailing(problems)


def check_none(found: Sequence[Lapse]) -> None:
    """Raises StillLapsed naming what is left."""
    if found:
        raise StillLapsed(lapses=tuple(lapse.says for lapse in found))


def trial_end(bar: Bar, on: date) -> date:
    """The last day of a probation that begins on a day."""
    return on + timedelta(days=bar.trial_days)


def review_day(bar: Bar, on: date) -> date:
    """The day by which a member admitted or reviewed on a day is reviewed next."""
    return add_months(on, bar.review_months)


def out_of_grace(bar: Bar, watched_on: date, *, on: date) -> bool:
    """Whether a member has been under watch for longer than the grace period."""
    return on > watched_on + timedelta(days=bar.grace_days)
