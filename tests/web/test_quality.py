"""Quality on the pages: every figure is a link to its rows, each side sees its own, and one late source is followed."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from tests.factories import deliver, item, uscc
from tests.web.conftest import FIRM, OTHER, Town
from xinqiao.catalogue.load import load_catalogue
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evaluation.queries import current_result, evaluate, published_result
from xinqiao.evidence.queries import list_entries
from xinqiao.kernel.dated import beijing_day
from xinqiao.plumbing.settings import content_dir
from xinqiao.quality.actions import end_outage, report_outage
from xinqiao.quality.jobs import daily_pass
from xinqiao.quality.queries import list_findings, list_reminders
from xinqiao.quality.rules import monday
from xinqiao.records.types import AsOf
from xinqiao.release.queries import list_accesses

LIST = "list.abnormal"
DAYS = timedelta(days=1)


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def listed(number: int) -> dict[str, str]:
    return {"uscc": uscc(number), "listed_on": "2026-01-05", "reason": "通过登记的住所无法联系", "authority": "示例局"}


def month_before() -> date:
    return (timezone.localdate().replace(day=1) - timedelta(days=1)).replace(day=1)


@pytest.fixture
def checked(town: Town) -> Town:
    """A firm of which two departments say what does not fit, and a delivery with rows that fail."""
    month = month_before()
    deliver("social.insurance", [{"uscc": FIRM, "month": f"{month:%Y%m}", "insured_persons": 41}], now=town.now)
    now, lines = timezone.now(), [f"{month - 31 * n * DAYS:%Y-%m}" for n in range(12)]
    rows: list[dict[str, Any]] = [{"uscc": FIRM, "month": m, "paid_fen": "0", "sales_fen": "7"} for m in {*lines}]
    wrong = [{"uscc": uscc(100 + n), "month": lines[0], "paid_fen": "见附件"} for n in range(60)]
    deliver("tax.payment", [*rows, *wrong], now=now - timedelta(minutes=1))
    deliver("tax.payment", [{"uscc": FIRM, "month": m, "paid_fen": "0"} for m in ("2026-01", "2026-02", "2026-03")],
            now=now - timedelta(seconds=30))  # fmt: skip
    daily_pass(actor="t", now=now)
    return town


def test_every_figure_on_a_card_is_a_link_that_opens_its_rows(checked: Town) -> None:
    """All links of the page are followed; behind a figure that is not whole there are rows, and a file of all."""
    tax = checked.client("tax")
    page = text_of(tax.get("/department/quality/"))
    links = sorted(set(re.findall(r'href="(/department/quality/\d[^"]+)"', page)))
    assert len(links) >= 6
    assert [link for link in links if tax.get(link).status_code != 200] == []
    day = beijing_day(timezone.now())
    valid = f"/department/quality/{day}/tax.payment/valid/"
    assert valid in links
    first = text_of(tax.get(valid))
    assert first.count("见附件") == 50 and '?start=50"' in first
    assert text_of(tax.get(valid + "?start=50")).count("见附件") == 10
    file = tax.get(valid + "rows.csv")
    assert file["Content-Disposition"].startswith("attachment")
    assert text_of(file).count("见附件") == 60


def test_a_department_sees_no_other_departments_items(checked: Town) -> None:
    """Not its cards, not its rows, not its weeks, not findings that do not concern it."""
    day, week = beijing_day(timezone.now()), monday(beijing_day(timezone.now()))
    registry = checked.client("registry")
    number = list_findings(rule="cross.insured_without_tax")[0].id
    for path in (
        f"/department/quality/{day}/tax.payment/valid/",
        f"/department/quality/{day}/tax.payment/valid/rows.csv",
        "/department/quality/items/tax.payment/",
        f"/department/quality/items/tax.payment/weeks/{week}/",
        f"/department/findings/{number}/",
    ):
        assert registry.get(path).status_code == 404, path
    assert registry.post("/department/quality/outage/", {"item": "tax.payment", "reason": "x"}).status_code == 404
    page = text_of(registry.get("/department/quality/"))
    assert "tax.payment" not in page and "registration.basic" in page


def test_a_finding_shows_a_department_its_own_value_only_and_is_explained_by_it(checked: Town) -> None:
    number = list_findings(rule="cross.insured_without_tax")[0].id
    tax = checked.client("tax")
    page = text_of(tax.get(f"/department/findings/{number}/"))
    assert "其他部门的非公开数值，不显示" in page and ">41" not in page and "41 " not in page
    assert tax.post(f"/department/findings/{number}/explain/", {"text": " "}).status_code == 422
    answer = tax.post(f"/department/findings/{number}/explain/", {"text": "减免期内"}, follow=True)
    assert "减免期内" in text_of(answer) and "已说明" in text_of(answer)
    assert list_entries(event="quality.finding_explained")[0].body["by"] == "tax_bureau"
    assert tax.post(f"/department/findings/{number}/explain/", {"text": "再说"}).status_code == 409


def test_the_node_sees_closed_values_with_a_reason_through_the_gate(checked: Town) -> None:
    """Before: hidden. With a reason: shown, and the enterprise sees who looked and why. An auditor may not."""
    number = list_findings(rule="cross.insured_without_tax")[0].id
    operator, auditor = checked.client("operator"), checked.client("auditor")
    path = f"/node/findings/{number}/"
    assert "41 " not in text_of(operator.get(path))
    before = len(list_accesses(enterprise=FIRM))
    assert operator.post(path + "explain/", {"step": "look", "text": ""}).status_code == 422
    assert len(list_accesses(enterprise=FIRM)) == before
    page = text_of(operator.post(path + "explain/", {"step": "look", "text": "核对社保与纳税"}))
    assert "41 人" in page
    line = list_accesses(enterprise=FIRM)[0]
    assert (line.cause, line.allowed, set(line.items)) == ("核对社保与纳税", True, {"social.insurance", "tax.payment"})
    assert auditor.get(path).status_code == 200
    assert auditor.post(path + "explain/", {"step": "look", "text": "x"}).status_code == 404


def test_the_matrix_says_what_each_week_brought_and_opens_it(town: Town) -> None:
    """By words as well as colours; every cell is a link, and this week's delivery is behind it."""
    came = deliver(LIST, [listed(3)], now=town.now)
    operator = town.client("operator")
    page = text_of(operator.get("/node/supply/"))
    week = monday(beijing_day(town.now))
    cell = f"/node/quality/items/{LIST}/weeks/{week}/"
    assert f'href="{cell}"' in page
    assert page.count('scope="row"') == len(load_catalogue(content_dir()).items)
    assert page.count('scope="col"') == 2 + 13
    assert {"已到", "缺报"} <= set(re.findall(r'<span class="tag \w*">(\w+)</span>', page))
    assert came.delivery in text_of(operator.get(cell))
    own = text_of(town.client("registry").get("/department/quality/"))
    assert f"/department/quality/items/{LIST}/weeks/{week}/" in own and "/items/tax.payment/" not in own


@pytest.mark.parametrize(
    "path", ["2026-13-01/tax.payment/valid/", "2026-01-01/tax.payment/nothing/", "items/tax.payment/weeks/soon/"]
)
def test_an_address_that_means_nothing_is_not_found(town: Town, path: str) -> None:
    assert town.client("tax").get(f"/department/quality/{path}").status_code == 404


def block(town: Town, code: str, *, authorisation: str = "") -> dict[str, Any]:
    """What a bank's report says of an item."""
    bank = town.api("bank-a")
    asked = {"enterprise": FIRM, "purpose": "approval", "form": "report", "authorisation": authorisation}
    answer = bank.post(
        "/api/v1/reports", asked, content_type="application/json", headers={"Idempotency-Key": uuid4().hex}
    )
    assert answer.status_code == 200, answer.content
    found = answer.json()["document"]
    return {b["item"]: b for b in found["items"]}[code] | {"evaluation": found["evaluation"]}


def line(document: dict[str, Any], code: str) -> dict[str, Any]:
    return {found["code"]: found for found in document["indicators"]}[code]


INDICATOR = "public_credit.abnormal_listed"


def test_one_late_source_is_followed_from_the_matrix_to_the_report_and_the_score(town: Town) -> None:
    """The registry's list came thirty days ago and never since: late in the matrix, not known in the report, no points.

    Then it is delivered: came late in the matrix, verified none in the report, and the coverage is what it was.
    """
    now = timezone.now()
    deliver(LIST, [listed(3)], now=now - 30 * DAYS)
    given = town.grant(town.ask(times=3)).id
    daily_pass(actor="t", now=now)
    operator = town.client("operator")
    row = text_of(operator.get("/node/supply/")).split(f"/items/{LIST}/")[1]
    assert "逾期已久" in row
    assert LIST in {r.item for r in list_reminders(provider="market_regulation")}
    late = block(town, LIST, authorisation=given)
    assert (late["state"], late["why"], late["source"]["state"]) == ("not_known", "source_late", "overdue")
    scored = line(late["evaluation"], INDICATOR)
    assert (scored["state"], scored["why"], scored["points"]) == ("not_known", "source_late", None)
    page = text_of(town.client("owner").get("/enterprise/report/"))
    assert "来源逾期未报，不能核实没有" in page

    deliver(LIST, [listed(4)], now=timezone.now())
    daily_pass(actor="t", now=timezone.now())
    cells = text_of(operator.get("/node/supply/"))
    assert "迟到" in cells.split(f"/items/{LIST}/weeks/{monday(beijing_day(now))}/")[1].split("</td>")[0]
    assert LIST not in {r.item for r in list_reminders(provider="market_regulation")}
    fresh = block(town, LIST, authorisation=given)
    assert (fresh["state"], "why" in fresh, "source" in fresh) == ("verified_none", False, False)
    assert line(fresh["evaluation"], INDICATOR)["state"] == "verified_none"
    assert fresh["evaluation"]["coverage"] > late["evaluation"]["coverage"]
    assert fresh["evaluation"]["score"] > late["evaluation"]["score"]


def test_a_record_that_stands_stays_and_says_that_its_source_is_late(town: Town) -> None:
    now = timezone.now()
    deliver(LIST, [listed(1)], now=now - 30 * DAYS)
    found = block(town, LIST, authorisation=town.grant(town.ask()).id)
    assert (found["state"], found["source"]["state"]) == ("value", "overdue")
    assert found["source"]["due_on"] < beijing_day(now).isoformat()


def test_an_outage_is_the_reason_in_the_report_and_the_evaluation_and_ends(town: Town) -> None:
    now = timezone.now()
    deliver(LIST, [listed(3)], now=now)
    given = town.grant(town.ask(times=3)).id
    registry = town.client("registry")
    assert registry.post("/department/quality/outage/", {"item": LIST, "reason": " "}).status_code == 422
    registry.post("/department/quality/outage/", {"item": LIST, "reason": "机房搬迁"})
    down = block(town, LIST, authorisation=given)
    assert (down["state"], down["why"]) == ("not_known", "source_down")
    assert line(down["evaluation"], INDICATOR)["why"] == "source_down"
    assert "机房搬迁" in text_of(town.client("operator").get("/node/supply/"))
    registry.post("/department/quality/outage/", {"item": LIST, "step": "end"})
    assert block(town, LIST, authorisation=given)["state"] == "verified_none"


def test_never_shared_down_and_late_are_three_reasons(town: Town) -> None:
    now = timezone.now()
    deliver(LIST, [listed(3)], now=now - 30 * DAYS)
    report_outage(item("judicial.dishonest"), reason="接口检修", actor="t", now=now)
    given = town.grant(town.ask(times=3)).id
    whys = {code: block(town, code, authorisation=given)["why"]
            for code in (LIST, "judicial.dishonest", "list.serious")}  # fmt: skip
    assert whys == {LIST: "source_late", "judicial.dishonest": "source_down", "list.serious": "never_shared"}


def test_a_published_run_keeps_the_sources_it_saw_and_a_change_makes_a_new_evaluation(town: Town) -> None:
    """The run's document is the same bytes as one made for its time; once a source is down, a reader gets today's."""
    now = timezone.now()
    deliver(LIST, [listed(3)], now=now - 30 * DAYS)
    as_of = AsOf(beijing_day(now), now)
    run_evaluation(as_of, actor="t", now=now, progress=lambda _: None)
    assert list_entries(event="evaluation.run_published")[0].body["sources"] == {LIST: "source_late"}
    assert published_result(FIRM) == evaluate(FIRM, as_of) == current_result(FIRM, now=now)
    for firm in (FIRM, OTHER):
        found = published_result(firm)
        assert found is not None and line(found, INDICATOR)["why"] == "source_late"
    penalty = "public_credit.penalties_24m"
    report_outage(item("penalty.decision"), reason="接口检修", actor="t", now=now + timedelta(seconds=1))
    later = current_result(FIRM, now=now + timedelta(seconds=2))
    assert (line(later, penalty)["state"], line(later, penalty)["why"]) == ("not_known", "source_down")
    assert line(current_result(OTHER, now=now + timedelta(seconds=2)), penalty)["state"] == "value", "a record stands"
    end_outage(item("penalty.decision"), actor="t", now=now + timedelta(seconds=3))
    assert current_result(FIRM, now=now + timedelta(seconds=4)) == published_result(FIRM)
