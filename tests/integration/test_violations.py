"""A case from each source, heard, decided, carried out by two, appealed before a third; what measures really do."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.machines import register_client
from xinqiao.admission.actions import found as found_member
from xinqiao.admission.queries import get_member, list_measures
from xinqiao.admission.types import State
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.oauth.queries import get_client
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.types import OrganisationKind
from xinqiao.supervision.actions import approve_freeze, propose_freeze
from xinqiao.supervision.models import AlertRow
from xinqiao.supervision.types import AlertState
from xinqiao.violations import actions
from xinqiao.violations.jobs import take_in
from xinqiao.violations.queries import count_by_state, find_case, get_case, list_cases, published_rows
from xinqiao.violations.types import (
    AppealLate,
    Case,
    CaseState,
    Finding,
    InvalidCase,
    NotAgainstTheNode,
    OtherPersonDecides,
    Source,
    StatementStillOpen,
    UnknownCase,
)

FIRST, SECOND, THIRD = "person:101", "person:102", "person:103"
NOON = datetime.fromisoformat("2026-11-20T12:00:00+08:00")  # a Friday


@pytest.fixture
def bank(fresh_node: Path) -> datetime:
    """An admitted bank with a program, and the node."""
    by: dict[str, Any] = {"actor": "t", "now": NOON - timedelta(days=1)}
    for code, kind in (("bank-a", OrganisationKind.INSTITUTION), ("node", OrganisationKind.NODE)):
        register_organisation(code, kind=kind, name=code, **by)
    found_member("bank-a", reason="connected before", **by)
    register_client("bank-a", **by)
    return NOON


def opened(now: datetime, *, reference: str = "S-1", party: str = "api:bank-a", **more: Any) -> Case:
    finding = Finding(
        kind="leaking", organisation="bank-a", source=Source.AUDIT, reference=reference, summary="a list was for sale",
        facts={"lines": 3}, party=party, **more,
    )  # fmt: skip
    return actions.open_case(finding, actor=FIRST, now=now)


def decided(now: datetime, *measures: str, document: str = "") -> str:
    """A case with a decision that waits to be carried out."""
    case = opened(now).id
    actions.take_up(case, actor=FIRST, now=now)
    actions.notify(case, notice="your list was found", actor=FIRST, now=now)
    actions.give_statement(case, organisation="bank-a", text="not ours", actor="person:7", now=now)
    actions.decide(case, measures=measures, reason="proved", document=document, actor=FIRST, now=now)
    return case


def events() -> list[str]:
    return [e.event for e in reversed(list_entries(limit=500)) if e.event.startswith("violation.")]


def test_the_same_thing_is_one_case(bank: datetime) -> None:
    first = opened(bank)
    assert opened(bank + timedelta(hours=1)).id == first.id
    assert opened(bank, reference="S-2").id != first.id
    assert first.due_on and first.due_on.isoformat() == "2026-11-25", "three working days after a Friday"
    assert count_by_state() == {"opened": 2}


def test_an_organisation_knows_of_a_case_once_it_is_told(bank: datetime) -> None:
    case = opened(bank).id
    assert list_cases(organisation="bank-a") == []
    with pytest.raises(UnknownCase):
        get_case(case, organisation="bank-a")
    actions.take_up(case, actor=FIRST, now=bank)
    actions.notify(case, notice="your list was found", actor=FIRST, now=bank)
    assert [c.id for c in list_cases(organisation="bank-a")] == [case]
    with pytest.raises(UnknownCase):
        actions.give_statement(case, organisation="bank-b", text="x", actor="person:9", now=bank)


def test_time_for_the_statement_is_given_in_full(bank: datetime) -> None:
    case = opened(bank).id
    actions.take_up(case, actor=FIRST, now=bank)
    told = actions.notify(case, notice="your list was found", actor=FIRST, now=bank)
    assert told.due_on and told.due_on.isoformat() == "2026-11-27"
    with pytest.raises(StatementStillOpen):
        actions.lapse_hearing(case, actor=FIRST, now=bank + timedelta(days=7))
    assert actions.lapse_hearing(case, actor=FIRST, now=bank + timedelta(days=8)).state is CaseState.HEARD


def test_a_warning_needs_one_person_and_ends(bank: datetime) -> None:
    case = decided(bank, "warning")
    done = actions.carry_out(case, actor=FIRST, now=bank)
    assert done.state is CaseState.IN_FORCE and get_member("bank-a").state is State.ADMITTED
    actions.close_case(case, reason="remedied", actor=FIRST, now=bank)
    assert published_rows() == [{"kind": "leaking", "measure": "warning", "year": "2026"}]
    assert events() == [
        f"violation.{step}" for step in ("opened", "taken_up", "notified", "stated", "decided", "carried_out", "closed")
    ]


def test_a_limit_stops_the_program_by_two_people_and_its_end_frees_it(bank: datetime) -> None:
    case = decided(bank, "limit")
    with pytest.raises(OtherPersonDecides):
        actions.carry_out(case, actor=FIRST, now=bank)
    assert not get_client("bank-a").frozen
    actions.carry_out(case, actor=SECOND, now=bank)
    assert get_client("bank-a").frozen
    actions.appeal_case(case, organisation="bank-a", text="an error", actor="person:7", now=bank)
    for person in (FIRST, SECOND):
        with pytest.raises(OtherPersonDecides):
            actions.answer_appeal(case, overturn=True, reason="true", actor=person, now=bank)
    ended = actions.answer_appeal(case, overturn=True, reason="true", actor=THIRD, now=bank)
    assert ended.state is CaseState.UNFOUNDED and not get_client("bank-a").frozen
    assert published_rows() == [], "what was overturned is not published"
    assert get_case(case, organisation="bank-a").outcome == "true", "the organisation sees how it ended"


def test_a_suspension_closes_the_gate_and_its_end_is_for_admission_to_approve(bank: datetime) -> None:
    case = decided(bank, "suspension", "referral", document="移字〔2026〕1号")
    actions.carry_out(case, actor=SECOND, now=bank)
    assert get_member("bank-a").state is State.SUSPENDED
    actions.appeal_case(case, organisation="bank-a", text="an error", actor="person:7", now=bank)
    actions.answer_appeal(case, overturn=True, reason="true", actor=THIRD, now=bank)
    assert get_member("bank-a").state is State.SUSPENDED, "one person opens no gate"
    assert [str(m.kind) for m in list_measures("bank-a", pending=True)] == ["restore"]


def test_an_exit_removes_the_member_and_its_programs(bank: datetime) -> None:
    case = decided(bank, "exit")
    actions.carry_out(case, actor=SECOND, now=bank)
    assert get_member("bank-a").state is State.REMOVED
    assert get_client("bank-a").ended_at is not None


def test_a_decision_may_be_sent_back_and_an_appeal_be_late(bank: datetime) -> None:
    case = decided(bank, "warning")
    assert actions.send_back(case, reason="too mild", actor=SECOND, now=bank).state is CaseState.HEARD
    actions.decide(case, measures=("warning",), reason="proved", actor=FIRST, now=bank)
    actions.carry_out(case, actor=FIRST, now=bank)
    with pytest.raises(AppealLate):
        actions.appeal_case(case, organisation="bank-a", text="x", actor="person:7", now=bank + timedelta(days=30))


def test_what_is_not_founded_ends_without_a_measure(bank: datetime) -> None:
    case = opened(bank).id
    assert actions.dismiss_case(case, reason="a sample list", actor=FIRST, now=bank).state is CaseState.UNFOUNDED
    with pytest.raises(TransitionRefused):
        actions.take_up(case, actor=FIRST, now=bank)


def test_use_can_be_limited_only_of_somebody(bank: datetime) -> None:
    case = opened(bank, party="").id
    actions.take_up(case, actor=FIRST, now=bank)
    actions.notify(case, notice="your list was found", actor=FIRST, now=bank)
    actions.give_statement(case, organisation="bank-a", text="not ours", actor="person:7", now=bank)
    with pytest.raises(InvalidCase):
        actions.decide(case, measures=("limit",), reason="proved", actor=FIRST, now=bank)
    assert get_case(case).state is CaseState.HEARD


def test_the_node_is_no_judge_of_itself(bank: datetime) -> None:
    finding = Finding("leaking", "node", Source.AUDIT, "S-9", "x", {})
    with pytest.raises(NotAgainstTheNode):
        actions.open_case(finding, actor=FIRST, now=bank)


def test_canaries_and_freezes_open_cases_by_themselves_once(bank: datetime) -> None:
    def alert(sentinel: str) -> AlertRow:
        return AlertRow.objects.create(
            sentinel=sentinel, organisation="bank-a", organisation_name="bank-a", actor="api:bank-a",
            state=AlertState.OPEN, first_at=bank, last_at=bank, raised_at=bank, accesses=["A1"], figures={},
        )  # fmt: skip

    canary, bursts, other = alert("canary"), alert("off_hours"), alert("enumeration")
    assert [c.source for c in take_in(now=bank)] == [Source.CANARY]
    made = propose_freeze("api:bank-a", organisation="bank-a", reason="x", alert=other.id, actor=FIRST, now=bank)
    approve_freeze(made.id, actor=SECOND, now=bank)
    (case,) = take_in(now=bank)
    assert (case.source, case.reference, case.party) == (Source.ALERT, str(other.id), "api:bank-a")
    assert take_in(now=bank) == []
    assert find_case(Source.CANARY, str(canary.id)) and not find_case(Source.ALERT, str(bursts.id))
