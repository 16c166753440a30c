"""Portals over HTTP: what each person can do, what they are told when they cannot, and the evidence it leaves."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.factories import csv_of
from tests.web.conftest import FIRM, NON_PUBLIC, OTHER, PASSWORD, Town, visitor
from xinqiao.consent.queries import get_authorisation, list_authorisations, list_requests
from xinqiao.consent.types import AuthorisationStatus, RequestState
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.keys import document_key, log_key
from xinqiao.evidence.merkle import InvalidProof
from xinqiao.evidence.proofs import check_document, check_receipt, read_receipt
from xinqiao.evidence.queries import list_entries
from xinqiao.ingest.queries import list_deliveries
from xinqiao.kernel.canonical import canonical_bytes
from xinqiao.parties.actions import add_member
from xinqiao.parties.queries import list_memberships
from xinqiao.parties.types import Role
from xinqiao.release.queries import list_accesses

FAULTY = [
    {"uscc": FIRM, "rated_on": "2026-04-30", "grade": "B"},
    {"uscc": OTHER, "rated_on": "2099-04-30", "grade": "A"},
    {"uscc": OTHER, "rated_on": "2026-04-30", "grade": "Z"},
]


def events(subject: str = FIRM) -> list[str]:
    """Evidence about an enterprise, newest first."""
    return [entry.event for entry in list_entries(subject=subject)]


def texts(client: Client, url: str) -> str:
    """A page that opens, as text."""
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


class TestSignIn:
    """Who gets in, and where they are led."""

    def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(self, town: Town) -> None:
        """Nobody can find out who has an account."""
        answers = [
            visitor().post("/sign-in/", {"username": name, "password": word})
            for name, word in (("owner", "wrong"), ("nobody", PASSWORD))
        ]
        known, unknown = (a.content.decode() for a in answers)
        assert [a.status_code for a in answers] == [401, 401]
        assert _without_token(known) == _without_token(unknown.replace("nobody", "owner"))

    def test_the_right_password_leads_to_the_portal_of_the_person(self, town: Town) -> None:
        """Owner, officer, clerk and operator each land where they work."""
        for username, portal in (("owner", "enterprise"), ("banker", "institution"), ("tax", "department")):
            answer = visitor().post("/sign-in/", {"username": username, "password": PASSWORD}, follow=True)
            assert answer.request["PATH_INFO"] == f"/{portal}/"

    @pytest.mark.parametrize(
        "target", ["https://example.org/", "//example.org/", "/\\example.org", "javascript:alert(1)", "\t//example.org"]
    )
    def test_next_never_leads_off_the_site(self, town: Town, target: str) -> None:
        """A link with a foreign address cannot use our sign-in page as its mask."""
        client = visitor()
        form = {"username": "owner", "password": PASSWORD, "next": target}
        assert client.post("/sign-in/", form)["Location"] == "/"
        assert client.post("/care/", {"next": target})["Location"] == "/"

    def test_next_leads_back_to_the_page_that_was_asked_for(self, town: Town) -> None:
        """After signing in the person is where they wanted to be."""
        client = visitor()
        asked = client.get("/enterprise/accesses/?only=refused")
        assert asked["Location"].startswith("/sign-in/?next=/enterprise/accesses/")
        form = {"username": "owner", "password": PASSWORD, "next": "/enterprise/accesses/?only=refused"}
        assert client.post("/sign-in/", form)["Location"] == "/enterprise/accesses/?only=refused"

    def test_signing_out_ends_the_session(self, town: Town) -> None:
        """The next page asks to sign in again."""
        client = town.client("owner")
        client.post("/sign-out/")
        assert client.get("/enterprise/")["Location"].startswith("/sign-in/")

    def test_every_form_needs_its_token(self, town: Town) -> None:
        """A foreign page cannot make a signed-in person withdraw, sign in or sign out."""
        client = Client(enforce_csrf_checks=True)
        assert client.post("/sign-in/", {"username": "owner", "password": PASSWORD}).status_code == 403
        assert client.post("/sign-out/").status_code == 403


def _without_token(page: str) -> str:
    return re.sub(r'(name="csrfmiddlewaretoken" value=)"\w+"', r"\1", page)


class TestBorders:
    """A portal belongs to its people; what is not yours is not there."""

    def test_each_portal_refuses_the_people_of_the_others(self, town: Town) -> None:
        """404, not 403: it is not said whether there is such a page."""
        homes = {"owner": "enterprise", "banker": "institution", "tax": "department", "operator": "node"}
        for username, own in homes.items():
            client = town.client(username)
            statuses = {portal: client.get(f"/{portal}/").status_code for portal in homes.values()}
            assert statuses == {portal: 200 if portal == own else 404 for portal in homes.values()}

    def test_nothing_of_another_enterprise_opens_by_its_number(self, town: Town) -> None:
        """Request, authorisation, receipts and withdrawal of one firm are 404 for the owner of another."""
        given, asked = town.grant(town.ask()), town.ask("bank-b")
        access = town.read(authorisation=given.id)
        client = town.client("neighbour")
        pages = [
            client.get(reverse("enterprise-decide", args=[asked.id])),
            client.post(reverse("enterprise-decide", args=[asked.id]), {"answer": "decline"}),
            client.get(reverse("enterprise-authorisation", args=[given.id])),
            client.get(reverse("enterprise-authorisation-receipt", args=[given.id])),
            client.post(reverse("enterprise-withdraw", args=[given.id])),
            client.get(reverse("enterprise-access-receipt", args=[access])),
        ]
        assert [page.status_code for page in pages] == [404] * len(pages)
        assert get_authorisation(given.id).ended_at is not None  # used up by the one read, not withdrawn
        assert "consent.withdrawn" not in events()
        assert list_requests(enterprise=FIRM, state=RequestState.REQUESTED)[0].id == asked.id
        for page in ("", "authorisations/", "accesses/"):
            assert FIRM not in texts(client, f"/enterprise/{page}")

    def test_a_department_sees_its_own_deliveries_and_items_only(self, town: Town) -> None:
        """Another department's result, its file and its undo are 404; its items cannot be delivered."""
        registry, tax = town.client("registry"), town.client("tax")
        other = list_deliveries(provider="market_regulation", now=timezone.now())[0].delivery
        assert registry.get(reverse("department-delivery", args=[other])).status_code == 200
        assert tax.get(reverse("department-delivery", args=[other])).status_code == 404
        assert tax.get(reverse("department-annotated", args=[other])).status_code == 404
        assert tax.post(reverse("department-undo", args=[other])).status_code == 404
        refused = tax.post(reverse("department-upload", args=["registration.basic"]))
        assert refused.status_code == 403
        assert "谁产生、谁提供、谁负责" in refused.content.decode()

    def test_a_bank_reads_only_under_its_own_authorisation(self, town: Town) -> None:
        """The number of another bank's authorisation opens nothing, and the enterprise sees who tried."""
        given = town.grant(town.ask())
        answer = town.client("rival").post(
            reverse("institution-report", args=[FIRM]), {"purpose": "approval", "authorisation": given.id}
        )
        assert answer.status_code == 403
        line = list_accesses(enterprise=FIRM)[0]
        assert (line.recipient_code, line.allowed, line.rule) == ("bank-b", False, "outside-authorisation")
        assert get_authorisation(given.id).times_used == 0

    def test_a_person_with_several_parties_chooses_one_and_no_other(self, town: Town) -> None:
        """Until they choose they see no portal; a membership that is not theirs cannot be chosen."""
        add_member(town.people["owner"], role=Role.DELEGATE, enterprise=OTHER, actor="t", now=town.now)
        client = town.client("owner")
        assert client.get("/enterprise/")["Location"] == "/choose/"
        page = texts(client, "/choose/")
        assert FIRM in page and OTHER in page
        theirs = list_memberships(town.people["owner"], now=timezone.now())
        foreign = town.client("banker")
        assert foreign.post("/choose/", {"membership": theirs[0].id}).status_code == 200
        assert (foreign.get("/enterprise/").status_code, foreign.get("/institution/").status_code) == (404, 200)
        assert client.post("/choose/", {"membership": theirs[1].id})["Location"] == "/enterprise/"
        assert OTHER in texts(client, "/enterprise/")


class TestDepartment:
    """From a file to its result, its repair and its undo."""

    def _upload(self, client: Client, rows: list[dict[str, str]], item: str = "tax.credit_rating") -> str:
        answer = client.post(reverse("department-upload", args=[item]), {"files": _file(csv_of(rows))})
        assert answer.status_code == 302
        return str(answer["Location"])

    def test_good_rows_are_taken_faulty_ones_come_back_repaired_ones_go_in(self, town: Town) -> None:
        """Upload, result, annotated file, the same file again: each delivered row is accounted for."""
        client = town.client("tax")
        url = self._upload(client, FAULTY)
        page = texts(client, url)
        assert "日期在今天之后" in page and "不在允许的取值之中" in page
        outcome = list_deliveries(provider="tax_bureau", now=timezone.now())[0]
        assert (outcome.delivered, outcome.accepted, outcome.returned) == (3, 1, 2)
        assert list_entries(event="ingest.delivered")[0].body["delivered"] == 3
        file = client.get(f"{url}annotated/")
        assert file["Content-Disposition"].startswith("attachment;")
        returned = file.getvalue()
        lines = returned.decode("utf-8-sig").splitlines()
        assert len(lines) == 3 and "不在允许的取值之中（从模板下拉列表中选择）" in lines[2]
        assert len(client.get(f"{url}annotated/?all=1").getvalue().decode().splitlines()) == 4
        repaired = returned.replace(b"2099", b"2026").replace(b",Z,", b",C,")
        answer = client.post(reverse("department-upload", args=["tax.credit_rating"]), {"files": _file(repaired)})
        assert answer.status_code == 302, answer.content.decode()

    def test_a_delivery_is_undone_once_and_what_stood_before_stands_again(self, town: Town) -> None:
        """Undo is evidence too; a second undo is refused with its reason and next step."""
        client = town.client("tax")
        url = self._upload(client, FAULTY[:1])
        owner = town.client("owner")
        assert client.post(f"{url}undo/").status_code == 302
        assert list_deliveries(provider="tax_bureau", now=timezone.now())[0].status == "undone"
        assert list_entries(event="ingest.undone")
        again = client.post(f"{url}undo/")
        assert again.status_code == 409
        assert "已不能撤销" in again.content.decode() and "撤回记录" in again.content.decode()
        assert texts(owner, "/enterprise/report/")

    def test_the_same_file_twice_is_stored_once(self, town: Town) -> None:
        """The second upload leads to the first result and says so."""
        client = town.client("tax")
        first = self._upload(client, FAULTY)
        form = {"files": _file(csv_of(FAULTY))}
        again = client.post(reverse("department-upload", args=["tax.credit_rating"]), form, follow=True)
        assert again.request["PATH_INFO"] == first
        assert "这个文件已经报送过" in again.content.decode()

    def test_a_missing_column_is_mapped_once_and_remembered(self, town: Town) -> None:
        """The form comes back with what is missing; the mapping given then holds for the next file."""
        client, url = town.client("tax"), reverse("department-upload", args=["tax.credit_rating"])
        data = csv_of(FAULTY[:1]).replace(b"grade", b"Q7")
        refused = client.post(url, {"files": _file(data)})
        assert refused.status_code == 422 and "缺少“评价等级”" in refused.content.decode()
        mapped = client.post(url, {"files": _file(data), "mapping": "Q7 = grade"})
        assert mapped.status_code == 302
        assert "Q7 = grade" in texts(client, url)
        assert self._upload(client, [{"uscc": FIRM, "rated_on": "2025-04-30", "Q7": "A"}])

    def test_no_file_and_a_file_that_is_no_table_are_said_in_words(self, town: Town) -> None:
        """422 with the form, never a fault."""
        client, url = town.client("tax"), reverse("department-upload", args=["tax.credit_rating"])
        assert client.post(url).status_code == 422
        broken = client.post(url, {"files": _file(b"PK\x03\x04nothing")})
        assert broken.status_code == 422 and "不是完好的 Excel 文件" in broken.content.decode()

    def test_a_file_name_cannot_leave_the_inbox(self, town: Town, fresh_node: Path) -> None:
        """Names are kept as words, never used as paths."""
        client = town.client("tax")
        form = {"files": _file(csv_of(FAULTY[:1]), "../../../../evil.csv")}
        assert client.post(reverse("department-upload", args=["tax.credit_rating"]), form).status_code == 302
        assert not list(fresh_node.parent.rglob("*evil*"))


def _file(data: bytes, name: str = "test.csv") -> object:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, data)


class TestAuthorisation:
    """The main story, over HTTP: asked, given, read, seen, withdrawn, refused."""

    def _ask(self, client: Client, **form: object) -> object:
        asked = {"purpose": "approval", "items": NON_PUBLIC, "reason": "loan A-1", "times": 2} | form
        return client.post(reverse("institution-ask", args=[FIRM]), asked)

    def test_from_the_request_to_the_refusal_after_withdrawal(self, town: Town) -> None:
        """Each step leaves its evidence, and both sides see the same line."""
        banker, owner = town.client("banker"), town.client("owner")
        assert self._ask(banker).status_code == 302  # type: ignore[attr-defined]
        asked = list_requests(enterprise=FIRM)[0]
        assert asked.id in texts(owner, "/enterprise/")
        decide = reverse("enterprise-decide", args=[asked.id])
        page = texts(owner, decide)
        assert "loan A-1" in page and "Sample Bank" in page
        answer = owner.post(decide, {"answer": "grant", **_hidden(page)})
        given = list_authorisations(enterprise=FIRM)[0]
        assert answer["Location"] == reverse("enterprise-authorisation", args=[given.id])

        form = {"purpose": "approval", "authorisation": given.id}
        report = banker.post(reverse("institution-report", args=[FIRM]), form)
        line = list_accesses(enterprise=FIRM)[0]
        assert report.status_code == 200 and line.allowed
        assert line.id in report.content.decode()
        assert "98,765.43" not in report.content.decode()  # derived figures leave, raw non-public rows do not
        assert line.id in texts(owner, "/enterprise/accesses/")
        assert line.id in texts(owner, reverse("enterprise-authorisation", args=[given.id]))

        assert owner.post(reverse("enterprise-withdraw", args=[given.id])).status_code == 302
        refused = banker.post(reverse("institution-report", args=[FIRM]), form)
        words = refused.content.decode()
        line = list_accesses(enterprise=FIRM)[0]
        assert refused.status_code == 403 and not line.allowed
        for told in ("企业已撤回授权", "个人信息保护法第十五条", "请停止使用", "release.refused", line.id):
            assert told in words
        seen = texts(owner, "/enterprise/accesses/?only=refused")
        assert line.id in seen and "企业已撤回授权" in seen
        kept = [e for e in reversed(events()) if e.split(".")[0] in ("consent", "release") and "self" not in e]
        assert kept[-7:] == [
            "consent.requested", "consent.shown", "consent.granted", "consent.used", "release.granted",
            "consent.withdrawn", "release.refused",
        ]  # fmt: skip

    def test_a_text_that_changed_meanwhile_binds_nobody(self, town: Town) -> None:
        """The digest of another text is refused with its clause; the request stays open."""
        asked, owner = town.ask(), town.client("owner")
        answer = owner.post(
            reverse("enterprise-decide", args=[asked.id]), {"answer": "grant", "locale": "zh", "digest": "0" * 64}
        )
        assert answer.status_code == 409
        assert "您看到的授权文本与现行文本不一致" in answer.content.decode()
        assert list_requests(enterprise=FIRM)[0].state is RequestState.REQUESTED
        assert not list_authorisations(enterprise=FIRM)

    def test_declining_is_told_to_the_bank_and_ends_the_request(self, town: Town) -> None:
        """The bank sees the answer; answering again is refused."""
        asked, owner, banker = town.ask(), town.client("owner"), town.client("banker")
        url = reverse("enterprise-decide", args=[asked.id])
        assert owner.post(url, {"answer": "decline", "reason": "not now"}).status_code == 302
        page = texts(banker, "/institution/requests/")
        assert "已拒绝" in page and "not now" in page
        assert owner.post(url, {"answer": "decline"}).status_code == 409

    def test_a_used_up_authorisation_reads_no_more(self, town: Town) -> None:
        """One read was agreed to; the second is refused and counted nowhere."""
        given, banker = town.grant(town.ask(times=1)), town.client("banker")
        form, url = {"authorisation": given.id}, reverse("institution-report", args=[FIRM])
        assert [banker.post(url, form).status_code for _ in range(2)] == [200, 403]
        found = get_authorisation(given.id)
        assert (found.times_used, found.status) == (1, AuthorisationStatus.USED_UP)

    @pytest.mark.parametrize(
        "form", [{"times": "many"}, {"times": "0"}, {"items": []}, {"reason": ""}, {"purpose": "x"}]
    )
    def test_a_request_filled_in_wrong_comes_back_as_a_form(self, town: Town, form: dict[str, object]) -> None:
        """422 with what to mend, and nothing was sent."""
        assert self._ask(town.client("banker"), **form).status_code == 422  # type: ignore[attr-defined]
        assert not list_requests(enterprise=FIRM)

    @pytest.mark.parametrize("code", ["x", "9" * 60, "91610102MAT00000%00", FIRM.lower() + "7"])
    def test_exchange_8_20_a_code_that_is_none_is_refused_before_anything_is_written(
        self, town: Town, code: str
    ) -> None:
        """Whatever stands in the address, the ledger holds enterprises only."""
        banker, before = town.client("banker"), len(list_accesses())
        for url in (f"/institution/enterprises/{code}/", f"/institution/enterprises/{code}/ask/"):
            assert banker.get(url).status_code == 422
        assert banker.post(f"/institution/enterprises/{code}/report/").status_code == 422
        assert len(list_accesses()) == before

    def test_looking_up_an_enterprise_is_seen_by_it(self, town: Town) -> None:
        """A search shows what is public by law and leaves a line; a pasted code is understood."""
        banker = town.client("banker")
        found = banker.get("/institution/find/", {"uscc": f" {FIRM[:8].lower()} {FIRM[8:]} "}, follow=True)
        assert "Example Machinery" in found.content.decode()
        assert "98765" not in found.content.decode()
        line = list_accesses(enterprise=FIRM)[0]
        assert (line.purpose, line.allowed) == ("public", True)
        assert line.id in texts(town.client("owner"), "/enterprise/accesses/")


def _hidden(page: str) -> dict[str, str]:
    """Values of the hidden fields that bind an agreement to its text."""
    return {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("digest", "locale")}


class TestReceipts:
    """What a person downloads is checked with the public programs alone."""

    def test_the_receipt_of_a_read_verifies_before_and_after_the_log_is_signed(self, town: Town) -> None:
        """A promise at once, an inclusion proof later; a changed byte is found."""
        given, owner = town.grant(town.ask()), town.client("owner")
        url = reverse("enterprise-access-receipt", args=[town.read(authorisation=given.id)])
        promised = owner.get(url).content
        assert check_receipt(read_receipt(promised), key=log_key()) is None
        sequence(now=timezone.now() + timedelta(seconds=1))
        proven = owner.get(url).content
        head = check_receipt(read_receipt(proven), key=log_key())
        assert head is not None and head.size >= 1
        with pytest.raises(InvalidProof):
            check_receipt(read_receipt(proven.replace(b"release.granted", b"release.refused")), key=log_key())

    def test_the_signed_authorisation_verifies(self, town: Town) -> None:
        """The document, the node's signature over it, and the receipt of its grant."""
        given = town.grant(town.ask())
        answer = town.client("owner").get(reverse("enterprise-authorisation-receipt", args=[given.id]))
        held = json.loads(answer.content)
        assert held["document"]["recipient"] == "bank-a"
        check_document(canonical_bytes(held["document"]), held["signature"], kind="authorisation", key=document_key())
        assert check_receipt(read_receipt(canonical_bytes(held["receipt"])), key=log_key()) is None
        with pytest.raises(InvalidProof):
            changed = canonical_bytes({**held["document"], "times_max": 99})
            check_document(changed, held["signature"], kind="authorisation", key=document_key())

    def test_exchange_8_18_the_public_log_shows_its_files_and_nothing_else(self, town: Town) -> None:
        """Checkpoint and key are for anybody; keys, database and paths upwards are not."""
        sequence(now=timezone.now())
        client = visitor()
        assert b"".join(client.get("/log/checkpoint").streaming_content).startswith(log_key().name.encode())  # type: ignore[attr-defined]
        for path in ("vkey", "vkey.gm", "policy", "policy.gm", "keys/log-gm-1.note"):
            response = client.get(f"/log/{path}")
            response.close()
            assert response.status_code == 200, path
        for path in (
            ".",
            ".lock",
            "keys",
            "keys/.log-gm-1.note",
            "../keys/log.key",
            "%2e%2e/keys/log.key",
            "",
            "tile/../../keys/log.key",
            "checkpoint/x",
        ):
            assert client.get(f"/log/{path}").status_code == 404, path


class TestNode:
    """The node's staff see how it runs and every access, and no file of an enterprise."""

    def test_the_ledger_of_the_node_is_the_one_the_enterprise_sees(self, town: Town) -> None:
        """Each line of the audit stands in the enterprise's own list."""
        town.grant(town.ask())
        access = town.read()
        assert access in texts(town.client("operator"), "/node/accesses/")
        assert access in texts(town.client("owner"), "/enterprise/accesses/")

    def test_a_long_ledger_is_paged_without_gap_or_repeat(self, town: Town) -> None:
        """Following “earlier” shows every line once."""
        for _ in range(65):
            town.read()
        client, url, seen = town.client("operator"), "/node/accesses/", []
        while url:
            page = texts(client, url)
            seen += [part.split("<")[0] for part in page.split('<code class="muted">A')[1:]]
            url = (
                "/node/accesses/?cursor=" + page.split('href="?cursor=')[1].split('"')[0]
                if 'href="?cursor=' in page
                else ""
            )
        assert len(seen) == len(set(seen)) == 65

    def test_starting_a_run_is_an_act_of_an_operator(self, town: Town) -> None:
        """A department's clerk finds no such page; the operator's click is queued."""
        assert town.client("tax").post("/node/runs/").status_code == 404
        assert town.client("operator").post("/node/runs/").status_code == 302

    def test_health_is_machine_readable(self, town: Town) -> None:
        """Alive and ready, without signing in."""
        assert visitor().get("/healthz").json() == {"status": "ok"}
        assert visitor().get("/readyz").json() == {"status": "ok", "failed": {}}
