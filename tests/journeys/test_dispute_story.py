"""A record is wrong: the firm says so, its department puts it right, the bank that had read it is told."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.journeys.conftest import FIRM, Person, picture

pytestmark = pytest.mark.journey


def test_from_a_wrong_address_to_the_bank_that_knows_better(person: Callable[..., Person]) -> None:
    bank, firm, registry = person(), person(), person()
    desk = bank.sign_in("banker")
    desk.goto(f"/institution/enterprises/{FIRM}/")

    page = firm.sign_in("owner")
    page.goto("/enterprise/report/")
    page.click("#registration\\.basic table.rows td a")  # the first click
    page.check("input[name=ground][value=wrong_value]")
    page.fill("#text", "注册地址写错了，应为示例路 9 号")
    page.click("main button:has-text('提出异议')")  # the second
    assert "已标注并送责任部门核查" in page.inner_text("main")
    picture(page, "dispute")
    number = page.locator("h1 code").inner_text()
    desk.goto(f"/institution/enterprises/{FIRM}/")
    assert "异议中" in desk.inner_text("main"), "marked wherever the record is shown"

    task = registry.sign_in("registry")
    task.goto("/department/disputes/")
    task.click(f"text={number}")
    assert "应为示例路 9 号" in task.inner_text("main")
    picture(task, "dispute-task")
    task.fill("input[name=field-address]", "西安市示例路 9 号")
    task.locator("form:has(input[name=field-address]) textarea[name=text]").fill("经核对登记档案，地址录入有误，已更正")
    task.click("text=有误，按右栏更正")
    assert "记录有误，已更正" in task.inner_text("main")

    page.goto("/enterprise/report/")
    registration = page.locator("#registration\\.basic").inner_text()
    assert "西安市示例路 9 号" in registration and "异议中" not in registration
    for _ in range(60):  # the worker tells within the minute
        desk.goto("/institution/corrections/")
        if "查看更正" in desk.inner_text("main"):
            break
        time.sleep(1)
    desk.locator("a:has-text('查看更正')").first.click()
    assert "西安市示例路 9 号" in desk.inner_text("main")
    desk.click("text=确认已收到并据以更正")
    assert "已确认收到更正" in desk.inner_text("main")
    page.goto(f"/enterprise/disputes/{number}/")
    assert "示例银行" in page.inner_text("main") and "已确认" in page.inner_text("main")
