"""A firm states a need, sees what fits, chooses; the bank reads, offers, lends, feeds back; the node counts it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page

from tests.journeys.conftest import Person, picture
from xinqiao.kernel.dated import beijing_day

pytestmark = pytest.mark.journey


def test_from_a_need_to_a_loan_that_is_counted(person: Callable[..., Person]) -> None:
    """Few fields, no name before the tick, one authorisation, an offer taken, a loan in the page of effect."""
    page, desk, board = (person().sign_in(name) for name in ("principal", "banker", "operator"))
    code = a_firm_that_fits(page)
    desk.goto("/institution/applications/")
    assert code not in desk.content(), "until the tick nobody knows who it is"
    desk.goto("/institution/products/")
    assert "少于 10" in desk.inner_text("main")
    choose_and_authorise(page)
    application = read_and_offer(desk)
    page.goto("/enterprise/applications/")
    page.locator("main table a").first.click()
    assert "4.20%" in page.inner_text("main")
    page.click("text=接受报价")
    feed_back(desk, application, code)
    page.goto("/enterprise/applications/")
    assert "已放款" in page.inner_text("main")
    board.goto("/node/effectiveness/")
    lent = board.locator("tr", has_text="attributed=1 的 amount_fen 之和").first.inner_text()
    assert "40.00" in lent, lent
    picture(board, "effectiveness")


def a_firm_that_fits(page: Page) -> str:
    """One of the firms of a person who has several, the last first: the others belong to other stories. Its code."""
    for place in reversed(range(page.locator("main li button").count())):
        page.goto("/choose/")
        page.locator("main li button").nth(place).click()
        code = page.locator("h1 code").inner_text()
        state_a_need(page)
        if ticks(page).count():
            picture(page, "financing")
            return code
    raise AssertionError("no firm fits any product of the bank")


def ticks(page: Page) -> Locator:
    """What may be ticked of the bank whose officer is at hand."""
    return page.locator("tr", has_text="示例银行").locator("input[type=checkbox]")


def state_a_need(page: Page) -> None:
    """Four fields; the rest is known already."""
    page.goto("/enterprise/financing/")
    assert page.locator("main form input[required]").count() <= 4
    page.fill("#amount", "50")
    page.fill("#months", "12")
    page.fill("#purpose", "采购原料")
    page.click("text=登记并查看符合的产品")
    shown = page.inner_text("main")
    assert re.search(r"符合全部条件的产品 \d+ 个，共 7 个在架", shown) and "没有付费排位" in shown


def choose_and_authorise(page: Page) -> None:
    """One tick, one screen."""
    ticks(page).first.check()
    page.click("text=选定所勾机构，让它们知道我是谁")
    page.locator("main table a").first.click()
    page.click("text=查看授权请求并决定")
    page.click("text=同意授权")
    assert "已授权，待受理" in page.inner_text("main")


def read_and_offer(desk: Page) -> str:
    """The bank reads the report and makes an offer; the application's number."""
    desk.goto("/institution/applications/")
    desk.locator("main table a").first.click()
    desk.click("text=读取信用报告")
    assert "近12个月申报销售额" in desk.inner_text("main")
    desk.goto("/institution/applications/")
    desk.locator("main table a").first.click()
    application = desk.locator(".panel-head code").first.inner_text()
    desk.fill("#amount", "40")
    desk.fill("#rate", "4.2")
    desk.click("text=发出报价")
    return application


def feed_back(desk: Page, application: str, code: str) -> None:
    """The drawdown, by hand."""
    today = beijing_day(datetime.now(UTC))
    desk.goto("/institution/loans/")
    desk.click("text=逐笔填写")
    fields = {
        "credit_no": "SX1", "receipt_no": "JJ20260001", "enterprise": code, "limit_fen": "400000",
        "amount_fen": "400000", "balance_fen": "400000", "rate_bp": "4.2", "drawn_on": today.isoformat(),
        "due_on": (today + timedelta(days=360)).isoformat(), "overdue_days": "0", "application": application,
    }  # fmt: skip
    for name, value in fields.items():
        desk.fill(f"#f-{name}", value)
    desk.locator("details button").click()
    assert "新增 1 笔" in desk.inner_text("main")
