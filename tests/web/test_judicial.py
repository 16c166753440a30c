"""The judicial portal: a case bounds what is seen, a package is made, and anything handed in is checked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tests.market import drawn
from tests.web.conftest import FIRM, Town
from xinqiao.evidence.actions import sequence
from xinqiao.evidence.queries import list_entries
from xinqiao.judicial.queries import list_cases, list_packages
from xinqiao.judicial.verifying import verify_package
from xinqiao.lending.loans import report_loans
from xinqiao.parties.actions import register_organisation
from xinqiao.parties.types import OrganisationKind, Role
from xinqiao.release.queries import list_accesses

ASKED = {
    "kind": "arbitration", "case_no": "（2026）示仲1号", "basis": "调取通知 示例1", "matter": "loan",
    "enterprise": FIRM, "institution": "bank-a", "number": "JJ20260001",
}  # fmt: skip


@pytest.fixture
def lent(town: Town) -> Town:
    """The firm has borrowed, under an authorisation."""
    given = town.grant(town.ask(times=2))
    town.read(authorisation=given.id)
    loan = drawn(enterprise=FIRM, authorisation=given.id)
    report_loans([loan], institution="bank-a", actor="api:bank-a", now=timezone.now())
    sequence(now=timezone.now())
    return town


def opened(town: Town) -> str:
    """A case of the court by its form; its page."""
    answer = town.client("judge").post("/judicial/cases/", ASKED)
    assert answer.status_code == 302
    return str(answer["Location"])


def test_a_case_is_opened_previewed_packed_and_taken_along(lent: Town) -> None:
    """From the form to the file; every step but the opening is a look that the enterprise sees."""
    judge, page = lent.client("judge"), opened(lent)
    shown = judge.get(page).content.decode()
    assert "（2026）示仲1号" in shown and "材料目录" not in shown
    assert not [a for a in list_accesses(enterprise=FIRM) if a.recipient_code == "court"]
    preview = judge.post(page, {"step": "look"}).content.decode()
    assert all(word in preview for word in ("材料目录", "授权书全文", "查询记录", "800,000.00 元", "Sample Bank"))
    assert judge.post(page, {"step": "make"})["Location"] == page
    [case] = list_cases(organisation="court")
    [made] = list_packages(case.id)
    assert made.sha256 in judge.get(page).content.decode()
    sequence(now=timezone.now() + timedelta(seconds=1))
    package = judge.post(f"/judicial/packages/{made.id}/")
    receipt = judge.post(f"/judicial/packages/{made.id}/receipt/")
    assert package["Content-Type"] == "application/vnd.etsi.asic-e+zip"
    assert verify_package(package.content, whole=receipt.content).ok
    seen = lent.client("owner").get("/enterprise/accesses/").content.decode()
    assert seen.count("Sample Court") == 3 and "司法调取证据：下载证据包" in seen and "（2026）示仲1号" in seen


def test_what_is_handed_in_is_checked_item_by_item(lent: Town) -> None:
    """Whole; spoilt; under one suite alone; with and without the receipt; in words."""
    judge, page = lent.client("judge"), opened(lent)
    judge.post(page, {"step": "make"})
    sequence(now=timezone.now() + timedelta(seconds=1))
    [made] = list_packages(list_cases(organisation="court")[0].id)
    data = judge.post(f"/judicial/packages/{made.id}/").content
    proof = judge.post(f"/judicial/packages/{made.id}/receipt/").content

    def checked(content: bytes, receipt: bytes | None = proof, **more: str) -> str:
        files = {"file": SimpleUploadedFile("p.asice", content)}
        files |= {"receipt": SimpleUploadedFile("r.asice", receipt)} if receipt else {}
        return judge.post("/judicial/", {**files, **more}).content.decode()

    whole = checked(data)
    assert (
        "证据包完整，与本节点日志一致" in whole and "对审查事项的说明" in whole and "节点不是本案合同的当事人" in whole
    )
    assert "没有附整包回执" in checked(data, None)
    alone = checked(data, broken="intl")
    assert "证据包完整" in alone and "不采信" in alone
    spoilt = bytearray(data)
    spoilt[len(data) // 2] ^= 1
    found = checked(bytes(spoilt))
    assert "被改动" in found and "不通过" in found and "对审查事项的说明" not in found


def test_a_wrong_form_is_explained_and_a_wrong_loan_is_not(lent: Town) -> None:
    """Faults by field; what does not fit together is not found, without telling which part, and is on record."""
    judge = lent.client("judge")
    faulty = judge.post("/judicial/cases/", ASKED | {"case_no": "", "enterprise": "1"})
    assert faulty.status_code == 422 and "不是有效的统一社会信用代码" in faulty.content.decode()
    wrong = judge.post("/judicial/cases/", ASKED | {"number": "JJ20269999"})
    assert wrong.status_code == 404 and "没有找到" in wrong.content.decode()
    assert len(list_entries(event="judicial.case_not_opened")) == 1
    page = opened(lent)
    again = judge.post("/judicial/cases/", ASKED)
    assert again.status_code == 409 and "已有在办案件" in again.content.decode()
    assert judge.post(page, {"step": "close"}).status_code == 302
    closed = judge.post(page, {"step": "look"})
    assert closed.status_code == 409 and "材料目录" not in closed.content.decode()


def test_another_body_and_other_roles_see_nothing(lent: Town) -> None:
    """Its cases, its packages: not another court's, not the node's, not of who only reads."""
    page = opened(lent)
    lent.client("judge").post(page, {"step": "make"})
    [made] = list_packages(list_cases(organisation="court")[0].id)
    by = {"actor": "t", "now": lent.now}
    register_organisation("notary", kind=OrganisationKind.JUDICIAL, name="Sample Notary", **by)
    lent.join("notary-judge", Role.MAGISTRATE, "notary")
    lent.join("court-auditor", Role.AUDITOR, "court")
    stranger, auditor = lent.client("notary-judge"), lent.client("court-auditor")
    for address in (page, f"/judicial/packages/{made.id}/", f"/judicial/packages/{made.id}/receipt/"):
        assert stranger.post(address, {"step": "look"}).status_code == 404
        assert lent.client("operator").post(address, {"step": "look"}).status_code == 404
        assert auditor.post(address, {"step": "look"}).status_code == 404
    assert stranger.get(page).status_code == 404 and auditor.get(page).status_code == 200
    assert "（2026）示仲1号" not in stranger.get("/judicial/cases/").content.decode()
