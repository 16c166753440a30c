"""Proceedings on their pages and by program: filed, answered, decided; whoever is no party sees nothing."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tests.machines import Machine, register_client
from tests.web.conftest import FIRM, Town
from tests.web.suing import BODIES, PDF, RECEIPT, overdue
from xinqiao.judicial.jobs import carry
from xinqiao.parties.types import Role
from xinqiao.settlement.queries import get_proceeding, list_papers, list_proceedings
from xinqiao.settlement.types import ProceedingState

DECISION = {"event": "award", "document_no": "（2026）示仲裁1号", "amount": "812,500.00"}


@pytest.fixture
def late(town: Town) -> Town:
    """A loan in arrears, a commission and a notary office with their people."""
    overdue(FIRM, now=town.now)
    for code, person in zip(BODIES, ("arbiter", "notary", "magistrate"), strict=True):
        town.join(person, Role.MAGISTRATE, code)
    return town


def terms(**changes: str) -> dict[str, str]:
    return {
        "step": "terms", "contract_no": "SX20260001", "rate": "4.2", "overdue_rate": "6.3", "principal": "800,000.00",
        "interest": "12,000.00", "fees": "500", "counted_on": timezone.localdate().isoformat(),
        "facts": "lent, due, asked for twice in writing, and still unpaid", "address": "1 Sample Road",
        "agreement": "disputes go to the sample commission", "agreed_body": "arbitration-demo", **changes,
    }  # fmt: skip


def begun(town: Town, kind: str = "arbitration", body: str = "arbitration-demo") -> str:
    """A draft by its form; its page."""
    form = {"kind": kind, "about": "loan", "number": RECEIPT, "enterprise": FIRM, "body": body}
    answer = town.client("banker").post("/institution/proceedings/", form)
    assert answer.status_code == 302
    return str(answer["Location"])


def post(machine: Machine, path: str, body: dict[str, Any], key: str) -> Any:
    """A call of a program that may be repeated."""
    headers = {"Idempotency-Key": key}
    return machine.post(f"/api/v1/proceedings{path}", body, content_type="application/json", headers=headers)


def pdf(name: str = "paper.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, PDF + name.encode())


def test_an_arbitration_from_the_form_to_the_award(late: Town) -> None:
    banker, arbiter, owner = late.client("banker"), late.client("arbiter"), late.client("owner")
    page = begun(late)
    number = page.rstrip("/").rsplit("/", 1)[1]
    wrong = banker.post(page, terms(principal="much", counted_on="soon"))
    assert wrong.status_code == 422 and all(
        f'<code class="small">{f}' in wrong.content.decode() for f in ("principal", "counted_on")
    )
    assert banker.post(page, terms(agreement="")).status_code == 302
    shown = banker.get(page).content.decode()
    assert "提交前核对：提交申请" in shown and "请录入仲裁条款原文" in shown and "812,500.00" in shown
    refused = banker.post(page, {"step": "file"})
    assert refused.status_code == 422 and "请至少上传合同" in refused.content.decode()
    assert owner.get(f"/enterprise/proceedings/{number}/").status_code == 404, "a draft is the bank's own"
    assert banker.post(page, terms()).status_code == 302
    assert banker.post(page, {"step": "paper", "paper_kind": "contract", "file": pdf("c.pdf")}).status_code == 302
    assert banker.post(page, {"step": "file"}).status_code == 302
    carry(now=timezone.now())
    assert number in arbiter.get("/judicial/proceedings/").content.decode()
    about = f"/enterprise/proceedings/{number}/"
    assert "反对线上进行" in owner.get(about).content.decode()
    assert owner.post(about, {"step": "object_online", "reason": "we wish to be heard"}).status_code == 302
    desk, today = f"/judicial/proceedings/{number}/", timezone.localdate().isoformat()
    assert arbiter.post(desk, {"event": "accept", "on": today}).status_code == 302
    assert arbiter.post(desk, {**DECISION, "on": today}).status_code == 422, "an award without its document"
    assert arbiter.post(desk, {**DECISION, "on": today, "file": pdf("award.pdf")}).status_code == 302
    assert get_proceeding(number).state is ProceedingState.AWARDED
    for client, path in ((owner, about), (banker, page)):
        assert "（2026）示仲裁1号" in client.get(path).content.decode()
    papers = {one.kind: one.id for one in list_papers(number)}
    assert owner.get(f"{about}papers/{papers['decision']}/").content == PDF + b"award.pdf"
    assert owner.get(f"{about}papers/{papers['package']}/").content[:2] == b"PK"
    assert banker.get(f"{page}papers/{papers['package']}/").status_code == 404, "the package is the body's"
    for client, path in (
        (late.client("rival"), page), (late.client("neighbour"), about), (late.client("notary"), desk),
    ):  # fmt: skip
        assert client.get(path).status_code == 404
    assert "示例仲裁委员会" in late.client("operator").get("/node/proceedings/").content.decode()


def test_only_the_owner_agrees_to_enforceable_notarisation(late: Town) -> None:
    banker = late.client("banker")
    page = begun(late, "notarisation", "notary-demo")
    number = page.rstrip("/").rsplit("/", 1)[1]
    deed = {"debt": "800000", "payments": "2027-11-18 800000.00 33600.00", "acceptance": "yes",
            "verification": "letter", "guarantors": "Sample Guarantor 入证\nOther Guarantor"}  # fmt: skip
    assert banker.post(page, terms(**deed)).status_code == 302
    banker.post(page, {"step": "paper", "paper_kind": "contract", "file": pdf()})
    assert "未写入的担保不能一并执行" in banker.get(page).content.decode(), "a warning, and no obstacle"
    assert banker.post(page, {"step": "propose"}).status_code == 302
    about = f"/enterprise/proceedings/{number}/"
    assert about in late.client("owner").get("/enterprise/").content.decode(), "it stands among what is to be done"
    english = late.client("owner", english=True).get(about).content.decode()
    assert "enforceable notarisation" in english and "Agree to apply together" in english
    assert late.client("owner").post(about, {"step": "agree"}).status_code == 302
    assert get_proceeding(number).state is ProceedingState.APPLIED


def test_by_program_an_institution_files_and_a_body_decides(late: Town) -> None:
    bank = late.api("bank-a")
    contract = {"kind": "contract", "name": "c.pdf", "base64": base64.b64encode(PDF).decode()}
    stated = {
        "principal_fen": 80_000_000, "rate_bp": 420, "overdue_rate_bp": 630,
        "counted_on": timezone.localdate().isoformat(),
        "facts": "lent, due, asked for twice in writing, and still unpaid",
    }  # fmt: skip
    body = {"kind": "litigation", "about": "loan", "number": RECEIPT, "enterprise": FIRM, "body": "court-demo",
            "terms": stated, "papers": [contract]}  # fmt: skip
    made = post(bank, "", body, "one")
    assert made.status_code == 201 and made.json()["next"] == ["file", "withdraw"]
    number = made.json()["id"]
    assert {c["verdict"] for c in made.json()["checks"]} == {"passed", "warned"}
    assert post(bank, "", body, "one").json() == made.json()
    assert post(bank, "", body, "two").status_code == 409
    filed = post(bank, f"/{number}/steps", {"step": "file"}, "file")
    assert filed.status_code == 200 and filed.json()["state"] == "filed"
    assert late.api("bank-b").get(f"/api/v1/proceedings/{number}").status_code == 404
    register_client("court-demo", actor="t", now=late.now)
    court: Machine = late.api("court-demo")
    assert court.get(f"/api/v1/proceedings/{number}").status_code == 404, "not brought to it before it has arrived"
    carry(now=timezone.now() + timedelta(seconds=1))
    events = f"/{number}/events"
    today = timezone.localdate().isoformat()
    assert post(court, events, {"event": "accept", "on": today}, "a").status_code == 200
    missing = post(court, events, {"event": "judge", "on": today}, "j")
    assert missing.status_code == 422
    judgment = {**contract, "kind": "decision", "name": "j.pdf"}
    told = {
        "event": "judge",
        "on": today,
        "document_no": "（2026）陕示民初1号",
        "amount_fen": 80_000_000,
        "paper": judgment,
    }
    assert post(court, events, told, "j2").json()["state"] == "judged"
    assert post(court, events, {"event": "file", "on": today}, "f").status_code == 403
    assert post(bank, events, {"event": "dismiss", "on": today}, "b").status_code == 403
    assert [one.id for one in list_proceedings(institution="bank-a")] == [number]


def test_a_knock_of_nobody_is_refused(town: Town) -> None:
    answer = town.client("owner").post("/connect/bodies/court-demo/", b"{}", content_type="application/json")
    assert answer.status_code == 403
