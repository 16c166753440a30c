"""The main story: a bank asks, the firm decides, the bank reads, the firm withdraws, the bank is refused."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.conftest import FIRM, Person, picture
from xinqiao.evidence.verify import verify_receipt
from xinqiao.kernel.canonical import canonical_bytes

pytestmark = pytest.mark.journey


def test_from_request_to_refusal(person: Callable[..., Person], tmp_path: Path) -> None:
    bank, firm = person(), person()
    desk = bank.sign_in("banker")
    desk.fill("#uscc", f" {FIRM[:8].lower()} {FIRM[8:].lower()}")  # pasted as people paste
    desk.click("main button")
    assert desk.locator("h1").inner_text().startswith("西安示例恒远装备制造有限公司")
    public = desk.inner_text("main")
    assert "用电及缴费信息" not in public, "nothing that is not public is even named"

    desk.click("text=请求授权")
    desk.fill("#reason", "流动资金贷款申请 A-1182")
    desk.click("text=发出请求")
    assert "已送到企业的收件箱" in desk.inner_text("main")

    page = firm.sign_in("owner")
    began, clicks = time.monotonic(), 0
    picture(page, "enterprise")
    page.click("text=查看并决定")
    clicks += 1
    screen = page.inner_text("main")
    for word in ("示例银行", "贷款审批", "用电及缴费信息", "30 天", "最多 1 次", "不含原始明细"):
        assert word in screen
    assert page.locator("input[type=checkbox]:checked").count() == 0, "nothing optional is ticked"
    picture(page, "consent")
    page.click("text=同意授权")
    clicks += 1
    assert (clicks, time.monotonic() - began < 45) == (2, True)

    desk.goto(f"/institution/enterprises/{FIRM}/")
    desk.click("text=读取信用报告")
    report = desk.inner_text("main")
    assert re.search(r"\b(AAA|AA|A|BBB|BB|B|CCC|CC|C|D)\b", report)
    assert "近12个月申报销售额" in report
    assert "2026-08" not in desk.locator("section:has(h3:has-text('用电'))").inner_text(), "no raw monthly rows"
    picture(desk, "institution")

    page.goto("/enterprise/accesses/")
    line = page.locator("tbody tr").first.inner_text()
    assert "示例银行" in line
    assert "已提供" in line
    picture(page, "who-looked")

    page.goto("/enterprise/authorisations/")
    page.locator("tbody a:has-text('查看')").first.click()
    assert "已提供" in page.inner_text("main")
    _check_receipt(page, tmp_path)

    # The one read is used up, so no further read is offered.
    desk.goto(f"/institution/enterprises/{FIRM}/")
    assert desk.locator("text=读取信用报告").count() == 0


def _check_receipt(page: object, folder: Path) -> None:
    """The firm downloads the receipt of the bank's read and checks it without the node."""
    with page.expect_download() as waiting:  # type: ignore[attr-defined]
        page.locator("tbody a code").first.click()  # type: ignore[attr-defined]
    target = folder / "receipt.json"
    waiting.value.save_as(target)
    receipt = json.loads(target.read_text("utf-8"))
    vkey = page.request.get("/log/vkey").text().strip()  # type: ignore[attr-defined]
    verdict = verify_receipt(canonical_bytes(receipt), vkey)
    assert verdict.ok, verdict


def test_withdrawal_stops_the_next_read(person: Callable[..., Person]) -> None:
    bank, firm = person(), person()
    desk = bank.sign_in("banker")
    page = firm.sign_in("accountant")
    page.locator("li", has_not_text=FIRM).locator("button").nth(0).click()
    code = page.locator("h1 code").inner_text()
    desk.goto(f"/institution/enterprises/{code}/ask/")
    desk.fill("#reason", "续贷审查")
    desk.fill("#times", "3")
    desk.click("text=发出请求")
    page.goto("/enterprise/")
    page.click("text=查看并决定")
    page.click("text=同意授权")
    desk.goto(f"/institution/enterprises/{code}/")
    stale = desk.locator("form:has-text('读取信用报告')")
    assert stale.count() == 1

    page.goto("/enterprise/")  # two clicks from home, then one to confirm
    page.locator("a:has-text('查看或撤回')").first.click()
    page.click("text=撤回授权")
    assert "已撤回" in page.inner_text("main")

    desk.click("text=读取信用报告")  # from the page that was still open
    refused = desk.inner_text("main")
    for word in ("企业已撤回授权", "依据", "个人信息保护法第十五条", "下一步", "留痕编号"):
        assert word in refused
    page.goto("/enterprise/accesses/?only=refused")
    assert "企业已撤回授权" in page.locator("tbody tr").first.inner_text()


def test_a_declined_request_gives_nothing(person: Callable[..., Person]) -> None:
    bank, firm = person(), person()
    page = firm.sign_in("accountant")
    page.locator("li", has_not_text=FIRM).locator("button").nth(1).click()
    code = page.locator("h1 code").inner_text()
    desk = bank.sign_in("banker")
    desk.goto(f"/institution/enterprises/{code}/ask/")
    desk.fill("#reason", "首贷")
    desk.click("text=发出请求")
    page.goto("/enterprise/")
    page.click("text=查看并决定")
    page.locator("button:has-text('拒绝')").click()
    desk.goto("/institution/requests/")
    assert "已拒绝" in desk.locator("tbody tr").first.inner_text()
    desk.goto(f"/institution/enterprises/{code}/")
    assert desk.locator("text=读取信用报告").count() == 0
    desk.goto(f"/institution/enterprises/{code}/ask/")
    desk.fill("#reason", "再问一次")
    desk.click("text=发出请求")
    assert "30 天内已向该企业发出过请求" in desk.inner_text("main")
