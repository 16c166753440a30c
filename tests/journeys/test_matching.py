"""A clerk hands in rows without a code, says who one of them is, and takes it back; pages are accessible and narrow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys.conftest import FIRM, Person

pytestmark = pytest.mark.journey

SERIOUS = ("serious", "critical")
# A demonstration firm without its place and legal form, the same in full, and one that nobody knows.
ROWS = (
    "示例恒远装备制造,2026-04-30,B",
    "西安示例启明软件有限责任公司,2026-04-30,B",
    "汉中天差地别果业专业合作社,2026-04-30,B",
)


def faults(page: Page) -> list[tuple[str, str]]:
    """What keeps some people from using a page."""
    found = Axe().run(page).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:120]) for v in found if v["impact"] in SERIOUS]


def test_a_row_without_a_code_is_settled_and_taken_back(person: Callable[..., Person], tmp_path: Path) -> None:
    clerk = person(javascript=True)
    page = clerk.sign_in("tax")
    page.locator("tr:has-text('E01') a:has-text('报送')").click()
    file = tmp_path / "信用级别.csv"
    file.write_bytes(("企业名称,评定日期,评价等级\n" + "\n".join(ROWS) + "\n").encode("gb18030"))
    page.set_input_files("#files", file)
    page.click("text=校验并提交")
    result = page.inner_text("main")
    assert "待认定主体" in result and "已认定 1" in result and "按名称也找不到主体" in result
    page.click("text=待认定 1")
    assert faults(page) == []
    page.locator("tr:has-text('示例恒远装备制造') a:has-text('认定')").click()
    assert faults(page) == [] and "字号和行业一致" in page.inner_text("main")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1366, "height": 768})
    page.check(f"input[value='{FIRM}']")
    page.click("text=认定为所选主体")
    assert "已办理并留痕" in page.inner_text("main")
    page.click("text=已认定 2")
    page.locator("tr:has-text('示例恒远装备制造') a:has-text('查看')").click()
    assert faults(page) == []
    page.fill("#note", "名称相近，不是这家")
    page.click("button:has-text('撤销认定')")
    assert "待认定 1" in page.inner_text("main")

    operator = person(javascript=True).sign_in("operator")
    for path in ("/node/matching/", f"/node/subjects/?code={FIRM}"):
        operator.goto(path)
        assert faults(operator) == []
    operator.goto("/node/matching/")
    operator.locator("tr:has-text('示例恒远装备制造') a:has-text('认定')").click()
    assert faults(operator) == [] and "节点只看用来认定主体的内容" in operator.inner_text("main")
