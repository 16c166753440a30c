"""Disputes on the pages and by program: two clicks to file, three buttons to decide, everybody told."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tests.factories import deliver
from tests.web.conftest import FIRM, Town
from xinqiao.corrections.queries import list_notices
from xinqiao.corrections.rippling import ripple_waiting
from xinqiao.corrections.types import NoticeState
from xinqiao.disputes.queries import get_dispute, list_disputes, list_files
from xinqiao.disputes.settling import settle_corrected
from xinqiao.disputes.types import DisputeState, Verdict
from xinqiao.parties.types import Role
from xinqiao.release.queries import list_accesses

PENALTY = {
    "uscc": FIRM,
    "document_no": "P-9",
    "kind": "罚款",
    "severity": "严重",
    "decided_on": "2026-09-01",
    "fine_fen": "5000",
}
FORM = {"ground": "outdated", "text": "paid in full"}
PDF = b"%PDF-1.7 receipt"


@pytest.fixture
def penalised(town: Town) -> Town:
    """The firm has a penalty, and its department a clerk."""
    town.join("reform", Role.CLERK, "development_reform")
    deliver("penalty.decision", [PENALTY], now=timezone.now())
    return town


def file(town: Town, **more: Any) -> str:
    """Two clicks from the report: the link beside the row, then the form; the dispute's number."""
    owner = town.client("owner")
    page = owner.get("/enterprise/report/").content.decode()
    link = re.search(r'href="(/enterprise/disputes/new/\?item=penalty.decision&amp;ref=\w+)"', page)
    assert link, "no link beside the record"
    form = owner.get(link[1].replace("&amp;", "&")).content.decode()
    ref = re.search(r'name="ref" value="(\w+)"', form)
    assert ref
    files = [SimpleUploadedFile("paid.pdf", PDF)]
    sent = owner.post(
        "/enterprise/disputes/new/", {"item": "penalty.decision", "ref": ref[1], "files": files, **FORM, **more}
    )
    assert sent.status_code == 302, sent.content.decode()
    return str(sent["Location"]).rstrip("/").rsplit("/", 1)[1]


def send(program: Any, path: str, body: dict[str, Any] | None = None) -> Any:
    """A call of a program, with a key of its own."""
    headers = {"Idempotency-Key": uuid4().hex}
    return program.post(
        f"/api/v1/disputes{path}", json.dumps(body or {}), content_type="application/json", headers=headers
    )


def test_from_the_record_to_the_answer_and_everybody_told(penalised: Town) -> None:
    town = penalised
    town.client("banker").get(f"/institution/enterprises/{FIRM}/")
    number = file(town)
    owner, reform = town.client("owner"), town.client("reform")
    assert "异议中" in owner.get("/enterprise/report/").content.decode()
    assert "异议中" in town.client("banker").get(f"/institution/enterprises/{FIRM}/").content.decode()
    board = reform.get("/department/disputes/").content.decode()
    assert number in board and "个工作日" in board
    address = f"/department/disputes/{number}/"
    page = reform.get(address).content.decode()
    assert all(text in page for text in ("paid in full", "P-9", "paid.pdf", "记录无误", "请企业补充"))
    looked = [a for a in list_accesses(enterprise=FIRM) if a.purpose == "dispute"]
    assert looked and looked[0].recipient_code == "development_reform", "the enterprise sees who looked"
    given = re.findall(r'name="(field-\w+)" value="([^"]*)"', page)
    ref = re.search(r'name="ref" value="(\w+)"', page)
    assert ref
    corrected = {**dict(given), "field-severity": "一般", "step": "wrong", "text": "ordinary, not grave", "ref": ref[1]}
    assert reform.post(address, {**corrected, "field-decided_on": "never"}).status_code == 422
    assert reform.post(address, corrected).status_code == 302
    ripple_waiting(now=timezone.now())
    assert settle_corrected(now=timezone.now()) == 1
    done = get_dispute(number)
    assert done.state is DisputeState.NOTIFIED and done.verdict is Verdict.ERROR
    mine = owner.get(f"/enterprise/disputes/{number}/").content.decode()
    assert "ordinary, not grave" in mine and "Sample Bank" in mine and "→" in mine
    letter = owner.get(f"/enterprise/disputes/{number}/answer.pdf")
    assert (
        letter.content.startswith(b"%PDF-")
        and letter.content == owner.get(f"/enterprise/disputes/{number}/answer.pdf").content
    )
    banker = town.client("banker")
    assert (
        "严重" in banker.get("/institution/corrections/").content.decode()
        or "查看更正" in banker.get("/institution/corrections/").content.decode()
    )
    notice, second = (n for n in list_notices(cause=number) if n.recipient == "bank-a")
    assert notice.access != second.access, "before the objection and during it: both answers were wrong"
    shown = banker.get(f"/institution/corrections/{notice.id}/").content.decode()
    assert "严重" in shown and "一般" in shown
    assert banker.post("/institution/corrections/", {"notice": notice.id}).status_code == 302
    states = {n.id: n.state for n in list_notices(cause=number)}
    assert states == {notice.id: NoticeState.ACKNOWLEDGED, second.id: NoticeState.SENT}
    assert town.client("rival").get(f"/institution/corrections/{notice.id}/").status_code == 404


def test_a_form_that_lacks_something_says_all_of_it_and_keeps_what_was_written(penalised: Town) -> None:
    owner = penalised.client("owner")
    sent = owner.post("/enterprise/disputes/new/", {"item": "penalty.decision", "ref": "", "ground": "x", "text": ""})
    page = sent.content.decode()
    assert sent.status_code == 422 and "请选择理由" in page and "说明为 1 至 1000 字" in page
    assert list_disputes(enterprise=FIRM) == []


def test_nobody_else_reads_it(penalised: Town) -> None:
    number = file(penalised)
    for username, address in (
        ("neighbour", f"/enterprise/disputes/{number}/"), ("tax", f"/department/disputes/{number}/"),
        ("banker", f"/enterprise/disputes/{number}/"), ("neighbour", f"/enterprise/disputes/{number}/files/1/"),
    ):  # fmt: skip
        assert penalised.client(username).get(address).status_code == 404, (username, address)
    [attached] = list_files(number)
    own = penalised.client("owner").get(f"/enterprise/disputes/{number}/files/{attached.id}/")
    assert own.content == PDF and "attachment" in own["Content-Disposition"]


def test_the_node_sees_the_clocks_takes_over_and_does_not_admit(penalised: Town) -> None:
    operator = penalised.client("operator")
    hub = {"enterprise": FIRM, "item": "penalty.decision", "ground": "wrong_value", "text": "not so", "step": "new"}
    banker = penalised.client("banker")
    assert banker.post("/institution/disputes/", {**hub, "received_at": "2020-01-01T10:00"}).status_code == 422
    assert banker.post("/institution/disputes/", hub).status_code == 302
    [waiting] = list_disputes(via="bank-a")
    assert waiting.state is DisputeState.FILED
    assert waiting.id in banker.get("/institution/disputes/").content.decode()
    page = operator.get("/node/disputes/").content.decode()
    assert waiting.id in page and "转送方" in page
    assert operator.post(f"/node/disputes/{waiting.id}/", {"step": "take"}).status_code == 302
    said = {"step": "reject", "reason": "not_data", "text": "this is about the decision itself"}
    assert operator.post(f"/node/disputes/{waiting.id}/", said).status_code == 302
    assert get_dispute(waiting.id).state is DisputeState.REJECTED
    assert operator.post("/node/disputes/", hub | {"text": "at the counter"}).status_code == 302
    assert penalised.client("auditor").get("/node/disputes/").status_code == 200
    assert penalised.client("auditor").post(f"/node/disputes/{waiting.id}/", {"step": "take"}).status_code == 404


def test_supply_withdraw_and_review_by_the_enterprise(penalised: Town) -> None:
    town, owner = penalised, penalised.client("owner")
    number = file(town)
    address, task = f"/enterprise/disputes/{number}/", f"/department/disputes/{number}/"
    assert town.client("reform").post(task, {"step": "ask", "text": "which receipt?"}).status_code == 302
    assert "which receipt?" in owner.get(address).content.decode()
    assert owner.post(address, {"step": "supply", "text": "this one"}).status_code == 302
    assert town.client("reform").post(task, {"step": "right", "text": "still open"}).status_code == 302
    assert owner.post(address, {"step": "review", "text": "look again"}).status_code == 302
    assert town.client("reform").post(task, {"step": "open", "text": "same person"}).status_code == 403
    assert owner.post(address, {"step": "withdraw"}).status_code == 302
    assert get_dispute(number).state is DisputeState.WITHDRAWN


def test_by_program_forwarded_followed_and_acknowledged(penalised: Town) -> None:
    town, hub = penalised, penalised.api("hub")
    body = {"enterprise": FIRM, "item": "penalty.decision", "ground": "outdated", "text": "paid",
            "received_at": (timezone.now() - timedelta(hours=3)).isoformat()}  # fmt: skip
    made = send(hub, "", body)
    assert made.status_code == 201, made.content
    found = made.json()
    assert found["state"] == "sent" and found["late"] is False and found["turn"]["holder"] == "provider"
    assert hub.get(f"/api/v1/disputes/{found['id']}").json()["id"] == found["id"]
    assert town.api("bank-a").get(f"/api/v1/disputes/{found['id']}").status_code == 404
    assert {g["code"] for g in hub.get("/api/v1/disputes/grounds").json()} >= {"missing", "not_ours"}
    wrong = send(hub, "", body | {"ground": "x", "text": "", "files": [{"name": "a", "base64": "TVo="}]})
    assert wrong.status_code == 422 and len(wrong.json()["problems"]) == 3
    for unreadable in ({"files": [{"name": "a", "base64": "中"}]}, {"received_at": "2026-11-20T10:00:00"}):
        assert send(hub, "", body | unreadable).status_code == 422, "no base64, a time without its zone"
    again = send(hub, "", body)
    assert again.status_code == 409 and again.json()["code"] == "dispute.disputed_already"
    later = send(hub, "", body | {"item": "list.abnormal", "ground": "missing", "forward": False})
    assert later.json()["state"] == "filed"
    assert send(hub, f"/{later.json()['id']}/forward").json()["state"] == "sent"
    bank = town.api("bank-a")
    town.client("banker").get(f"/institution/enterprises/{FIRM}/")
    operator = town.client("reform")
    page = operator.get(f"/department/disputes/{found['id']}/").content.decode()
    ref = re.search(r'name="ref" value="(\w+)"', page)
    assert ref
    operator.post(f"/department/disputes/{found['id']}/", {"step": "remove", "text": "paid", "ref": ref[1]})
    ripple_waiting(now=timezone.now())
    [told] = bank.get("/api/v1/corrections").json()
    one = bank.get(f"/api/v1/corrections/{told['id']}").json()
    assert one["receipt"] and one["changes"] and one["enterprise"] == FIRM
    assert bank.post(f"/api/v1/corrections/{told['id']}/acknowledge").json()["state"] == "acknowledged"
    assert bank.get("/api/v1/corrections").json() == []
    assert hub.get("/api/v1/corrections").json() == []
    closed = hub.get(f"/api/v1/disputes/{found['id']}").json()
    assert closed["verdict"] == "error" and "answer" not in closed, "the department's words are for the enterprise"
