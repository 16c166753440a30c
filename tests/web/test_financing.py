"""Financing over HTTP: the firm's pages, the bank's pages and program, the node's list."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
import xlsxwriter
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from python_calamine import CalamineWorkbook

from tests.market import drawn
from tests.market import product as offered
from tests.web.conftest import FIRM, OTHER, Town, visitor
from xinqiao.consent.queries import consent_text
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.lending.papers import HEADINGS
from xinqiao.lending.queries import get_application, list_applications, list_declarations, list_loans
from xinqiao.matching.actions import publish_product
from xinqiao.matching.queries import find_open_need, list_products
from xinqiao.parties.actions import add_member
from xinqiao.parties.queries import list_memberships
from xinqiao.parties.types import Right, Role
from xinqiao.records.types import AsOf
from xinqiao.release.queries import list_accesses

NEED = {"amount": "100", "months": "12", "guarantees": ["credit"], "purpose": "采购原料", "window": ""}


@pytest.fixture
def market(town: Town) -> Town:
    """The town with an evaluation and two products."""
    now = timezone.now()
    run_evaluation(AsOf(timezone.localdate(), now), actor="t", now=now, progress=lambda _: None)
    for bank, name in (("bank-a", "流水贷"), ("bank-b", "税易贷")):
        publish_product(offered(name=name), institution=bank, actor="t", now=now)
    return town


def chosen(market: Town, bank: str = "bank-a") -> str:
    """The firm states its need and chooses a bank, by its pages; the application's number."""
    owner = market.client("owner")
    if find_open_need(FIRM, now=timezone.now()) is None:
        assert owner.post(reverse("enterprise-financing"), NEED).status_code == 302
    [one] = list_products(institution=bank)
    assert owner.post(reverse("enterprise-choose"), {"products": [one.code]}).status_code == 302
    return list_applications(institution=bank)[0].id


def authorised(market: Town, application: str) -> None:
    """The firm answers on its one screen; from there it comes back to the application."""
    owner, request = market.client("owner"), get_application(application).request
    owner.get(reverse("enterprise-decide", args=[request]))
    digest = consent_text(request, locale="zh").sha256
    answer = owner.post(
        reverse("enterprise-decide", args=[request]), {"answer": "grant", "locale": "zh", "digest": digest}
    )
    assert answer["Location"] == reverse("enterprise-application", args=[application])


def post(bank: Client, path: str, body: dict[str, Any], key: str = "k") -> Any:
    """A call of the bank's program."""
    return bank.post(
        f"/api/v1/financing{path}", json.dumps(body), content_type="application/json", headers={"Idempotency-Key": key}
    )


def test_a_need_is_stated_once_and_what_fits_is_shown_with_reasons(market: Town) -> None:
    """Faults stand by the form; the page then names each product, its place and its cost; the read is in the log."""
    owner = market.client("owner")
    page = owner.get(reverse("enterprise-financing")).content.decode()
    assert "不用填写" in page and "登记并查看符合的产品" in page
    wrong = owner.post(reverse("enterprise-financing"), NEED | {"amount": "abc", "purpose": "", "guarantees": []})
    assert wrong.status_code == 422 and wrong.content.decode().count("<li>") >= 3
    assert owner.post(reverse("enterprise-financing"), NEED).status_code == 302
    page = owner.get(reverse("enterprise-financing")).content.decode()
    for text in ("流水贷", "税易贷", "首贷专题", "符合全部", "年化总成本 3.50% 起", "最多同时 3 家", "没有付费排位"):
        assert text in page
    assert list_accesses(enterprise=FIRM)[0].purpose == "self"
    compared = owner.get(reverse("enterprise-compare"), {"products": [p.code for p in list_products()]}, follow=True)
    assert "近一年实际答复" in compared.content.decode()
    again = owner.post(reverse("enterprise-financing"), NEED)
    assert again.status_code == 409 and "已有一项有效的融资需求" in again.content.decode()
    need = find_open_need(FIRM, now=timezone.now())
    assert need is not None
    owner.post(reverse("enterprise-need-end", args=[need.id]))
    assert f'value="{need.amount_fen // 1_000_000}"' in owner.get(reverse("enterprise-financing")).content.decode()


def test_the_bank_learns_a_name_only_after_the_choice(market: Town) -> None:
    """Before: counts and no name on any of its pages. After: its queue, and only its own."""
    owner, banker = market.client("owner"), market.client("banker")
    owner.post(reverse("enterprise-financing"), NEED)
    for page in ("institution-products", "institution-applications", "institution-home"):
        html = banker.get(reverse(page)).content.decode()
        assert FIRM not in html and "Example Machinery" not in html
    assert "少于 10" in banker.get(reverse("institution-products")).content.decode()
    application = chosen(market)
    assert FIRM in banker.get(reverse("institution-applications")).content.decode()
    rival = market.client("rival")
    assert FIRM not in rival.get(reverse("institution-applications")).content.decode()
    assert rival.get(reverse("institution-application", args=[application])).status_code == 404
    neighbour = market.client("neighbour")
    assert neighbour.get(reverse("enterprise-application", args=[application])).status_code == 404


def test_from_the_choice_to_the_offer_by_pages(market: Town) -> None:
    """Authorise, read, offer, accept; each page says whose turn it is."""
    application = chosen(market)
    owner, banker = market.client("owner"), market.client("banker")
    mine, its = (reverse(f"{p}-application", args=[application]) for p in ("enterprise", "institution"))
    assert "查看授权请求并决定" in owner.get(mine).content.decode()
    authorised(market, application)
    page = banker.get(its).content.decode()
    assert "读取信用报告" in page and "还剩 1 个工作日" in page
    assert "要答复的申请" in banker.get(reverse("institution-home")).content.decode()
    given = get_application(application).authorisation
    read = banker.post(reverse("institution-report", args=[FIRM]), {"purpose": "approval", "authorisation": given})
    assert read.status_code == 200
    dear = {"step": "offer", "amount": "500", "months": "12", "rate": "9", "guarantee": "A", "until": "?", "note": ""}
    wrong = banker.post(its, dear)
    assert wrong.status_code == 422 and wrong.content.decode().count("<li>") >= 4
    until = (timezone.localdate() + timedelta(days=9)).isoformat()
    fair = dear | {"amount": "80", "rate": "4.2", "guarantee": "D", "until": until}
    assert banker.post(its, fair).status_code == 302
    assert "办理申请" in owner.get(reverse("enterprise-home")).content.decode(), "the offer waits for the firm"
    assert "4.20%" in owner.get(mine).content.decode()
    owner.post(mine, {"step": "accept"})
    assert get_application(application).state == "accepted"
    assert owner.post(mine, {"step": "accept"}).status_code == 409
    assert owner.post(mine, {"step": "dance"}).status_code == 404


def test_a_refusal_shows_reasons_next_steps_and_where_else(market: Town) -> None:
    """Without a code it is not taken; with codes the firm sees what to do and another product."""
    application = chosen(market)
    its = reverse("institution-application", args=[application])
    banker = market.client("banker")
    assert banker.post(its, {"step": "decline", "note": "综合评分不足"}).status_code == 422
    assert banker.post(its, {"step": "decline", "reasons": ["R02", "R10"]}).status_code == 302
    page = market.client("owner").get(reverse("enterprise-application", args=[application])).content.decode()
    assert "近12个月销售收入低于产品要求" in page and "自愿填报经营数据" in page and "税易贷" in page


def test_a_delegate_needs_the_right_to_apply(market: Town) -> None:
    """An accountant with another right alone is told whom to ask."""
    now = market.now
    market.join("keeper", Role.OFFICER, "bank-b")
    keeper = market.people["keeper"]
    add_member(keeper, role=Role.DELEGATE, enterprise=FIRM, rights={Right.REPORT}, actor="t", now=now)
    client = market.client("keeper")
    session = client.session
    session["membership"] = next(m.id for m in list_memberships(keeper, now=timezone.now()) if m.enterprise)
    session.save()
    answer = client.get(reverse("enterprise-financing"))
    assert answer.status_code == 403 and "办理融资申请" in answer.content.decode()


def test_a_bank_writes_tries_and_publishes_a_product(market: Town) -> None:
    """Faults are named beside the form, the reach is told in steps, the next version follows; a rival may not."""
    banker = market.client("banker")
    form = {
        "name": "科技贷", "amount_from_fen": "10", "amount_to_fen": "300", "months_from": "1", "months_to": "24",
        "rate_from_bp": "3.1", "rate_to_bp": "4", "fee_bp": "0", "guarantees": ["credit"], "windows": ["science"],
        "decision_workdays": "3", "offered_from": timezone.localdate().isoformat(), "offered_until": "", "note": "",
        "on": ["indicator:identity.age_months", "grade", "indicator:operation.sales_12m_fen"],
        "at_least": ["24", "", "150.5"], "below": ["", "", ""], "values": ["", "AAA AA", ""],
    }  # fmt: skip
    tried = banker.post(reverse("institution-product-new"), form | {"step": "try"})
    assert tried.status_code == 200 and "少于 10" in tried.content.decode()
    wrong = banker.post(reverse("institution-product-new"), form | {"step": "publish", "rate_to_bp": "2", "name": ""})
    assert wrong.status_code == 422 and "rate_to_bp" in wrong.content.decode()
    assert banker.post(reverse("institution-product-new"), form | {"step": "publish"}).status_code == 302
    made = next(p for p in list_products() if p.name == "科技贷")
    assert (made.rate_from_bp, made.amount_to_fen, len(made.conditions)) == (310, 300_000_000, 3)
    assert made.conditions[2].at_least == 150_500_000, "money is written in ten thousand yuan"
    page = banker.get(reverse("institution-product", args=[made.code])).content.decode()
    assert 'value="3.10"' in page and "AAA AA" in page and 'value="150.5"' in page
    banker.post(reverse("institution-product", args=[made.code]), form | {"step": "publish", "rate_from_bp": "3.05"})
    assert next(p for p in list_products() if p.code == made.code).version == 2
    rival = market.client("rival")
    assert rival.get(reverse("institution-product", args=[made.code])).status_code == 404
    assert rival.post(reverse("institution-product-withdraw", args=[made.code])).status_code == 404
    public = visitor().get(reverse("products"), {"window": "science"}).content.decode()
    assert "科技贷" in public and "流水贷" not in public
    assert "信用等级 为 AAA 或 AA" in visitor().get(reverse("product", args=[made.code])).content.decode()
    banker.post(reverse("institution-product-withdraw", args=[made.code]))
    assert visitor().get(reverse("product", args=[made.code])).status_code == 404


def test_loans_by_page_and_by_file(market: Town) -> None:
    """The template's own headings come back filled in; a faulty row is named, the other is taken."""
    banker = market.client("banker")
    template = banker.get(reverse("institution-loans-template"))
    heads = CalamineWorkbook.from_filelike(io.BytesIO(template.content)).get_sheet_by_index(0).to_python()[0]
    assert heads == list(HEADINGS.values())
    day = (timezone.localdate() - timedelta(days=3)).isoformat()
    good = drawn(enterprise=FIRM, drawn_on=day, approved_on=day, rate_bp="4.2", first_loan="是", renewal="否")
    good |= dict.fromkeys(("limit_fen", "amount_fen", "balance_fen"), "800000") | {"five_class": "正常"}
    bad = good | {"receipt_no": "JJ2026002", "guarantee": "?"}
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for n, row in enumerate([HEADINGS, good, bad]):
            for place, code in enumerate(HEADINGS):
                sheet.write(n, place, row.get(code, ""))
    file = io.BytesIO(out.getvalue())
    file.name = "loans.xlsx"
    page = banker.post(reverse("institution-loans"), {"file": file}).content.decode()
    assert "新增 1 笔" in page and "第 2 行" in page and "guarantee" in page
    one = good | {"receipt_no": "JJ2026003", "guarantee": "A"}
    assert "新增 1 笔" in banker.post(reverse("institution-loans"), one).content.decode()
    noise = io.BytesIO(b"\x00\x01")
    noise.name = "loans.xlsx"
    assert banker.post(reverse("institution-loans"), {"file": noise}).status_code == 422
    assert {x.report.receipt_no: x.report.rate_bp for x in list_loans(institution="bank-a")} == {
        "JJ20260001": 420, "JJ2026003": 420,
    }  # fmt: skip
    assert "kind,about" in banker.get(reverse("institution-gaps-file")).content.decode("utf-8-sig")


def test_the_program_does_what_the_pages_do(market: Town) -> None:
    """Listed, offered, refused, fed back, reconciled; the same key answers the same; another bank's is not found."""
    bank, application = market.api("bank-a"), chosen(market)
    authorised(market, application)
    listed = bank.get("/api/v1/financing/applications").json()
    assert [(a["id"], a["state"]) for a in listed["applications"]] == [(application, "authorised")]
    one = bank.get(f"/api/v1/financing/applications/{application}").json()
    assert one["turn"]["holder"] == "institution" and [s["event"] for s in one["steps"]] == ["opt_in", "authorise"]
    assert market.api("bank-b").get(f"/api/v1/financing/applications/{application}").status_code == 404
    terms = {"amount_fen": 80_000_000, "months": 12, "rate_bp": 420, "guarantee": "D",
             "until": (timezone.localdate() + timedelta(days=5)).isoformat()}  # fmt: skip
    wrong = post(bank, f"/applications/{application}/offer", terms | {"rate_bp": 900}, key="a")
    assert wrong.status_code == 422 and wrong.json()["problems"][0]["field"] == "rate"
    made = post(bank, f"/applications/{application}/offer", terms, key="b")
    assert made.status_code == 200 and made.json()["offer"]["rate_bp"] == 420
    assert post(bank, f"/applications/{application}/offer", terms, key="b").headers["Idempotent-Replay"] == "true"
    assert post(bank, f"/applications/{application}/offer", terms, key="c").status_code == 409
    no = post(bank, f"/applications/{application}/decline", {"reasons": ["R99"]}, key="d")
    assert no.status_code == 422 and no.json()["code"] == "lending.wrong_reasons"
    codes = [r["code"] for r in bank.get("/api/v1/financing/decline-reasons").json()]
    said = post(bank, f"/applications/{application}/decline", {"reasons": codes[:2]}, key="e")
    assert said.json()["state"] == "declined"
    day = (timezone.localdate() - timedelta(days=3)).isoformat()
    row = drawn(enterprise=FIRM, drawn_on=day, approved_on=day)
    fed = post(bank, "/loans", {"loans": [row, row | {"receipt_no": ""}]}, key="f").json()
    assert (fed["new"], [(p["row"], p["field"]) for p in fed["problems"]]) == (1, [(2, "receipt_no")])
    assert bank.get("/api/v1/financing/loans/reconciliation").json() == []
    assert bank.get("/api/v1/financing/products").json()[0]["name"] == "流水贷"
    assert market.api("hub").get("/api/v1/financing/applications").status_code == 403


def test_the_node_checks_declarations_and_sees_what_is_late(market: Town) -> None:
    """Four eyes are the working group's; the page asks what data cannot tell and wants grounds."""
    owner, operator = market.client("owner"), market.client("operator")
    owner.post(reverse("enterprise-financing"), NEED)
    owner.post(reverse("enterprise-recommendation"), {"institutions": ["bank-a"]})
    [made] = list_declarations(enterprise=FIRM)
    assert FIRM in operator.get(reverse("node-financing")).content.decode()
    where = reverse("node-declaration", args=[made.id])
    assert operator.post(where, {}).status_code == 422
    open_ones = [code for code, verdict in made.tests.items() if verdict == "to_confirm"]
    said = {f"test-{code}": "yes" for code in open_ones} | {f"note-{code}": "走访" for code in open_ones}
    assert operator.post(where, said).status_code == 302
    assert FIRM in market.client("banker").get(reverse("institution-applications")).content.decode()
    assert FIRM not in market.client("rival").get(reverse("institution-applications")).content.decode()
    assert OTHER not in operator.get(reverse("node-financing")).content.decode()


def test_nothing_evaluated_is_said_and_not_shown_as_nobody(town: Town) -> None:
    """The products page still opens; demand says why there is none."""
    publish_product(offered(name="流水贷"), institution="bank-a", actor="t", now=timezone.now())
    town.client("owner").post(reverse("enterprise-financing"), NEED)
    page = town.client("banker").get(reverse("institution-products"))
    assert page.status_code == 200 and "还没有按现行清单的评价结果" in page.content.decode()
