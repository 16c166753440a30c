"""A clerk hands in a file with mistakes and repairs it; an operator sees the node whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.conftest import Person, picture
from xinqiao.catalogue.load import load_catalogue
from xinqiao.kernel.identifiers import make_uscc
from xinqiao.plumbing.settings import content_dir

pytestmark = pytest.mark.journey

GOOD, LATER = make_uscc("91", "610102", "MAJ000001"), make_uscc("91", "610102", "MAJ000002")
HEADER = "企业名称,统一社会信用代码,注册日期,注册资金\n"


def test_upload_repair_and_undo(person: Callable[..., Person], tmp_path: Path) -> None:
    clerk = person()
    page = clerk.sign_in("registry")
    assert "报送任务" in page.inner_text("h1")
    picture(page, "department")
    page.locator("tr:has-text('A01') a:has-text('报送')").click()
    file = tmp_path / "登记_2026-11.csv"
    rows = [
        f"示例甲公司,{GOOD},2026-11-02,100万人民币",
        "示例乙公司,9161,2026-11-03,50万",
        f"示例丙公司,{LATER},1899/12/30,10(万元)",
    ]
    file.write_bytes((HEADER + "\n".join(rows) + "\n").encode("gb18030"))
    page.set_input_files("#files", file)
    page.click("text=校验并提交")
    result = page.inner_text("main")
    assert "部分收下" in result
    for words in ("18 位", "日期早于 1900 年", "核对营业执照上的代码"):
        assert words in result
    picture(page, "delivery")

    with page.expect_download() as waiting:
        page.click("text=下载要改的行")
    returned = tmp_path / "returned.csv"
    waiting.value.save_as(returned)
    text = returned.read_text("utf-8-sig")
    assert (GOOD in text, "错误说明" in text) == (False, True)
    repaired = tmp_path / "repaired.csv"
    repaired.write_text(text.replace("1899/12/30", "2026-11-04").replace(",9161,", f",{LATER[:-1]}X,"), "utf-8")
    page.click("text=改好后重新报送")
    page.set_input_files("#files", repaired)
    page.click("text=校验并提交")
    assert "收下" in page.inner_text("main")
    page.click("text=撤销这次报送")
    assert "此前的数据恢复有效" in page.inner_text("main")


def test_a_file_whose_columns_are_unknown_is_mapped_once(person: Callable[..., Person], tmp_path: Path) -> None:
    clerk = person()
    page = clerk.sign_in("registry")
    page.goto("/department/upload/registration.basic/")
    file = tmp_path / "odd.csv"
    file.write_text(f"单位,机构码,日子\n示例丁公司,{make_uscc('91', '610102', 'MAJ000003')},2026-11-05\n", "utf-8")
    page.set_input_files("#files", file)
    page.click("text=校验并提交")
    assert "缺少“统一社会信用代码”" in page.inner_text("main")
    page.fill("#mapping", "单位 = name\n机构码 = uscc\n日子 = registered_on")
    page.set_input_files("#files", file)
    page.click("text=校验并提交")
    assert "全部收下" in page.inner_text("main")
    page.goto("/department/upload/registration.basic/")
    assert "机构码 = uscc" in page.locator("#mapping").input_value()


def test_the_operator_sees_health_sources_runs_and_accesses(person: Callable[..., Person]) -> None:
    operator = person()
    page = operator.sign_in("operator")
    assert "正常" in page.inner_text("main")
    picture(page, "node")
    page.click("text=数据来源")
    listed = len(load_catalogue(content_dir()).items)
    # Among so few firms a rare event, such as a bankruptcy, may not happen: its list is then not delivered.
    told = re.fullmatch(rf"{listed} 个数据项中已归集 (\d+) 个", page.inner_text("h1").strip())
    assert told and int(told[1]) >= listed - 5
    page.click("nav >> text=信用评价")
    assert "已发布" in page.inner_text("main")
    page.click("text=按今天的数据重新评价")
    for _ in range(60):
        page.goto("/node/runs/")
        if page.locator("tbody tr").count() == 2 and "运行中" not in page.inner_text("main"):
            break
        page.wait_for_timeout(500)
    assert page.locator("tbody .tag:has-text('已发布')").count() == 2, "the worker ran it in the background"


def test_nobody_opens_another_portal(person: Callable[..., Person]) -> None:
    clerk = person()
    page = clerk.sign_in("tax")
    for path in ("/enterprise/", "/institution/", "/node/", "/department/upload/registration.basic/"):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status in (403, 404)
        assert "下一步" in page.inner_text("main")
