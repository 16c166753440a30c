"""Cases on their pages: from an alert, an audit, a complaint; what an organisation and the public may see."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from tests.factories import uscc
from tests.web.conftest import FIRM, Town, visitor
from xinqiao.effectiveness.queries import goals
from xinqiao.release.queries import list_accesses
from xinqiao.supervision.queries import list_alerts
from xinqiao.supervision.watch import watch
from xinqiao.violations.models import CaseRow
from xinqiao.violations.queries import get_case, list_cases
from xinqiao.violations.types import CaseState, Source


def steps(client: Any, case: str, step: str, **more: Any) -> int:
    posted = {"step": step, "reason": "seen and judged", **more}
    return int(client.post(f"/node/violations/{case}/", posted).status_code)


def test_an_audit_becomes_a_case_and_is_worked_by_two_people(town: Town) -> None:
    operator, guard = town.client("operator"), town.client("guard")
    entered = {"kind": "selling", "organisation": "bank-a", "summary": "a list was for sale", "reference": "J-1"}
    operator.post("/node/violations/", {**entered, "party": "api:bank-a"})
    (case,) = list_cases()
    assert case.source is Source.AUDIT and "a list was for sale" in operator.get("/node/violations/").content.decode()
    for step in ("take_up", "notify"):
        assert steps(operator, case.id, step) == 302
    assert steps(operator, case.id, "lapse") == 409, "there is time yet"
    banker = town.client("banker")
    assert "seen and judged" in banker.get(f"/institution/violations/{case.id}/").content.decode()
    assert town.client("rival").post(f"/institution/violations/{case.id}/", {"text": "x"}).status_code == 404
    banker.post(f"/institution/violations/{case.id}/", {"step": "state", "text": "not ours"})
    assert steps(operator, case.id, "decide", measures=["referral"]) == 422
    assert steps(operator, case.id, "decide", measures=["limit", "warning"]) == 302
    assert steps(operator, case.id, "carry_out") == 403
    assert steps(town.client("auditor"), case.id, "carry_out") == 404
    assert steps(guard, case.id, "carry_out") == 302
    assert town.api("bank-a").fetch().json()["error"] == "unauthorized_client", "the program is stopped"
    banker.post(f"/institution/violations/{case.id}/", {"step": "appeal", "text": "an error"})
    assert steps(guard, case.id, "overturn") == 403
    assert get_case(case.id).state is CaseState.APPEALED


def test_an_alert_becomes_a_case_once(town: Town) -> None:
    machine = town.api("bank-a")
    for n in range(6):
        machine.get(f"/api/v1/enterprises/{uscc(4000 + n)}/public")
    watch(now=timezone.now())
    alert, operator = list_alerts()[0], town.client("operator")
    for _ in range(2):
        operator.post(f"/node/supervision/alerts/{alert.id}/case/")
    (case,) = list_cases()
    assert (case.source, case.party) == (Source.ALERT, "api:bank-a")
    assert operator.get(f"/node/violations/{case.id}/").status_code == 200


def test_an_enterprise_complains_and_reads_what_came_of_it(town: Town) -> None:
    access = town.read()
    owner = town.client("owner")
    assert "投诉" in owner.get(f"/enterprise/accesses/{access}/").content.decode()
    said = {"kind": "unlawful_obtaining", "text": "we never applied there"}
    assert town.client("neighbour").post(f"/enterprise/accesses/{access}/complain/", said).status_code == 404
    owner.post(f"/enterprise/accesses/{access}/complain/", said)
    (case,) = list_cases()
    assert (case.source, case.enterprise, case.organisation) == (Source.COMPLAINT, FIRM, "bank-a")
    operator = town.client("operator")
    for step in ("take_up", "notify"):
        steps(operator, case.id, step)
    assert (
        "we never applied there"
        not in town.client("banker").get(f"/institution/violations/{case.id}/").content.decode()
    )
    CaseRow.objects.filter(id=case.id).update(state=CaseState.HEARD)
    steps(operator, case.id, "dismiss")
    page = owner.get(f"/enterprise/accesses/{access}/").content.decode()
    assert "不成立" in page and "seen and judged" in page
    operator.get(f"/node/enterprises/?code={FIRM}&reason=duty")
    own = [a for a in list_accesses(enterprise=FIRM) if a.recipient_kind == "node"]
    for line in own:
        assert owner.post(f"/enterprise/accesses/{line.id}/complain/", said).status_code == 403


def test_a_department_speaks_in_its_own_portal(town: Town) -> None:
    operator, clerk = town.client("operator"), town.client("tax")
    entered = {"kind": "unlawful_obtaining", "organisation": "tax_bureau", "summary": "looked up for a friend"}
    operator.post("/node/violations/", entered)
    (case,) = list_cases()
    assert case.id not in clerk.get("/department/violations/").content.decode()
    for name in ("take_up", "notify"):
        steps(operator, case.id, name)
    assert f"/department/violations/{case.id}/" in clerk.get("/department/violations/").content.decode()
    clerk.post(f"/department/violations/{case.id}/", {"step": "state", "text": "it was duty"})
    assert get_case(case.id).statement == "it was duty"
    assert town.client("registry").get(f"/department/violations/{case.id}/").status_code == 404
    assert steps(operator, case.id, "decide", measures=["suspension"]) == 422, "a department was never admitted"
    assert steps(operator, case.id, "decide", measures=["warning"]) == 302


@pytest.mark.parametrize("shown", [False, True])
def test_small_cells_are_not_published(town: Town, shown: bool) -> None:
    """By the floor of the open statistics."""
    now, count = timezone.now(), goals().floor - (not shown)
    CaseRow.objects.bulk_create(
        CaseRow(
            id=f"V{n}", kind="leaking", organisation="bank-a", organisation_name="x", source="audit", reference=f"{n}",
            summary="x", facts={}, state=CaseState.CLOSED, opened_at=now, measures=["warning"], carried_out_at=now,
        )
        for n in range(count)
    )  # fmt: skip
    page = visitor().get("/violations/").content.decode()
    assert (f'<td class="n">{count}</td>' in page) is shown and (">不公布<" in page) is not shown
