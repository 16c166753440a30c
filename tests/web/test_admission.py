"""The wizard, the board with its second person, the public list, notices, and a platform that another calls for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.dossiers import answers_of, decide, fill_in
from tests.factories import uscc
from tests.machines import register_client
from tests.web.conftest import FIRM, PASSWORD, Town, visitor
from xinqiao.admission import actions, applying
from xinqiao.admission.content import bar
from xinqiao.admission.queries import get_dossier, get_member, list_measures, list_members
from xinqiao.admission.types import MeasureKind, Route, State
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.dated import beijing_day
from xinqiao.parties.actions import add_member, register_organisation, register_person
from xinqiao.parties.queries import get_organisation
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.release.queries import list_accesses
from xinqiao.supervision.actions import approve_freeze, conclude_unlawful, propose_freeze
from xinqiao.supervision.types import SecondPersonNeeded

HOST = bar().host


@pytest.fixture
def writer(town: Town) -> Client:
    """Who writes the application of a new city platform."""
    by: dict[str, Any] = {"actor": "t", "now": town.now}
    register_organisation("city-hub", kind=OrganisationKind.PLATFORM, name="City Platform", uscc=uscc(8), **by)
    town.people["writer"] = register_person("writer", name="Writer", password=PASSWORD, **by)
    add_member(town.people["writer"], role=Role.OPERATOR, organisation="city-hub", **by)
    return town.client("writer")


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def step(client: Client, path: str, name: str, **form: str) -> Any:
    return client.post(path, {"step": name, **form})


def test_the_wizard_saves_as_it_goes_and_shows_the_gaps(town: Town, writer: Client) -> None:
    own = "/institution/admission/"
    assert "开始接入申请" in page(writer, own)
    step(writer, own, "begin")
    assert uscc(8) in page(writer, f"{own}applicant/"), "what the node knows is not asked again"
    half = {"in_china": "no", "mlps_level": "third", "two_factor": "yes", "issued-breach_plan": "2026-01-05"}
    report = SimpleUploadedFile("plan.pdf", b"%PDF plan")
    answer = writer.post(f"{own}security/", {**half, "file-breach_plan": report})
    assert answer.status_code == 422 and "应为整数" in answer.content.decode()
    dossier = get_dossier("city-hub", now=timezone.now())
    assert dossier.answers["in_china"] == "no" and dossier.files["breach_plan"].name == "plan.pdf"
    evidence = writer.get(f"/institution/evidence/{dossier.files['breach_plan'].id}/")
    assert evidence.content == b"%PDF plan" and evidence["Content-Disposition"].startswith("attachment")
    assert town.client("banker").get(f"/institution/evidence/{dossier.files['breach_plan'].id}/").status_code == 404
    assert writer.post(f"{own}security/", {"mlps_level": "3"}).status_code == 302
    assert "请把数据迁回境内" in page(writer, own)
    report = SimpleUploadedFile("test.pdf", b"%PDF test")
    writer.post(f"{own}security/", {"penetration": beijing_day(town.now).isoformat(), "file-penetration": report})
    filed = get_dossier("city-hub", now=timezone.now()).files["penetration"]
    assert filed.issued_on == beijing_day(town.now), "the day of a report is typed once"
    assert writer.get(f"{own}moon/").status_code == 404
    assert step(writer, own, "submit").status_code == 422 and get_member("city-hub").state is State.DRAFT


def test_below_the_technical_bar_the_page_offers_the_other_route(town: Town, writer: Client) -> None:
    now, own = timezone.now(), "/institution/admission/"
    register_organisation(HOST, kind=OrganisationKind.PLATFORM, name="Provincial Platform", actor="t", now=now)
    actions.found(HOST, reason="connected before", actor="t", now=now)
    applying.begin("city-hub", actor="t", now=now)
    fill_in("city-hub", now=now, signing="no")
    answer = step(writer, own, "submit")
    assert answer.status_code == 422 and "请改为经秦信融接入" in answer.content.decode()
    step(writer, own, "via_host")
    assert step(writer, own, "submit").status_code == 302
    member = get_member("city-hub")
    assert (member.state, member.route) == (State.APPLIED, Route.HOSTED)
    assert "节点" in page(writer, own) and writer.post(f"{own}security/", {"in_china": "yes"}).status_code == 409


def test_the_board_leads_through_assessment_to_two_people(town: Town, writer: Client) -> None:
    now, operator, guard = timezone.now(), town.client("operator"), town.client("guard")
    applying.begin("city-hub", actor="t", now=now)
    fill_in("city-hub", now=now)
    applying.submit("city-hub", actor="t", now=now)
    assert "City Platform" in page(operator, "/node/admission/")
    at = "/node/admission/city-hub/"
    file = get_dossier("city-hub", now=now).files["penetration"]
    assert file.sha256[:12] in page(operator, at)
    assert operator.get(f"/node/evidence/{file.id}/").content == b"%PDF paper"
    assert step(operator, at, "assess", reason="").status_code == 422
    step(operator, at, "assess", reason="seen on the spot")
    step(operator, at, "admit", reason="meets the bar")
    assert "您提出的决定须由另一人批准" in page(operator, at)
    measure = _pending()
    assert step(operator, at, "approve", measure=measure).status_code == 403
    assert not get_organisation("city-hub").admitted
    assert step(guard, at, "approve", measure=measure).status_code == 302
    assert get_organisation("city-hub").admitted and "City Platform" in page(visitor(), "/members/")
    step(operator, at, "suspend", reason="an incident")
    assert step(guard, at, "decline", measure=_pending(), reason="settled").status_code == 302
    assert get_member("city-hub").state is State.ADMITTED


def _pending() -> str:
    (found,) = list_measures(pending=True)
    return found.id


def test_the_node_registers_an_applicant(town: Town) -> None:
    operator, form = town.client("operator"), {"code": "hub-c", "kind": "platform", "name": "Hub C", "uscc": uscc(9)}
    form |= {"person": "Writer", "username": "hub-c", "password": PASSWORD}
    assert operator.post("/node/applicants/", {**form, "uscc": "9161"}).status_code == 422
    answer = operator.post("/node/applicants/", {**form, "code": "a/b", "password": "short", "name": " "})
    assert answer.status_code == 422 and "应不少于 12 个字符" in answer.content.decode()
    assert operator.post("/node/applicants/", form).status_code == 302
    assert get_member("hub-c").state is State.DRAFT
    assert operator.post("/node/applicants/", form).status_code == 409
    assert "hub-c" in {m.organisation for m in list_members()}
    assert "Hub C" not in page(visitor(), "/members/"), "a draft is nobody's business yet"


def test_a_suspension_is_public_with_its_reason_and_told_to_who_is_concerned(town: Town) -> None:
    town.grant(town.ask())
    machine = town.api("bank-a")
    assert machine.get(f"/api/v1/enterprises/{FIRM}/public").status_code == 200
    made = actions.propose("bank-a", MeasureKind.SUSPEND, reason="an audit failed", actor="p", now=timezone.now())
    actions.approve(made.id, actor="q", now=timezone.now())
    assert machine.get(f"/api/v1/enterprises/{FIRM}/public").status_code == 401, "its token died"
    machine.token = ""
    answer = machine.get(f"/api/v1/enterprises/{FIRM}/public")
    assert (answer.status_code, answer.json()["code"]) == (403, "release.refused")
    assert machine.post("/api/v1/webhooks/messages/m/again").json()["code"] == "admission.not_open"
    assert machine.get("/api/v1/enterprises?q=Example").json()["code"] == "admission.not_open"
    assert town.client("banker").get("/institution/find/?uscc=Example").status_code == 403
    assert "an audit failed" in page(visitor(), "/members/")
    assert "Sample Bank" in page(town.client("owner"), "/enterprise/notices/")
    assert "Sample Bank" not in page(town.client("neighbour"), "/enterprise/notices/")


def test_a_removed_bank_attests_deletion_before_it_begins_anew(town: Town) -> None:
    decide("bank-a", MeasureKind.REMOVE, now=timezone.now() - timedelta(minutes=1))
    banker, own = town.client("banker"), "/institution/admission/"
    assert "尚未声明数据删除" in page(visitor(), "/members/")
    assert step(banker, own, "begin").status_code == 409
    assert step(banker, own, "attest", statement="").status_code == 422
    step(banker, own, "attest", statement="wiped by two people")
    assert "wiped by two people" in page(town.client("operator"), "/node/admission/bank-a/")
    assert step(banker, own, "begin").status_code == 302 and get_member("bank-a").state is State.DRAFT


def test_the_host_calls_for_a_hosted_platform_and_both_are_on_record(town: Town) -> None:
    by: dict[str, Any] = {"actor": "t", "now": town.now}
    for code in (HOST, "small-hub"):
        register_organisation(code, kind=OrganisationKind.PLATFORM, name=code, **by)
        register_client(code, **by)
    actions.found(HOST, reason="connected before", **by)
    applying.begin("small-hub", **by)
    applying.choose_route("small-hub", route=Route.HOSTED, **by)
    day = beijing_day(town.now)
    applying.save_answers("small-hub", answers_of(OrganisationKind.PLATFORM, on=day, signing="no"), **by)
    fill_in("small-hub", now=town.now, signing="no")
    applying.submit("small-hub", **by)
    actions.assess("small-hub", reason="secure, not yet signing", **by)
    decide("small-hub", MeasureKind.ADMIT, now=town.now)
    given = town.grant(town.ask("small-hub"))
    body = {"enterprise": FIRM, "purpose": "approval", "authorisation": given.id, "hosted": "small-hub"}

    def read(machine: Client, key: str, **other: str) -> Any:
        sent = {"Idempotency-Key": key}
        return machine.post("/api/v1/reports", {**body, **other}, content_type="application/json", headers=sent)

    assert read(town.api("small-hub"), "1", hosted="").json()["code"] == "admission.not_direct"
    assert read(town.api("hub"), "1").json()["code"] == "admission.not_hosted"
    assert read(town.api(HOST), "1", hosted="bank-a").json()["code"] == "admission.not_hosted"
    answer = read(town.api(HOST), "2")
    assert answer.status_code == 200, answer.content
    assert answer.json()["document"]["recipient"]["via"] == HOST
    assert f'"via":"{HOST}"' in answer.json()["disclosure"]["body"]["content"]
    line = list_accesses(enterprise=FIRM)[0]
    assert (line.recipient_code, line.via, line.actor) == ("small-hub", HOST, f"api:{HOST}")
    assert f"经 {HOST} 接入" in page(town.client("owner"), "/enterprise/accesses/")
    decide(HOST, MeasureKind.SUSPEND, now=timezone.now())
    machine = town.api(HOST)
    assert read(machine, "3").json()["code"] == "release.refused"


def test_a_finding_of_unlawful_reads_suspends_the_organisation(town: Town) -> None:
    now = timezone.now()
    made = propose_freeze("api:bank-a", organisation="bank-a", reason="tries codes out", actor="person:901", now=now)
    approve_freeze(made.id, actor="person:902", now=now)
    with pytest.raises(SecondPersonNeeded):
        conclude_unlawful(made.id, reason="sold on", actor="person:901", now=now)
    at = f"/node/supervision/freezes/{made.id}/"
    assert step(town.client("operator"), at, "unlawful", reason="sold on").status_code == 302
    assert get_member("bank-a").state is State.SUSPENDED and not get_organisation("bank-a").admitted
    events = [e.event for e in list_entries(limit=50)]
    assert "supervision.found_unlawful" in events and "admission.suspended" in events
