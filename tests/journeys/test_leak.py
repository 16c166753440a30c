"""A bank prints what it sees; the printed file, found elsewhere, names the read it came from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.conftest import FIRM, Person

pytestmark = pytest.mark.journey


def test_a_printed_copy_names_its_read(person: Callable[..., Person]) -> None:
    desk = person().sign_in("banker")
    desk.goto(f"/institution/enterprises/{FIRM}/")
    printed = desk.pdf(format="A4")
    desk.goto(f"/institution/enterprises/{FIRM}/")  # a second read, that was not printed

    node = person().sign_in("operator")
    node.goto("/node/tracing/")
    node.set_input_files("#file", {"name": "found.pdf", "mimeType": "application/pdf", "buffer": printed})
    node.click("main button")
    assert "示例银行" in node.inner_text("main")
    assert "文字标记" in node.inner_text("main")
    assert node.locator("tbody tr").count() == 1, "one read, not both"
    node.click("text=登记为线索")
    assert "泄露" in node.inner_text("main")
