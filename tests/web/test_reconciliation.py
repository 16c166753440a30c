"""From a real answer to the book, through the API to a mismatch that names its line; the pages of both sides."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tests.factories import deliver, registration, uscc
from tests.machines import key
from tests.web.conftest import Town
from xinqiao.client.book import Book, Reply, hand_in
from xinqiao.client.checking import Asked, NotEvidenced
from xinqiao.consent.types import Form
from xinqiao.evidence.keys import log_key
from xinqiao.kernel.dated import beijing_day
from xinqiao.reconciliation.jobs import settle_days
from xinqiao.reconciliation.queries import list_days
from xinqiao.reconciliation.types import DayState
from xinqiao.release.actions import query
from xinqiao.release.types import Inquiry, Recipient, RecipientKind
from xinqiao.violations.queries import list_cases

BANK = Recipient(RecipientKind.INSTITUTION, "bank-a", "Sample Bank")
AGO = timedelta(days=2)


def private(name: str) -> dict[str, Any]:
    found = key(name)
    return {**found.as_dict(private=True), "kid": found.thumbprint(), "alg": "ES256"}


@pytest.fixture
def answers(town: Town) -> list[dict[str, Any]]:
    """Three answers of two days ago, as the wire carried them."""
    then = timezone.now() - AGO
    deliver("registration.basic", [registration(n) for n in range(50, 53)], now=then - timedelta(days=1))
    found = []
    for n in range(50, 53):
        inquiry = Inquiry(BANK, uscc(n), "public", Form.DETAIL, "api:bank-a", "api", public_only=True)
        answer = query(inquiry, now=then)
        shown = {part: dict(answer.disclosure[part]) for part in ("subject", "body")}
        body = {"access": answer.access.id, "document": answer.document, "receipt": answer.receipt}
        found.append(json.loads(json.dumps({**body, "disclosure": shown})))
    return found


def booked(answers: list[dict[str, Any]], path: Path) -> Book:
    mine = Book(path / "book.jsonl")
    for answer in answers:
        asked = Asked("bank-a", answer["document"]["enterprise"], "public", "detail")
        for _ in range(2):  # delivered twice, as after a lost connection
            mine.receive(answer, asked=asked, vkeys=[log_key().vkey])
    return mine


def caller(town: Town, organisation: str = "bank-a") -> Any:
    machine = town.api(organisation)

    def call(method: str, path: str, *, data: bytes | None = None) -> Reply:
        answer = machine.generic(method, path, data or b"", content_type="application/json")

        class Got:
            status, body = answer.status_code, answer.content

        return Got()

    return call


def test_the_library_books_only_what_is_evidenced_and_the_day_agrees(
    town: Town, answers: list[dict[str, Any]], tmp_path: Path
) -> None:
    mine = booked(answers, tmp_path)
    with pytest.raises(NotEvidenced):
        mine.receive({**answers[0], "receipt": None}, asked=Asked("bank-a", uscc(50), "public", "detail"), vkeys=["x"])
    day = mine.day("bank-a", beijing_day(timezone.now() - AGO))
    assert len(day.received) == 3
    said = hand_in(day, revision=1, key=private("bank-a"), call=caller(town))
    assert (said["state"], said["count"], said["received"]) == ("agreed", 0, 3)
    machine = town.api("bank-a")
    assert [d["state"] for d in machine.get("/api/v1/daybooks").json()] == ["agreed"]
    assert machine.get(f"/api/v1/daybooks/{said['id']}").json() == said
    assert town.api("bank-b").get(f"/api/v1/daybooks/{said['id']}").status_code == 404
    assert {u["code"] for u in machine.get("/api/v1/daybooks/uses").json()} >= {"decision", "deleted"}
    assert town.api("tax_bureau").get("/api/v1/daybooks").status_code == 403


def test_an_omission_is_named_by_line_and_ends_in_a_case_with_a_hearing(
    town: Town, answers: list[dict[str, Any]], tmp_path: Path
) -> None:
    mine = booked(answers[:2], tmp_path)
    day = mine.day("bank-a", beijing_day(timezone.now() - AGO))
    said = hand_in(day, revision=1, key=private("bank-a"), call=caller(town))
    (mismatch,) = said["mismatches"]
    assert (mismatch["kind"], mismatch["access"]) == ("omitted", answers[2]["access"])
    wrong = town.api("bank-a").post(
        f"/api/v1/daybooks/{said['id']}/buckets", {"buckets": [{"number": 0, "lines": ["x"]}]}, "application/json"
    )
    assert wrong.status_code == 422
    assert (
        answers[2]["access"] in town.client("banker").get(f"/institution/reconciliation/{said['id']}/").content.decode()
    )
    assert town.client("rival").get(f"/institution/reconciliation/{said['id']}/").status_code == 404
    settle_days(now=timezone.now() + timedelta(days=20))
    (case,) = list_cases()
    operator, banker = town.client("operator"), town.client("banker")
    assert case.id in operator.get("/node/reconciliation/").content.decode()
    assert "ledger" in case.kind and case.id in operator.get("/node/violations/").content.decode()
    assert banker.get(f"/institution/violations/{case.id}/").status_code == 404, "not told yet"
    for step, reason in (("take_up", ""), ("notify", "a line is missing")):
        assert operator.post(f"/node/violations/{case.id}/", {"step": step, "reason": reason}).status_code == 302
    page = banker.get(f"/institution/violations/{case.id}/").content.decode()
    assert "a line is missing" in page and "双方对账" not in page
    banker.post(f"/institution/violations/{case.id}/", {"step": "state", "text": "our disk was full"})
    assert "our disk was full" in operator.get(f"/node/violations/{case.id}/").content.decode()


def test_a_file_is_handed_in_on_the_page(town: Town, answers: list[dict[str, Any]], tmp_path: Path) -> None:
    mine = booked(answers[1:], tmp_path).day("bank-a", beijing_day(timezone.now() - AGO))
    data = json.dumps(mine.file(1, key=private("bank-a"))).encode()
    banker = town.client("banker")
    page = banker.post("/institution/reconciliation/", {"file": SimpleUploadedFile("d.json", data)}, follow=True)
    assert answers[0]["access"] in page.content.decode()
    assert list_days()[0].state is DayState.DIFFERS
    refused = banker.post("/institution/reconciliation/", {"file": SimpleUploadedFile("d.json", b"{}")})
    assert refused.status_code == 422 and "reconciliation" not in refused.content.decode()[:20]
    assert banker.post("/institution/reconciliation/").status_code == 422
    assert town.client("auditor").get("/node/reconciliation/").status_code == 200
