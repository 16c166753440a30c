"""Dossiers against the bar, what lapses, what may follow what: rules of admission without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.dossiers import answers_of
from xinqiao.admission.content import MOST_QUESTIONS, bar, load_bar
from xinqiao.admission.refusals import DossierIncomplete, InvalidBar, ReasonNeeded, TechnicalBar
from xinqiao.admission.rules import (
    ADMISSION_TRANSITIONS,
    blocking,
    check_dossier,
    check_said,
    fault_of,
    gaps,
    lapses,
    last_good_day,
    out_of_grace,
    place_key,
    questions_for,
)
from xinqiao.admission.types import (
    Evidence,
    Gap,
    GapKind,
    Member,
    ProbeResult,
    Question,
    Route,
    State,
)
from xinqiao.parties.types import OrganisationKind
from xinqiao.plumbing.settings import content_dir

DAY = date(2026, 11, 20)
AT = datetime(2026, 11, 20, tzinfo=UTC)
KINDS = (OrganisationKind.PLATFORM, OrganisationKind.INSTITUTION)


def question(name: str) -> Question:
    return next(q for q in bar().questions if q.id == name)


def filed(name: str, issued_on: date | None = DAY) -> Evidence:
    return Evidence("E", name, "a.pdf", "0", 1, issued_on, last_good_day(question(name), issued_on), AT)


def found(kind: OrganisationKind = OrganisationKind.PLATFORM, on: date = DAY, **other: str) -> list[Gap]:
    answers = answers_of(kind, on=DAY, **other)
    questions = questions_for(bar(), kind, answers)
    return gaps(questions, answers, {q.id: filed(q.id) for q in questions if q.file}, on=on)


def member(**other: object) -> Member:
    plain = Member(
        "hub", OrganisationKind.PLATFORM, "Hub", State.ADMITTED, Route.DIRECT, "city", "610100", "", "", False, True, 1,
        "", AT, AT, None, date(2027, 11, 20), None, None, None, "",
    )  # fmt: skip
    return replace(plain, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_no_applicant_answers_more_than_forty_questions(kind: OrganisationKind) -> None:
    for level in ("province", "city", "county"):
        assert 25 < len(questions_for(bar(), kind, {"level": level})) <= MOST_QUESTIONS


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_dossier_has_no_gap_and_an_empty_one_has_all(kind: OrganisationKind) -> None:
    assert found(kind) == []
    questions = questions_for(bar(), kind, {})
    assert {g.kind for g in gaps(questions, {}, {}, on=DAY)} == {GapKind.MISSING}
    assert len(gaps(questions, {}, {}, on=DAY)) == len(questions)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("in_china", "no", GapKind.FAILING),
        ("mlps_level", "2", GapKind.FAILING),
        ("rate", "5", GapKind.FAILING),
        ("penetration", "2027-01-01", GapKind.FAILING),
        ("penetration", "2025-11-19", GapKind.EXPIRED),
        ("linked", "", GapKind.MISSING),
        ("level", "moon", GapKind.FAILING),
    ],
)
def test_each_answer_below_the_bar_is_one_gap_with_a_fix(name: str, value: str, kind: GapKind) -> None:
    gap = next(g for g in found(**{name: value}) if g.question.id == name)
    assert gap.kind is kind and gap.fix.zh and gap.fix.en


def test_evidence_counts_until_its_last_good_day() -> None:
    last = last_good_day(question("sample_audit"), DAY)
    assert last == date(2027, 11, 20) and last_good_day(question("data_security"), DAY) is None
    asked, answers = [question("breach_plan")], {"breach_plan": "yes"}
    assert gaps(asked, answers, {}, on=DAY)[0].kind is GapKind.NO_FILE
    files = {"breach_plan": filed("breach_plan")}
    assert gaps(asked, answers, files, on=date(2028, 11, 20)) == []
    assert gaps(asked, answers, files, on=date(2028, 11, 21))[0].kind is GapKind.EXPIRED


def test_only_the_technical_bar_opens_the_route_through_the_host() -> None:
    technical, both = found(signing="no"), found(signing="no", in_china="no")
    with pytest.raises(TechnicalBar):
        check_dossier(bar(), technical, Route.DIRECT)
    check_dossier(bar(), technical, Route.HOSTED)
    for route in Route:
        with pytest.raises(DossierIncomplete):
            check_dossier(bar(), both, route)
    assert [g.question.id for g in blocking(bar(), both, Route.HOSTED)] == ["in_china"]


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("in_china", "maybe", False),
        ("rate", "-1", False),
        ("rate", "20", True),
        ("penetration", "20 November", False),
        ("operator_uscc", "91610102MAXAMPLE2", False),
        ("linked", "x" * 501, False),
        ("real_name", "bank", True),
    ],
)
def test_forms_of_answers(name: str, value: str, fits: bool) -> None:
    assert (fault_of(question(name), value) is None) is fits


def test_a_place_is_a_city_a_county_or_the_province() -> None:
    places = {"unit": "unit", "county": "county"}
    answers = {"unit": "610300", "county": "610302"}
    keys = [place_key(level, answers, places) for level in ("province", "city", "county")]
    assert keys == ["province", "610300", "610302"]


def test_what_lapses() -> None:
    def codes(given: Member, gap: list[Gap] = [], sponsor: bool = True, on: date = DAY) -> list[str]:  # noqa: B006
        failed = [ProbeResult("clock", False, "", AT), ProbeResult("tls", True, "", AT)]
        return [x.code for x in lapses(bar(), given, gap, failed, sponsor_open=sponsor, on=on)]

    assert codes(member()) == ["probe:clock"]
    assert codes(member(), found(in_china="no", linked="")) == ["failing:in_china", "probe:clock"], (
        "missing is no lapse"
    )
    assert codes(member(dossier=False), found(in_china="no")) == ["probe:clock"]
    assert codes(member(), sponsor=False) == ["sponsor", "probe:clock"]
    over = member(review_on=DAY, trial_until=DAY)
    assert codes(over) == ["probe:clock"]
    assert codes(over, on=date(2026, 11, 21)) == ["review", "trial", "probe:clock"]
    hosted = member(route=Route.HOSTED)
    assert codes(hosted, found(signing="no")) == ["probe:clock"], "the technical bar is the host's"


def test_the_grace_period_ends() -> None:
    assert not out_of_grace(bar(), DAY, on=date(2026, 12, 5))
    assert out_of_grace(bar(), DAY, on=date(2026, 12, 6))


def test_who_left_or_was_rejected_can_only_begin_anew() -> None:
    for state in (State.REMOVED, State.REJECTED):
        assert ADMISSION_TRANSITIONS.events(state) == ("reapply",)
    assert all("suspend" in ADMISSION_TRANSITIONS.events(s) for s in (State.PROBATION, State.ADMITTED, State.WATCHED))
    assert ADMISSION_TRANSITIONS.check(State.SUSPENDED, "restore") is State.WATCHED


@pytest.mark.parametrize("text", ["", "  ", "x" * 501])
def test_a_step_needs_its_reason(text: str) -> None:
    with pytest.raises(ReasonNeeded):
        check_said(text)


def test_a_bar_with_faults_is_not_used(tmp_path: Path) -> None:
    text = (content_dir() / "admission.toml").read_text("utf-8")
    (tmp_path / "a.toml").write_text(
        text.replace('section = "security"', 'section = "moon"', 1).replace('place = "licence"', "", 1), "utf-8"
    )
    with pytest.raises(InvalidBar) as refused:
        load_bar(tmp_path / "a.toml", content_dir() / "divisions.toml")
    assert len(refused.value.problems) == 2
