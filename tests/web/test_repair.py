"""Credit repair on the pages: a countdown, an application with two documents, a decision by who determined it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tests.factories import deliver
from tests.web.conftest import FIRM, Town
from xinqiao.corrections.rippling import ripple_waiting
from xinqiao.parties.types import Role
from xinqiao.repair.queries import list_repairs
from xinqiao.repair.types import RepairState

SAME = {"uscc": FIRM, "kind": "罚款", "fine_fen": "5000"}


@pytest.fixture
def listed(town: Town) -> Town:
    """An old minor penalty, and a serious one that has just been decided."""
    town.join("reform", Role.CLERK, "development_reform")
    old = {**SAME, "document_no": "P-1", "severity": "轻微", "decided_on": "2026-08-01"}
    new = {**SAME, "document_no": "P-2", "severity": "严重", "decided_on": "2026-11-01"}
    deliver("penalty.decision", [old, new], now=timezone.now())
    return town


def papers() -> dict[str, Any]:
    return {code: SimpleUploadedFile(f"{code}.pdf", b"%PDF-1 x") for code in ("performance", "commitment")}


def test_from_the_countdown_to_a_record_that_is_used_no_more(listed: Town) -> None:
    owner, reform = listed.client("owner"), listed.client("reform")
    page = owner.get("/enterprise/repairs/").content.decode()
    assert "轻微" in page and "严重" in page and "2027-11-01" in page and "还有" in page
    links = re.findall(r'href="(/enterprise/repairs/new/\?item=penalty.decision&amp;ref=(\w+))"', page)
    assert len(links) == 1, "only what may be applied for yet"
    form = owner.get(links[0][0].replace("&amp;", "&")).content.decode()
    assert "信用承诺书" in form
    given = {"item": "penalty.decision", "ref": links[0][1], "text": "paid"}
    lacking = owner.post("/enterprise/repairs/new/", {**given, "performance": SimpleUploadedFile("a.pdf", b"%PDF-")})
    assert lacking.status_code == 422 and "缺少：" in lacking.content.decode()
    assert owner.post("/enterprise/repairs/new/", {**given, **papers()}).status_code == 302
    [made] = list_repairs(enterprise=FIRM)
    assert made.id in reform.get("/department/repairs/").content.decode()
    assert listed.client("tax").get(f"/department/repairs/{made.id}/").status_code == 404
    assert made.id in listed.client("operator").get("/node/repairs/").content.decode()
    task = reform.get(f"/department/repairs/{made.id}/").content.decode()
    paper = re.search(rf"/department/repairs/{made.id}/papers/\d+/", task)
    assert paper and reform.get(paper[0]).content == b"%PDF-1 x"
    assert reform.post(f"/department/repairs/{made.id}/", {"step": "grant", "text": ""}).status_code == 422
    listed.client("banker").get(f"/institution/enterprises/{FIRM}/")
    assert reform.post(f"/department/repairs/{made.id}/", {"step": "grant", "text": "done"}).status_code == 302
    ripple_waiting(now=timezone.now())
    assert list_repairs(enterprise=FIRM)[0].state is RepairState.GRANTED
    mine = owner.get(f"/enterprise/repairs/{made.id}/").content.decode()
    assert "Sample Bank" in mine and "已修复" in mine
    report = owner.get("/enterprise/report/").content.decode()
    assert "P-1" not in report and "P-2" in report
    told = listed.client("banker").get("/institution/corrections/").content.decode()
    assert "停止共享和使用" in told


def test_refused_with_a_reason_and_a_next_step_or_taken_back(listed: Town) -> None:
    owner, reform = listed.client("owner"), listed.client("reform")
    [(_, ref)] = re.findall(r'href="(/enterprise/repairs/new/\?item=penalty.decision&amp;ref=(\w+))"',
                            owner.get("/enterprise/repairs/").content.decode())  # fmt: skip
    given = {"item": "penalty.decision", "ref": ref, "text": "paid"}
    owner.post("/enterprise/repairs/new/", {**given, **papers()})
    [made] = list_repairs(enterprise=FIRM)
    refusal = {"step": "refuse", "reason": "not_performed", "text": "one payment is open"}
    assert reform.post(f"/department/repairs/{made.id}/", refusal).status_code == 302
    page = owner.get(f"/enterprise/repairs/{made.id}/").content.decode()
    assert "义务尚未履行完毕" in page and "履行完毕后凭证明再申请" in page
    owner.post("/enterprise/repairs/new/", {**given, **papers()})
    again = list_repairs(enterprise=FIRM, states=[RepairState.APPLIED])[0]
    assert owner.post(f"/enterprise/repairs/{again.id}/").status_code == 302
    assert list_repairs(enterprise=FIRM, states=[RepairState.APPLIED]) == []
    assert listed.client("neighbour").get(f"/enterprise/repairs/{made.id}/").status_code == 404
