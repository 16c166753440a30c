"""Signals on the pages: the bank acts in two clicks, the firm reads who was told, the node sees what rules give."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import deliver
from tests.web.conftest import FIRM, NON_PUBLIC, OTHER, Town
from xinqiao.consent.actions import grant_authorisation, request_authorisation, withdraw_authorisation
from xinqiao.consent.queries import consent_text
from xinqiao.consent.types import Form
from xinqiao.monitoring.passing import monitor
from xinqiao.monitoring.pushing import push_waiting
from xinqiao.monitoring.queries import list_embargoes, list_told, list_watches, precisions
from xinqiao.monitoring.types import EmbargoState
from xinqiao.parties.queries import get_organisation
from xinqiao.release.types import Recipient

PENALTY = {"kind": "罚款", "severity": "严重", "decided_on": "2026-09-01", "fine_fen": "5000"}


def allow(town: Town, firm: str = FIRM, person: str = "owner") -> str:
    """The firm lets the first bank watch it; the authorisation's number."""
    asked = request_authorisation(
        "bank-a", enterprise=firm, purpose="post_loan", items=NON_PUBLIC, form=Form.REPORT,
        reason="loan A-1", days=90, times=50, actor="t", now=town.now,
    )  # fmt: skip
    shown = consent_text(asked.id, locale="zh")
    by: dict[str, Any] = {"signatory": town.people[person], "locale": "zh", "now": town.now}
    return grant_authorisation(asked.id, text_digest=shown.sha256, **by).id


def signalled(town: Town) -> str:
    """A borrower is watched, penalised, and the bank told: the signal's number."""
    town.client("banker").post("/institution/watch/", {"step": "add", "uscc": FIRM, "exposure": "12,345.00"})
    deliver("penalty.decision", [{"uscc": FIRM, "document_no": "P-9", **PENALTY}], now=timezone.now())
    now = timezone.now()
    monitor(now=now)
    push_waiting(now=now)
    ((signal, _),) = list_told(Recipient.of(get_organisation("bank-a")), now=now)
    return signal.id


@pytest.fixture
def raised(town: Town) -> str:
    allow(town)
    return signalled(town)


def test_a_borrower_is_listed_only_under_its_authorisation(town: Town) -> None:
    banker = town.client("banker")
    refused = banker.post("/institution/watch/", {"step": "add", "uscc": FIRM})
    assert refused.status_code == 403 and "贷后监测" in refused.content.decode()
    assert banker.post("/institution/watch/", {"step": "add", "uscc": "12"}).status_code == 422
    assert "还没有监测的企业" in banker.get("/institution/watch/").content.decode()
    allow(town)
    assert banker.post("/institution/watch/", {"step": "add", "uscc": FIRM}).status_code == 302
    (watch,) = list_watches(organisation="bank-a")
    assert town.client("rival").post("/institution/watch/", {"step": "end", "watch": watch.id}).status_code == 404
    assert banker.post("/institution/watch/", {"step": "end", "watch": watch.id}).status_code == 302
    assert list_watches(organisation="bank-a") == []


def test_the_bank_sees_cause_exposure_and_step_and_closes_it_in_two_clicks(town: Town, raised: str) -> None:
    banker = town.client("banker")
    page = banker.get("/institution/signals/").content.decode()
    assert all(text in page for text in ("严重行政处罚", "12,345.00", "核实处罚原因", "Example Machinery"))
    assert "P-9" not in page, "a derived fact, not the record"
    address = f"/institution/signals/{raised}/"
    assert "风险经理" in banker.get(address).content.decode()
    assert banker.post(address, {"reply": "acted:seasonal"}).status_code == 422
    assert banker.post(address, {"reply": "acted:visited"}).status_code == 302
    assert banker.post(address, {"reply": "useful:confirmed"}).status_code == 409
    page = banker.get("/institution/signals/").content.decode()
    assert "没有待处置的信号" in page and "已走访核实" in page and "100%" in page
    assert sum(one.replied for one in precisions()) == 1
    assert "100%" in town.client("operator").get("/node/monitoring/").content.decode()


def test_nobody_else_reads_it(town: Town, raised: str) -> None:
    assert town.client("rival").get(f"/institution/signals/{raised}/").status_code == 404
    assert "严重行政处罚" not in town.client("rival").get("/institution/signals/").content.decode()
    assert town.client("neighbour").get(f"/enterprise/signals/{raised}/").status_code == 404
    assert town.client("banker").get("/node/monitoring/").status_code == 404


def test_the_firm_reads_what_was_said_of_it_to_whom_and_questions_it(town: Town, raised: str) -> None:
    owner = town.client("owner")
    assert "Sample Bank" in owner.get("/enterprise/signals/").content.decode()
    page = owner.get(f"/enterprise/signals/{raised}/").content.decode()
    access = page.split("/enterprise/accesses/")[-1].split("/")[0]
    assert "Sample Bank" in page and "行政处罚" in page
    assert owner.post(f"/enterprise/accesses/{access}/", {"text": "why me?"}).status_code == 302
    assert "why me?" in town.client("banker").get("/institution/challenges/").content.decode()
    assert "没有关于本企业的信号" in town.client("neighbour").get("/enterprise/signals/").content.decode()


def test_with_the_authorisation_the_page_is_gone_at_once(town: Town) -> None:
    given = allow(town)
    number = signalled(town)
    withdraw_authorisation(given, signatory=town.people["owner"], now=timezone.now())
    assert town.client("banker").get(f"/institution/signals/{number}/").status_code == 404
    assert "没有待处置的信号" in town.client("banker").get("/institution/signals/").content.decode()


def test_an_embargo_takes_two_people_and_hides_signal_and_ledger_line(town: Town) -> None:
    operator, guard, path = town.client("operator"), town.client("guard"), "/node/monitoring/"
    until = (timezone.localdate() + timedelta(days=5)).isoformat()
    asked = {"step": "propose", "uscc": FIRM, "basis": "an investigation under law", "until": until}
    assert operator.post(path, {**asked, "until": "x"}).status_code == 422
    assert town.client("auditor").post(path, asked).status_code == 404
    operator.post(path, asked)
    (embargo,) = list_embargoes()
    assert operator.post(path, {"step": "approve", "embargo": embargo.id}).status_code == 403
    assert guard.post(path, {"step": "approve", "embargo": embargo.id}).status_code == 302
    allow(town)
    owner, number = town.client("owner"), signalled(town)
    assert owner.get(f"/enterprise/signals/{number}/").status_code == 404
    assert "严重行政处罚" not in owner.get("/enterprise/signals/").content.decode()
    assert "贷后监测" not in owner.get("/enterprise/accesses/").content.decode()
    assert operator.post(path, {"step": "end", "embargo": embargo.id}).status_code == 302
    assert list_embargoes()[0].state is EmbargoState.ENDED
    assert owner.get(f"/enterprise/signals/{number}/").status_code == 200
    assert "贷后监测" in owner.get("/enterprise/accesses/").content.decode()


def test_a_program_reads_and_answers_what_a_notice_names(town: Town, raised: str) -> None:
    """Watched, listed, read, replied once; another bank finds nothing; a borrower without authorisation is refused."""

    def post(path: str, body: dict[str, Any], key: str) -> Any:
        data, headers = json.dumps(body), {"Idempotency-Key": key}
        return bank.post(f"/api/v1/monitoring{path}", data, content_type="application/json", headers=headers)

    bank, rival = town.api("bank-a"), town.api("bank-b")
    (watch,) = bank.get("/api/v1/monitoring/watches").json()
    assert (watch["enterprise"], watch["exposure_fen"]) == (FIRM, 1_234_500)
    (found,) = bank.get("/api/v1/monitoring/signals").json()
    assert found["id"] == raised and found["access"] and "P-9" not in json.dumps(found)
    assert bank.get(f"/api/v1/monitoring/signals/{raised}").json() == found
    assert rival.get(f"/api/v1/monitoring/signals/{raised}").status_code == 404
    assert rival.get("/api/v1/monitoring/signals").json() == []
    codes = {r["code"]: r["reply"] for r in bank.get("/api/v1/monitoring/reply-reasons").json()}
    assert codes["visited"] == "acted"
    wrong = post(f"/signals/{raised}/reply", {"reply": "acted", "reason": "seasonal"}, "a")
    assert wrong.status_code == 422
    assert post(f"/signals/{raised}/reply", {"reply": "acted", "reason": "visited"}, "b").json()["reply"] == "acted"
    assert post(f"/signals/{raised}/reply", {"reply": "useful", "reason": "confirmed"}, "c").status_code == 409
    assert bank.get("/api/v1/monitoring/signals").json() == []
    assert len(bank.get("/api/v1/monitoring/signals?answered=true").json()) == 1
    assert bank.delete(f"/api/v1/monitoring/watches/{watch['id']}").json()["end"]
    assert post("/watches", {"enterprise": OTHER}, "d").status_code == 403
    assert post("/watches", {"enterprise": FIRM, "exposure_fen": -1}, "e").status_code == 422
    assert post("/watches", {"enterprise": FIRM}, "f").status_code == 201
