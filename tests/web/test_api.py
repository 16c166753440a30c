"""The API over HTTP: keys, refusals that teach, requests that can be repeated, and the evidence it all leaves."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from tests.factories import csv_of
from tests.web.conftest import FIRM, NON_PUBLIC, OTHER, Town
from xinqiao.consent.queries import get_authorisation
from xinqiao.consent.types import AuthorisationStatus
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.keys import log_key
from xinqiao.evidence.proofs import check_receipt, read_receipt
from xinqiao.evidence.queries import list_entries
from xinqiao.ingest.queries import list_deliveries
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.oauth.actions import end_client
from xinqiao.parties.actions import set_admitted
from xinqiao.plumbing.models import KeptAnswer
from xinqiao.release.queries import list_accesses

ROWS = [
    {"uscc": FIRM, "rated_on": "2026-05-30", "grade": "B"},
    {"uscc": OTHER, "rated_on": "2099-04-30", "grade": "A"},
]
CSV = csv_of(ROWS)
DELIVERY = {"item": "tax.credit_rating", "rows": ROWS}


def asking(**changes: Any) -> dict[str, Any]:
    """A request for an authorisation: one ``credit_query``."""
    query = {"type": "credit_query", "enterprise": FIRM, "purpose": "approval", "items": list(NON_PUBLIC)}
    return {"authorization_details": [{**query, "reason": "loan A-1", "times": 1, **changes}]}


def post(client: Client, path: str, body: Any, *, key: str = "k-1") -> Any:
    """POST JSON with an idempotency key."""
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=headers)


def report_of(authorisation: str = "", **more: Any) -> dict[str, Any]:
    """A query for the report."""
    return {"enterprise": FIRM, "purpose": "approval", "authorisation": authorisation} | more


def refusal(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem document of a refusal: its form is the same everywhere."""
    assert answer.status_code == status, answer.content.decode()
    assert answer["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["code"] == code
    assert (document["status"], document["type"]) == (status, f"/docs/errors#{code}")
    assert document["title"] and document["next_step"]
    return document


class TestCallers:
    """Who calls is known by the token and the key it is bound to."""

    @pytest.mark.parametrize(
        "header", [None, "Bearer", "Bearer ", "Bearer nothing", "DPoP nothing", "Basic eDp5", "DPoP é"]
    )
    def test_without_a_good_token_the_answer_is_401(self, town: Town, header: str | None) -> None:
        """A problem document that says which header is missing."""
        client = Client(headers={"Authorization": header} if header is not None else {})
        answer = client.get("/api/v1/accesses")
        assert "Authorization" in refusal(answer, 401, "oauth.invalid_token")["next_step"]
        assert answer["WWW-Authenticate"].startswith("DPoP error=")

    def test_a_client_that_was_ended_opens_nothing(self, town: Town) -> None:
        """From the next call on, by the tokens it holds already."""
        bank = town.api("bank-a")
        assert bank.get("/api/v1/accesses").status_code == 200
        end_client("bank-a", actor="t", now=timezone.now())
        refusal(bank.get("/api/v1/accesses"), 401, "oauth.invalid_token")
        assert bank.fetch().json()["error"] == "invalid_client"

    def test_a_bank_cannot_deliver_and_a_department_cannot_read(self, town: Town) -> None:
        """403 with clause and next step; nothing is stored, nothing is read."""
        bank, tax = town.api("bank-a"), town.api("tax_bureau")
        before = len(list_accesses())
        answers = [
            post(bank, "/deliveries", DELIVERY),
            bank.get("/api/v1/deliveries"),
            post(tax, "/reports", report_of()),
            post(tax, "/authorisation-requests", asking()),
            tax.get("/api/v1/accesses"),
            tax.get(f"/api/v1/enterprises/{FIRM}/public"),
        ]
        assert all(refusal(answer, 403, "api.wrong_kind")["clause"] for answer in answers)
        assert len(list_accesses()) == before

    def test_a_department_delivers_its_own_items_only(self, town: Town) -> None:
        """Who produces data provides it."""
        other = {"item": "registration.basic", "rows": []}
        document = refusal(post(town.api("tax_bureau"), "/deliveries", other), 403, "ingest.not_your_item")
        assert document["clause"].startswith("谁产生、谁提供、谁负责")

    def test_an_organisation_that_is_not_admitted_gets_nothing(self, town: Town) -> None:
        """Neither a request nor a read, not even of what is public; the enterprise sees that it tried."""
        set_admitted("bank-a", admitted=False, reason="suspended", actor="t", now=timezone.now())
        bank = town.api("bank-a")
        assert refusal(post(bank, "/authorisation-requests", asking()), 403, "consent.not_admitted")["clause"]
        document = refusal(bank.get(f"/api/v1/enterprises/{FIRM}/public"), 403, "release.refused")
        line = list_accesses(enterprise=FIRM)[0]
        assert (line.rule, line.id) == ("not-admitted", document["access"])


class TestErrors:
    """Every failure has one form."""

    def test_what_the_framework_refuses_has_the_same_form(self, town: Town) -> None:
        """Unknown address, wrong method, unreadable body, a parameter given twice."""
        bank = town.api("bank-a")
        refusal(bank.get("/api/v1/nothing"), 404, "api.unknown_address")
        wrong = bank.put("/api/v1/accesses")
        refusal(wrong, 405, "api.method_not_allowed")
        assert wrong["Allow"] == "GET"
        broken = bank.post("/api/v1/reports", "{", content_type="application/json", headers={"Idempotency-Key": "k"})
        refusal(broken, 400, "api.unreadable")
        refusal(bank.get("/api/v1/accesses?limit=1&limit=2"), 400, "api.unreadable")

    def test_all_problems_of_a_body_are_told_at_once(self, town: Town) -> None:
        """Field by field, a misspelt one included."""
        body = {"enterprise": 5, "purpos": "approval", "form": "everything"}
        document = refusal(post(town.api("bank-a"), "/reports", body), 422, "api.malformed")
        fields = {problem["field"].rsplit(".", 1)[-1] for problem in document["problems"]}
        assert fields == {"enterprise", "purpos", "purpose", "form"}

    def test_the_domain_refuses_by_name(self, town: Town) -> None:
        """A code that is none, an item that is not on the list, limits of the template, a purpose it has not."""
        bank = town.api("bank-a")
        refusal(post(bank, "/reports", report_of(enterprise="91")), 422, "kernel.invalid_uscc")
        refusal(post(bank, "/reports", report_of(items=["tax.nothing"])), 404, "catalogue.unknown_item")
        refusal(post(bank, "/reports", report_of(purpose="curiosity")), 422, "consent.beyond_ceiling")
        stranger = asking(enterprise="91610102MAXAMPLE2H")
        refusal(post(bank, "/authorisation-requests", stranger), 404, "parties.not_found")
        beyond = refusal(post(bank, "/authorisation-requests", asking(period=900)), 422, "consent.beyond_ceiling")
        assert beyond["problems"][0]["field"] == "days" and beyond["clause"]
        for cursor in ("", "Zm9v", "MjAyNi0wMS0wMXwAAA", "OTk5OS0xMi0zMVQyMzo1OTo1OS0xMjowMHxB"):
            refusal(bank.get("/api/v1/accesses", {"cursor": cursor}), 422, "web.invalid_cursor")
        refusal(town.api("tax_bureau").get("/api/v1/deliveries?item=none"), 404, "catalogue.unknown_item")

    def test_errors_are_english_for_who_asks_for_english(self, town: Town) -> None:
        """Title, problems and next step, filled in."""
        bank = town.api("bank-a")
        english = town.api("bank-a", headers={"Accept-Language": "en"})
        answer = post(english, "/authorisation-requests", asking(period=900))
        assert answer.json()["problems"][0]["message"] == "must be 1 to 30, is 900"
        post(bank, "/authorisation-requests", asking())
        again = post(english, "/authorisation-requests", asking(), key="k-2")
        document = refusal(again, 409, "consent.already_requested")
        assert "{" not in document["next_step"] and document["next_step"].startswith("See the answer")


class TestRepeating:
    """The same key and body give the first answer again, never a second act."""

    def test_a_repeated_delivery_is_answered_not_stored(self, town: Town) -> None:
        """Byte for byte the first answer, marked as replayed."""
        tax = town.api("tax_bureau")
        first, second = (post(tax, "/deliveries", DELIVERY) for _ in range(2))
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.content == second.content
        assert (first.get("Idempotent-Replay"), second["Idempotent-Replay"]) == (None, "true")
        assert len(list_entries(event="ingest.delivered", subject="tax_bureau")) == 3  # two of the town, one of this

    def test_the_key_with_another_body_is_refused(self, town: Town) -> None:
        """422: the program mixed up its keys, or somebody else used them."""
        tax = town.api("tax_bureau")
        post(tax, "/deliveries", DELIVERY)
        other = DELIVERY | {"rows": ROWS[:1]}
        refusal(post(tax, "/deliveries", other), 422, "idempotency.key_reused")
        assert post(tax, "/deliveries", other, key="k-2").status_code == 201

    def test_the_key_with_another_address_is_refused(self, town: Town) -> None:
        """A key stands for one request, address included."""
        bank = town.api("bank-a")
        assert post(bank, "/authorisation-requests", asking()).status_code == 201
        refusal(post(bank, "/reports", report_of()), 422, "idempotency.key_reused")

    def test_keys_of_two_callers_do_not_meet(self, town: Town) -> None:
        """Both may call theirs “k-1”."""
        assert post(town.api("bank-a"), "/authorisation-requests", asking()).status_code == 201
        answer = post(town.api("bank-b"), "/authorisation-requests", asking())
        assert answer.status_code == 201 and "Idempotent-Replay" not in answer

    def test_a_refused_request_may_be_tried_again_with_its_key(self, town: Town) -> None:
        """A refusal is no answer to keep: once the enterprise has agreed the same call succeeds."""
        bank, body = town.api("bank-a"), report_of()
        refusal(post(bank, "/reports", body), 403, "release.refused")
        refusal(post(bank, "/reports", body), 403, "release.refused")
        assert not KeptAnswer.objects.exists()

    def test_a_request_without_a_key_is_refused(self, town: Town) -> None:
        """So that no program can forget it."""
        document = refusal(post(town.api("bank-a"), "/reports", report_of(), key=""), 422, "api.malformed")
        assert document["problems"][0]["field"].endswith("Idempotency-Key")

    def test_while_the_first_is_running_the_second_waits(self, town: Town) -> None:
        """409 with what to do, and only one of the two acts."""
        bank = town.api("bank-a")
        body = json.dumps(report_of()).encode()
        fingerprint = sha256_hex(b"POST /api/v1/reports\n" + body)
        KeptAnswer.objects.create(caller="bank-a", key="k-1", fingerprint=fingerprint, at=timezone.now())
        refusal(post(bank, "/reports", report_of()), 409, "idempotency.still_running")


class TestDeliveries:
    """Rows and files: each accounted for, each with its evidence."""

    def test_rows_as_json(self, town: Town) -> None:
        """Good rows accepted, the others grouped by repair; the result can be fetched and undone."""
        tax = town.api("tax_bureau")
        outcome = post(tax, "/deliveries", DELIVERY).json()
        assert (outcome["delivered"], outcome["accepted"], outcome["returned"]) == (2, 1, 1)
        assert outcome["groups"][0]["code"] == "date.future"
        assert list_entries(event="ingest.delivered")[0].body["delivery"] == outcome["delivery"]
        address = f"/api/v1/deliveries/{outcome['delivery']}"
        assert tax.get(address).json() == outcome
        assert tax.get("/api/v1/deliveries?item=tax.credit_rating").json()[0] == outcome
        undone = tax.delete(address)
        assert (undone.status_code, undone.json()["status"]) == (200, "undone")
        refusal(tax.delete(address), 409, "ingest.undo_closed")

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("a.csv", CSV),
            ("a.csv", CSV.decode().replace("grade", "评价等级").encode("gb18030")),
            ("a.gz", gzip.compress(CSV)),
        ],
    )
    def test_rows_as_a_file(self, town: Town, name: str, data: bytes) -> None:
        """UTF-8, GB18030 or gzip: the same outcome; the same key is the same delivery."""
        tax = town.api("tax_bureau")

        def send() -> Any:
            form = {"item": "tax.credit_rating", "files": SimpleUploadedFile(name, data)}
            return tax.post("/api/v1/deliveries/files", form, headers={"Idempotency-Key": "file-1"})

        first, second = send(), send()
        assert first.status_code == 201, first.content.decode()
        assert (first.json()["accepted"], first.json()["returned"]) == (1, 1)
        assert second.content == first.content and second["Idempotent-Replay"] == "true"

    def test_a_file_that_is_no_table_is_told_in_words(self, town: Town) -> None:
        """422 with the file's name and what is wrong with it."""
        form = {"item": "tax.credit_rating", "files": SimpleUploadedFile("a.xlsx", b"PK\x03\x04nothing")}
        answer = town.api("tax_bureau").post("/api/v1/deliveries/files", form, headers={"Idempotency-Key": "k"})
        assert refusal(answer, 422, "ingest.unreadable_file")["problems"][0]["field"] == "a.xlsx"

    def test_another_department_s_delivery_is_not_there(self, town: Town) -> None:
        """404 for reading and for undoing."""
        number = list_deliveries(provider="market_regulation", now=timezone.now())[0].delivery
        tax = town.api("tax_bureau")
        refusal(tax.get(f"/api/v1/deliveries/{number}"), 404, "ingest.unknown_delivery")
        refusal(tax.delete(f"/api/v1/deliveries/{number}"), 404, "ingest.unknown_delivery")


class TestReports:
    """Ask, be granted, read once; every line signed."""

    def test_from_request_to_report_and_the_same_key_uses_no_second_read(self, town: Town) -> None:
        """The replay is the first answer; a new key meets a used-up authorisation."""
        bank = town.api("bank-a")
        asked = post(bank, "/authorisation-requests", asking(), key="ask").json()
        address = f"/api/v1/authorisation-requests/{asked['id']}"
        assert bank.get(address).json() == asked and asked["state"] == "requested"
        request = next(r for r in bank.get("/api/v1/authorisation-requests").json() if r["id"] == asked["id"])
        assert request == asked
        refused = refusal(post(bank, "/reports", report_of()), 403, "release.refused")
        assert refused["clause"] and refused["access"] == list_accesses(enterprise=FIRM)[0].id

        given = town.grant(_facts(asked["id"]))
        assert bank.get(address).json()["authorisation"] == given.id
        first = post(bank, "/reports", report_of(given.id), key="read")
        second = post(bank, "/reports", report_of(given.id), key="read")
        assert first.status_code == 200, first.content.decode()
        assert second.content == first.content and second["Idempotent-Replay"] == "true"
        found = get_authorisation(given.id)
        assert (found.times_used, found.status) == (1, AuthorisationStatus.USED_UP)
        assert [line.allowed for line in list_accesses(enterprise=FIRM)] == [True, False]

        used_up = refusal(post(bank, "/reports", report_of(given.id), key="third"), 403, "release.refused")
        assert used_up["title"] == "授权的查询次数已用完"
        assert list_accesses(enterprise=FIRM)[0].rule == "authorisation-used-up"
        assert get_authorisation(given.id).times_used == 1

    def test_the_answer_holds_no_raw_detail_and_its_receipt_verifies(self, town: Town) -> None:
        """Derived figures and the evaluation leave; rows of non-public items do not."""
        given, bank = town.grant(town.ask()), town.api("bank-a")
        answer = post(bank, "/reports", report_of(given.id)).json()
        blocks = {block["item"]: block for block in answer["document"]["items"]}
        assert answer["document"]["evaluation"]["score"] >= 0
        assert blocks["tax.payment"]["state"] == "value" and "rows" not in blocks["tax.payment"]
        assert "9876543" not in json.dumps(answer)
        assert check_receipt(read_receipt(canonical_bytes(answer["receipt"])), key=log_key()) is None
        entry = list_entries(event="release.granted", subject=FIRM)[0]
        assert entry.body["answer_sha256"] == sha256_hex(canonical_bytes(answer["document"]))
        sequence(now=timezone.now() + timedelta(seconds=1))
        proven = bank.get(f"/api/v1/accesses/{answer['access']}/receipt").content
        assert check_receipt(read_receipt(proven), key=log_key()) is not None

    def test_raw_detail_of_what_is_not_public_never_goes_to_a_bank(self, town: Town) -> None:
        """Even under an authorisation in force."""
        given = town.grant(town.ask())
        answer = post(town.api("bank-a"), "/reports", report_of(given.id, form="detail"))
        document = refusal(answer, 403, "release.refused")
        assert "原始明细" in document["title"] and "国办发〔2021〕52号" in document["clause"]
        assert get_authorisation(given.id).times_used == 0

    def test_outside_its_purpose_or_for_another_firm_an_authorisation_opens_nothing(self, town: Town) -> None:
        """Purpose, subject and recipient are those it names."""
        given = town.grant(town.ask())
        for bank, body in (
            ("bank-a", report_of(given.id, purpose="post_loan")),
            ("bank-a", report_of(given.id, enterprise=OTHER)),
            ("bank-b", report_of(given.id)),
        ):
            refusal(post(town.api(bank), "/reports", body), 403, "release.refused")
        assert get_authorisation(given.id).times_used == 0

    def test_another_bank_s_request_and_receipt_are_not_there(self, town: Town) -> None:
        """404: it is not said that they exist."""
        asked = town.ask()
        access = town.read(authorisation=town.grant(asked).id)
        rival = town.api("bank-b")
        refusal(rival.get(f"/api/v1/authorisation-requests/{asked.id}"), 404, "consent.not_found")
        refusal(rival.get(f"/api/v1/accesses/{access}/receipt"), 404, "release.unknown_access")
        assert town.api("bank-a").get(f"/api/v1/accesses/{access}/receipt").status_code == 200
        assert rival.get("/api/v1/authorisation-requests").json() == []

    def test_what_is_public_by_law_needs_no_authorisation_and_leaves_a_line(self, town: Town) -> None:
        """Only public items, only public values."""
        answer = town.api("bank-a").get(f"/api/v1/enterprises/{FIRM.lower()}/public").json()
        assert not {"tax.payment", "social.insurance"} & {block["item"] for block in answer["document"]["items"]}
        assert answer["document"]["evaluation"] is None
        assert list_accesses(enterprise=FIRM)[0].id == answer["access"]

    def test_a_platform_without_an_authorisation_gets_nothing_that_is_not_public(self, town: Town) -> None:
        """The hard line of the policy, over HTTP."""
        hub = town.api("hub")
        for form in ("verify", "derived", "report", "detail"):
            refusal(post(hub, "/reports", report_of(form=form), key=form), 403, "release.refused")
        assert {line.rule for line in list_accesses(recipient="hub")} == {"platform-no-authorisation"}


def _facts(request: str) -> Any:
    from xinqiao.consent.queries import get_request

    return get_request(request)


class TestLedger:
    """The caller's own lines, page by page."""

    def test_pages_have_no_gap_and_no_repeat_while_lines_are_added(self, town: Town) -> None:
        """Lines of the same instant and lines written meanwhile included."""
        for _ in range(23):
            town.read()
        bank, seen, cursor = town.api("bank-a"), [], ""
        while cursor is not None:
            page = bank.get("/api/v1/accesses", {"limit": 5, **({"cursor": cursor} if cursor else {})}).json()
            seen += [row["id"] for row in page["rows"]]
            cursor = page["next"]
            post(bank, "/reports", report_of(), key=f"later-{len(seen)}")  # newer, so on no later page
        expected = {line.id for line in list_accesses(recipient="bank-a", limit=100) if line.at <= town.now}
        assert len(seen) == len(set(seen)) == 23
        assert set(seen) == expected

    def test_a_bank_sees_its_own_lines_only(self, town: Town) -> None:
        """Another bank's reads are nobody else's business but the enterprise's."""
        town.read()
        assert town.api("bank-b").get("/api/v1/accesses").json() == {"rows": [], "next": None}
