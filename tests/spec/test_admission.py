"""有进有出：接入须经安全评估和授权评估，达不到的不进，不再达到的出去。

Access review, in and out (R12, R13): who proves security and authorisation comes in, who no longer does goes out.
"""

from __future__ import annotations

from datetime import date

import pytest

from tests.dossiers import answers_of
from xinqiao.admission.content import bar
from xinqiao.admission.refusals import DossierIncomplete, OtherPersonNeeded
from xinqiao.admission.rules import (
    ADMISSION_TRANSITIONS,
    blocking,
    check_dossier,
    check_editable,
    check_other_person,
    gaps,
    questions_for,
)
from xinqiao.admission.types import IN_REVIEW, OPEN_STATES, Level, MeasureKind, Route, State
from xinqiao.parties.types import OrganisationKind

DAY = date(2026, 11, 20)
PLATFORM = OrganisationKind.PLATFORM


def test_both_assessments_are_in_every_dossier() -> None:
    """平台和接入机构都要过安全评估和授权评估 / Platforms and institutions pass both assessments."""
    for kind in (PLATFORM, OrganisationKind.INSTITUTION):
        asked = {q.section for q in questions_for(bar(), kind, {})}
        assert {"security", "authorisation", "technical"} <= asked


def test_every_no_of_security_or_authorisation_keeps_an_applicant_out_on_either_route() -> None:
    """安全或授权评估有一项不合格就不能接入，走哪条路线都一样 / A single no keeps it out on either route."""
    for question in questions_for(bar(), PLATFORM, {"level": "city"}):
        if question.kind != "yes_no" or question.section == "technical":
            continue
        answers = answers_of(PLATFORM, on=DAY, **{question.id: "no"})
        found = [g for g in gaps(questions_for(bar(), PLATFORM, answers), answers, {}, on=DAY) if g.kind == "failing"]
        for route in Route:
            with pytest.raises(DossierIncomplete):
                check_dossier(bar(), found, route)


def test_a_platform_below_the_technical_bar_comes_in_through_the_provincial_platform() -> None:
    """只是技术要求未达到的，可以先经省级平台接入 / Only the technical bar missed: in through the host."""
    answers = answers_of(PLATFORM, on=DAY, signing="no", logging="no")
    found = [g for g in gaps(questions_for(bar(), PLATFORM, answers), answers, {}, on=DAY) if g.kind == "failing"]
    assert len(blocking(bar(), found, Route.DIRECT)) == 2
    assert blocking(bar(), found, Route.HOSTED) == []


def test_one_platform_a_place() -> None:
    """省、市、县每个地方一个平台 / One platform for the province, each city and each county."""
    assert bar().one_per == set(Level)


def test_nothing_passes_before_admission_nor_after_suspension() -> None:
    """只有试运行、已接入和观察中的成员能取得数据 / Only probation, admitted and watched let data through."""
    assert {"probation", "admitted", "watched"} == OPEN_STATES
    for state in set(State) - OPEN_STATES:
        events = ADMISSION_TRANSITIONS.events(state)
        entering = {e for e in events if ADMISSION_TRANSITIONS.check(state, e) in OPEN_STATES}
        assert entering <= {"admit", "try_out", "take_route", "restore"}, state


def test_every_open_member_can_be_suspended_and_removed_at_once() -> None:
    """任何在用的成员都可以立即暂停或退出 / Every open member can be suspended or removed at once."""
    for state in OPEN_STATES:
        assert {"suspend", "remove"} <= set(ADMISSION_TRANSITIONS.events(state))


def test_who_left_comes_back_only_by_a_new_application() -> None:
    """退出或未通过的，只能重新申请、重新证明 / Who left or was rejected comes back by a new application only."""
    for state in (State.REMOVED, State.REJECTED):
        assert ADMISSION_TRANSITIONS.check(state, "reapply") is State.DRAFT


def test_no_single_person_decides() -> None:
    """准入、暂停、退出都由一人提出、另一人批准 / One proposes, another approves."""
    assert {"admit", "reject", "suspend", "remove", "restore"} <= {str(kind) for kind in MeasureKind}
    with pytest.raises(OtherPersonNeeded):
        check_other_person("person:1", before=["person:1"])
    check_other_person("person:2", before=["person:1"])


def test_a_dossier_under_assessment_stands_still() -> None:
    """评估期间材料不能改动 / A dossier under assessment cannot be changed."""
    for state in State:
        if state not in IN_REVIEW:
            check_editable(state)
