"""In by proof, out in order: applications, two people, what stops, what enterprises are told, what is left."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dossiers import FIRST, SECOND, come_in, decide, fill_in
from tests.factories import DAY, NOW, uscc
from tests.machines import register_client
from xinqiao.admission import actions, applying, queries
from xinqiao.admission.content import bar
from xinqiao.admission.refusals import (
    AlreadyMember,
    DeletionNotAttested,
    DossierIncomplete,
    FileRefused,
    HostMissing,
    NotAdmissible,
    OneDecisionAtATime,
    OtherPersonNeeded,
    PlaceTaken,
    ReasonNeeded,
    SponsorMissing,
    StillLapsed,
    TechnicalBar,
    UnderReview,
    UnknownEvidence,
    UnknownMember,
)
from xinqiao.admission.types import MeasureKind, NoticeKind, Orphans, Route, State
from xinqiao.admission.watch import watch_members
from xinqiao.catalogue.load import load_catalogue
from xinqiao.consent.actions import grant_authorisation, request_authorisation
from xinqiao.consent.queries import consent_text, get_authorisation, list_requests
from xinqiao.consent.types import AuthorisationStatus, Form, NotAdmitted
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.transitions import TransitionRefused
from xinqiao.oauth.queries import get_client
from xinqiao.oauth.tokens import issue_for_client
from xinqiao.oauth.types import Caller
from xinqiao.parties.actions import (
    add_member,
    register_enterprise,
    register_organisation,
    register_person,
    set_admitted,
)
from xinqiao.parties.queries import get_organisation
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.plumbing.settings import content_dir, home
from xinqiao.webhooks.actions import add_endpoint, tell
from xinqiao.webhooks.queries import count_waiting

BY: dict[str, Any] = {"actor": "t", "now": NOW}
HOST = bar().host
FIRM = uscc(1)


@pytest.fixture
def node(fresh_node: Path) -> datetime:
    """A provincial platform, a city platform that is no member yet, two banks of which one is, an enterprise."""
    for code, kind in (
        (HOST, OrganisationKind.PLATFORM),
        ("hub", OrganisationKind.PLATFORM),
        ("rival", OrganisationKind.PLATFORM),
        ("bank-a", OrganisationKind.INSTITUTION),
        ("bank-b", OrganisationKind.INSTITUTION),
        ("node", OrganisationKind.NODE),
    ):
        register_organisation(code, kind=kind, name=code, **BY)
    actions.found(HOST, reason="connected before", level="province", place="province", **BY)
    for bank in ("bank-a", "bank-b"):
        actions.found(bank, reason="connected before", **BY)
    return NOW


def authorised(bank: str = "bank-a", firm: int = 1) -> str:
    """An authorisation of the firm to the bank."""
    code = uscc(firm)
    register_enterprise(code, name=f"Firm {firm}", **BY)
    owner = register_person(f"owner-{firm}", name="Owner", password="a long pass phrase", **BY)
    add_member(owner, role=Role.OWNER, enterprise=code, **BY)
    item = load_catalogue(content_dir()).item("tax.payment").code
    asked = request_authorisation(
        bank, enterprise=code, purpose="approval", items=[item], form=Form.REPORT, reason="loan", **BY
    )
    shown = consent_text(asked.id, locale="zh")
    return grant_authorisation(asked.id, signatory=owner, locale="zh", text_digest=shown.sha256, now=NOW).id


def armed(organisation: str) -> None:
    """A client with a token, an endpoint with a notice that waits."""
    register_client(organisation, **BY)
    client = get_client(organisation)
    issue_for_client(Caller(client, client.keys[0]), scope=None, jkt="k", now=NOW)
    add_endpoint(organisation, url="https://bank.example/notices", **BY)
    tell(organisation, "test", about="x", data={}, now=NOW)


def events(prefix: str = "admission.") -> list[str]:
    return [e.event for e in list_entries(limit=500) if e.event.startswith(prefix)]


def state(organisation: str) -> State:
    return queries.get_member(organisation).state


class TestComingIn:
    def test_from_the_first_answer_to_the_gate(self, node: datetime) -> None:
        applying.begin("hub", **BY)
        assert not get_organisation("hub").admitted
        with pytest.raises(DossierIncomplete) as refused:
            applying.submit("hub", **BY)
        assert len(refused.value.problems) > 20
        fill_in("hub", now=NOW)
        applying.submit("hub", **BY)
        with pytest.raises(UnderReview):
            applying.save_answers("hub", {"linked": "none"}, **BY)
        with pytest.raises(TransitionRefused):
            actions.propose("hub", MeasureKind.ADMIT, reason="too early", **BY)
        actions.assess("hub", reason="assessed on the spot", **BY)
        assert not get_organisation("hub").admitted
        decide("hub", MeasureKind.TRY_OUT, now=NOW)
        member = queries.get_member("hub")
        assert (member.state, member.level, member.place) == (State.PROBATION, "city", "610100")
        assert get_organisation("hub").admitted and queries.due_on(member) == member.trial_until
        decide("hub", MeasureKind.ADMIT, now=NOW + DAY)
        assert state("hub") is State.ADMITTED and queries.get_member("hub").trial_until is None
        wanted = {"opened", "answered", "filed", "submitted", "assessed", "proposed", "decided"}
        assert {f"admission.{name}" for name in wanted} <= set(events())

    def test_two_people_decide(self, node: datetime) -> None:
        made = actions.propose("bank-a", MeasureKind.SUSPEND, reason="x", actor=FIRST, now=NOW)
        with pytest.raises(OtherPersonNeeded):
            actions.approve(made.id, actor=FIRST, now=NOW)
        with pytest.raises(OneDecisionAtATime):
            actions.propose("bank-a", MeasureKind.REMOVE, reason="x", actor=SECOND, now=NOW)
        assert get_organisation("bank-a").admitted
        actions.decline(made.id, reason="not founded", actor=FIRST, now=NOW)
        with pytest.raises(TransitionRefused):
            actions.approve(made.id, actor=SECOND, now=NOW)
        with pytest.raises(ReasonNeeded):
            actions.propose("bank-a", MeasureKind.SUSPEND, reason=" ", actor=FIRST, now=NOW)

    def test_a_second_platform_for_the_same_city_is_refused(self, node: datetime) -> None:
        come_in("hub", now=NOW)
        applying.begin("rival", **BY)
        fill_in("rival", now=NOW)
        with pytest.raises(PlaceTaken) as taken:
            applying.submit("rival", **BY)
        assert taken.value.data == {"place": "西安市", "holder": "hub"}
        applying.save_answers("rival", {"unit": "610300"}, **BY)
        applying.submit("rival", **BY)
        actions.send_back("rival", reason="the report is of another system", **BY)
        assert state("rival") is State.DRAFT

    def test_answers_are_kept_as_they_come_and_faults_are_named(self, node: datetime) -> None:
        applying.begin("hub", **BY)
        faults = applying.save_answers("hub", {"mlps_level": "three", "linked": "none", "unheard": "x"}, **BY)
        assert [f.field for f in faults] == ["mlps_level"]
        assert queries.get_dossier("hub", now=NOW).answers == {"linked": "none"}

    def test_evidence_is_sealed_and_read_back_by_its_owner_only(self, node: datetime) -> None:
        applying.begin("hub", **BY)
        kept = applying.file_evidence(
            "hub", "penetration", name="p.pdf", data=b"found nothing", issued_on=NOW.date() - DAY, **BY
        )
        assert kept.expires_on is not None and kept.expires_on.year == 2027
        (path,) = (home() / "dossiers").rglob("*.sealed")
        assert b"found nothing" not in path.read_bytes()
        assert queries.open_evidence(kept.id, organisation="hub")[1] == b"found nothing"
        with pytest.raises(UnknownEvidence):
            queries.open_evidence(kept.id, organisation="rival")
        for wrong in ({"name": "p.exe"}, {"data": b""}, {"issued_on": NOW.date() + DAY}, {"issued_on": None}):
            good: dict[str, Any] = {"name": "p.pdf", "data": b"x", "issued_on": NOW.date() - DAY}
            with pytest.raises(FileRefused):
                applying.file_evidence("hub", "penetration", **{**good, **wrong}, **BY)

    def test_an_institution_joins_through_an_open_platform(self, node: datetime) -> None:
        register_organisation("bank-c", kind=OrganisationKind.INSTITUTION, name="bank-c", **BY)
        applying.begin("bank-c", **BY)
        fill_in("bank-c", now=NOW, through="hub")
        with pytest.raises(SponsorMissing):
            applying.submit("bank-c", **BY)
        applying.save_answers("bank-c", {"through": HOST}, **BY)
        assert applying.submit("bank-c", **BY).through == HOST

    def test_who_was_let_in_before_dossiers_were_kept_is_founded_not_applying(self, node: datetime) -> None:
        """Beginning an application would leave its gate open through every state."""
        set_admitted("hub", admitted=True, reason="connected before", **BY)
        with pytest.raises(AlreadyMember):
            applying.begin("hub", **BY)
        actions.found("hub", reason="connected before", level="city", place="610300", **BY)
        assert state("hub") is State.ADMITTED and get_organisation("hub").admitted

    def test_departments_have_no_business_here(self, node: datetime) -> None:
        with pytest.raises(NotAdmissible):
            applying.begin("node", **BY)
        with pytest.raises(AlreadyMember):
            actions.found("bank-a", reason="again", **BY)
        with pytest.raises(UnknownMember):
            queries.get_dossier("node", now=NOW)

    def test_the_node_registers_an_applicant_with_its_person(self, node: datetime) -> None:
        actions.register_applicant(
            "hub-b", kind=OrganisationKind.PLATFORM, name="Hub B", uscc=uscc(5), username="hub-b",
            person="Writer", password="a long pass phrase", **BY,
        )  # fmt: skip
        assert queries.get_dossier("hub-b", now=NOW).answers == {"operator_uscc": uscc(5)}


class TestTheRouteThroughTheHost:
    def hosted(self) -> None:
        """A city platform that signs nothing yet comes in through the provincial one."""
        applying.begin("hub", **BY)
        fill_in("hub", now=NOW, signing="no")
        with pytest.raises(TechnicalBar) as offered:
            applying.submit("hub", **BY)
        assert [p.field for p in offered.value.problems] == ["signing"]
        applying.choose_route("hub", route=Route.HOSTED, **BY)
        applying.submit("hub", **BY)
        actions.assess("hub", reason="secure, not yet signing", **BY)
        decide("hub", MeasureKind.ADMIT, now=NOW)

    def test_it_stands_and_falls_with_its_host(self, node: datetime) -> None:
        self.hosted()
        hub = get_organisation("hub")
        assert hub.admitted and hub.via == HOST
        decide(HOST, MeasureKind.SUSPEND, now=NOW)
        assert not get_organisation("hub").admitted and state("hub") is State.ADMITTED
        decide(HOST, MeasureKind.RESTORE, now=NOW)
        assert get_organisation("hub").admitted

    def test_it_graduates_when_the_technical_bar_is_met(self, node: datetime) -> None:
        self.hosted()
        with pytest.raises(TechnicalBar):
            actions.propose("hub", MeasureKind.GRADUATE, reason="x", **BY)
        applying.save_answers("hub", {"signing": "yes"}, **BY)
        decide("hub", MeasureKind.GRADUATE, now=NOW)
        assert get_organisation("hub").via == "" and queries.get_member("hub").route is Route.DIRECT
        decide(HOST, MeasureKind.SUSPEND, now=NOW)
        assert get_organisation("hub").admitted

    def test_the_node_refers_an_applicant_which_takes_the_route(self, node: datetime) -> None:
        applying.begin("hub", **BY)
        fill_in("hub", now=NOW)
        applying.submit("hub", **BY)
        actions.assess("hub", reason="signs nothing in fact", **BY)
        decide("hub", MeasureKind.REFER, now=NOW)
        assert not get_organisation("hub").admitted
        applying.choose_route("hub", route=Route.HOSTED, **BY)
        assert state("hub") is State.PROBATION and get_organisation("hub").via == HOST
        with pytest.raises(TransitionRefused):
            applying.choose_route("hub", route=Route.DIRECT, **BY)

    def test_nobody_is_hosted_by_a_platform_that_is_suspended(self, node: datetime) -> None:
        decide(HOST, MeasureKind.SUSPEND, now=NOW)
        applying.begin("hub", **BY)
        with pytest.raises(HostMissing):
            applying.choose_route("hub", route=Route.HOSTED, **BY)
        with pytest.raises(NotAdmissible):
            applying.choose_route("bank-a", route=Route.HOSTED, **BY)
        with pytest.raises(NotAdmissible):
            actions.propose("bank-a", MeasureKind.GRADUATE, reason="it is direct", **BY)


class TestGoingOut:
    def test_a_suspension_stops_tokens_and_pushes_tells_firms_and_is_reversed(self, node: datetime) -> None:
        given = authorised()
        armed("bank-a")
        assert queries.orphans("bank-a", now=NOW) == Orphans(1, 0, 1, 1)
        decide("bank-a", MeasureKind.SUSPEND, now=NOW)
        assert not get_organisation("bank-a").admitted
        assert queries.orphans("bank-a", now=NOW) == Orphans(1, 0, 0, 0)
        assert get_client("bank-a").ended_at is None
        decide("bank-a", MeasureKind.RESTORE, now=NOW + DAY)
        assert get_organisation("bank-a").admitted and state("bank-a") is State.WATCHED
        assert get_authorisation(given).status is AuthorisationStatus.ACTIVE
        told = [(n.organisation, n.kind) for n in queries.list_notices(FIRM)]
        assert told == [("bank-a", NoticeKind.RESTORED), ("bank-a", NoticeKind.SUSPENDED)]
        decide("bank-a", MeasureKind.CLEAR, now=NOW + DAY)
        assert state("bank-a") is State.ADMITTED

    def test_nothing_is_left_after_a_removal_and_a_successor_must_be_agreed_to(self, node: datetime) -> None:
        given = authorised()
        armed("bank-a")
        with pytest.raises(NotAdmitted):
            actions.propose("bank-a", MeasureKind.REMOVE, reason="merged", successor="hub", **BY)
        decide("bank-a", MeasureKind.REMOVE, now=NOW + DAY, successor="bank-b")
        assert queries.orphans("bank-a", now=NOW + DAY) == Orphans(0, 0, 0, 0)
        assert get_authorisation(given).status is AuthorisationStatus.VOID
        (asked,) = list_requests(enterprise=FIRM, open_at=NOW + DAY)
        assert (asked.scope.organisation, asked.scope.purpose, asked.authorisation) == ("bank-b", "approval", "")
        assert asked.scope.days <= (get_authorisation(given).valid_to - NOW).days
        assert [n.kind for n in queries.list_notices(FIRM)] == [NoticeKind.HANDED_OVER]
        assert get_client("bank-a").ended_at is not None and count_waiting("bank-a") == 0
        assert "admission.handed_over" in events() and "consent.voided" in events("consent.")

    def test_back_only_with_deletion_attested_and_everything_proved_anew(self, node: datetime) -> None:
        come_in("hub", now=NOW)
        decide("hub", MeasureKind.REMOVE, now=NOW)
        with pytest.raises(DeletionNotAttested):
            applying.begin("hub", **BY)
        late = NOW + 60 * DAY
        assert queries.due_on(queries.get_member("hub")) == (NOW + 30 * DAY).date()
        applying.attest_deletion("hub", statement="wiped", actor="t", now=late)
        assert queries.due_on(queries.get_member("hub")) is None
        applying.begin("hub", actor="t", now=late)
        again = queries.get_dossier("hub", now=late)
        assert not again.answers and not again.files and len(again.gaps) == len(again.questions)
        come_in("rival", now=late)
        with pytest.raises(TransitionRefused):
            applying.attest_deletion("rival", statement="x", actor="t", now=late)

    def test_supervision_suspends_at_once(self, node: datetime) -> None:
        actions.suspend_urgently("bank-a", case="F1", reason="read unlawfully", **BY)
        actions.suspend_urgently("bank-a", case="F1", reason="read unlawfully", **BY)
        assert state("bank-a") is State.SUSPENDED and events().count("admission.suspended") == 1


class TestTheWatch:
    def test_an_expired_report_leads_to_watch_then_to_suspension(self, node: datetime) -> None:
        come_in("hub", now=NOW)
        assert watch_members(now=NOW + DAY) == []
        expired = NOW + 340 * DAY  # the reports are dated 30 days before the application
        assert [(m.organisation, m.state) for m in watch_members(now=expired)] == [("hub", State.WATCHED)]
        assert get_organisation("hub").admitted and "已过期" in queries.get_member("hub").reason
        assert watch_members(now=expired + 15 * DAY) == []
        with pytest.raises(StillLapsed):
            actions.propose("hub", MeasureKind.CLEAR, reason="x", actor=FIRST, now=expired)
        assert [m.state for m in watch_members(now=expired + 16 * DAY)] == [State.SUSPENDED]
        assert not get_organisation("hub").admitted

    def test_who_is_concerned_is_told_of_an_automatic_suspension_too(self, node: datetime) -> None:
        authorised()
        actions.report_probe("bank-a", "clock", passed=False, **BY)
        assert queries.list_notices(FIRM) == [], "a watch stops nothing"
        watch_members(now=NOW + 16 * DAY)
        assert [(n.organisation, n.kind) for n in queries.list_notices(FIRM)] == [("bank-a", NoticeKind.SUSPENDED)]
        watch_members(now=NOW + 17 * DAY)
        assert len(queries.list_notices(FIRM)) == 1

    def test_fresh_proof_ends_the_watch(self, node: datetime) -> None:
        come_in("hub", now=NOW)
        later = NOW + 340 * DAY
        watch_members(now=later)
        fill_in("hub", now=later)
        decide("hub", MeasureKind.CLEAR, now=later)
        assert state("hub") is State.ADMITTED and watch_members(now=later) == []

    def test_a_founding_member_is_reviewed_within_the_year(self, node: datetime) -> None:
        later = NOW + 366 * DAY
        assert {m.organisation for m in watch_members(now=later)} == {HOST, "bank-a", "bank-b"}
        with pytest.raises(DossierIncomplete):
            actions.propose("bank-a", MeasureKind.REVIEW, reason="x", actor=FIRST, now=later)
        fill_in("bank-a", now=later, through=HOST)
        decide("bank-a", MeasureKind.REVIEW, now=later)
        decide("bank-a", MeasureKind.CLEAR, now=later)
        assert state("bank-a") is State.ADMITTED

    def test_a_failing_probe_puts_under_watch_until_it_passes(self, node: datetime) -> None:
        actions.report_probe("bank-a", "dpop_replay", passed=True, **BY)
        assert state("bank-a") is State.ADMITTED
        actions.report_probe("bank-a", "dpop_replay", passed=False, detail="accepted twice", **BY)
        assert state("bank-a") is State.WATCHED and get_organisation("bank-a").admitted
        with pytest.raises(StillLapsed):
            actions.propose("bank-a", MeasureKind.CLEAR, reason="x", **BY)
        with pytest.raises(StillLapsed):
            fill_in("bank-a", now=NOW, through=HOST)
            actions.propose("bank-a", MeasureKind.ADMIT, reason="beside the watch", **BY)
        actions.report_probe("bank-a", "dpop_replay", passed=True, actor="t", now=NOW + timedelta(hours=1))
        decide("bank-a", MeasureKind.CLEAR, now=NOW + timedelta(hours=2))
        assert state("bank-a") is State.ADMITTED
