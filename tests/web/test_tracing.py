"""A page that a bank printed and an answer its program saved name their reads; an enterprise's own is plain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from typer.testing import CliRunner

from tests.web.conftest import FIRM, Town
from xinqiao.config.cli import app
from xinqiao.evidence.queries import list_entries
from xinqiao.release.queries import list_accesses
from xinqiao.tracing.actions import trace_copy
from xinqiao.tracing.queries import list_traces
from xinqiao.tracing.types import Carrier, Trace
from xinqiao.violations.queries import list_cases


@pytest.fixture
def pages(town: Town) -> dict[str, bytes]:
    """Two reports by one bank, each with the access it was read at; English the second time."""
    given, found = town.grant(town.ask(times=3)), {}
    for english in (False, True):
        banker = town.client("banker", english=english)
        posted = {"purpose": "approval", "authorisation": given.id}
        answer = banker.post(f"/institution/enterprises/{FIRM}/report/", posted)
        assert answer.status_code == 200
        found[list_accesses(enterprise=FIRM)[0].id] = answer.content
    return found


def traced(town: Town, data: bytes, name: str = "found.html") -> Trace:
    return trace_copy(data, name=name, actor="person:1", now=town.now)


def test_each_page_names_its_own_read(town: Town, pages: dict[str, bytes]) -> None:
    for access, page in pages.items():
        found = traced(town, page)
        assert [(r.access, r.carrier, r.agree == r.shown) for r in found.reads] == [(access, Carrier.TEXT, True)]
        assert found.candidates == 2 and access in found.printed
        anonymous = page.decode().replace(access, "").replace("banker", "").replace("Banker", "")
        assert [r.access for r in traced(town, anonymous.encode()).reads] == [access]
        assert [r.access for r in traced(town, anonymous.replace(FIRM, "").encode()).reads] == [access]


def test_an_enterprises_own_page_is_plain(town: Town, pages: dict[str, bytes]) -> None:
    own = town.client("owner").get("/enterprise/report/").content.decode()
    assert "最新归集" not in own and "最近归集" in own
    assert traced(town, own.encode()).reads == ()


def test_an_answer_of_the_api_names_its_read_by_digest_and_in_part_by_its_orders(town: Town) -> None:
    given, machine = town.grant(town.ask(times=3)), town.api("bank-a")
    body = {"enterprise": FIRM, "purpose": "approval", "form": "report", "authorisation": given.id}
    answers = [machine.post("/api/v1/reports", body, "application/json", headers={"Idempotency-Key": k}) for k in "ab"]
    again = machine.post("/api/v1/reports", body, "application/json", headers={"Idempotency-Key": "a"})
    assert again.content == answers[0].content, "the same read, the same bytes"
    first, second = (answer.json() for answer in answers)
    for sent in (first, second):
        found = traced(town, json.dumps(sent["document"], sort_keys=True, indent=1).encode())
        assert [(r.access, r.carrier) for r in found.reads] == [(sent["access"], Carrier.DIGEST)]
        part = {k: v for k, v in sent["document"].items() if k not in ("asked_at", "recipient", "authorisation")}
        found = traced(town, json.dumps(part, ensure_ascii=False).encode())
        assert [(r.access, r.carrier) for r in found.reads] == [(sent["access"], Carrier.ORDER)]


def test_a_public_look_is_marked_too(town: Town) -> None:
    town.client("banker").get(f"/institution/enterprises/{FIRM}/")
    sent = town.api("bank-b").get(f"/api/v1/enterprises/{FIRM}/public").json()
    found = traced(town, json.dumps(sent["document"]["items"], ensure_ascii=False).encode())
    assert [r.access for r in found.reads] == [sent["access"]]


def test_the_node_traces_on_its_page_and_opens_one_case(town: Town, pages: dict[str, bytes]) -> None:
    operator, (access, page) = town.client("operator"), next(iter(pages.items()))
    answer = operator.post("/node/tracing/", {"file": SimpleUploadedFile("leak.html", page)}, follow=True)
    assert access in answer.content.decode() and "leak.html" in operator.get("/node/tracing/").content.decode()
    (trace,) = list_traces()
    assert list_entries(limit=1)[0].event == "tracing.traced"
    for _ in range(2):
        operator.post(f"/node/tracing/{trace.id}/", {"access": access})
    (case,) = list_cases()
    assert (case.kind, case.organisation, case.enterprise, case.reference) == ("leaking", "bank-a", FIRM, access)
    assert trace.id in operator.get(f"/node/violations/{case.id}/").content.decode()
    assert operator.post(f"/node/tracing/{trace.id}/", {"access": "A20000101-0000000000"}).status_code == 404
    assert operator.get("/node/tracing/none/").status_code == 404
    for wrong in ({}, {"file": SimpleUploadedFile("x.pdf", b"%PDF-1.7 broken")}):
        assert operator.post("/node/tracing/", wrong).status_code == 422
    assert town.client("banker").get("/node/tracing/").status_code == 404


def test_the_command_says_by_its_status_whether_it_found_one(
    town: Town, pages: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "leak.html").write_bytes(next(iter(pages.values())))
    (tmp_path / "other.txt").write_text("最近归集 2026-01-01", "utf-8")
    run: Any = CliRunner()
    told = run.invoke(app, ["trace", str(tmp_path / "leak.html"), "--json"])
    assert told.exit_code == 0 and json.loads(told.output)["reads"][0]["access"] == next(iter(pages))
    assert run.invoke(app, ["trace", str(tmp_path / "leak.html")]).exit_code == 0
    assert run.invoke(app, ["trace", str(tmp_path / "other.txt")]).exit_code == 1
