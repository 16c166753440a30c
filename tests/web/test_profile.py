"""The profile on three pages: the firm's own in full, a bank's by its authorisation, otherwise what is public."""

from __future__ import annotations

from django.utils import timezone

from tests.factories import deliver, registration, uscc
from tests.web.conftest import FIRM, Town
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evaluation.queries import get_scorecard, peer_medians
from xinqiao.records.types import AsOf

LOAN = {"amount_fen": "1000", "drawn_on": "2026-01-05", "due_on": "2027-01-05"}


def filled(town: Town) -> None:
    """A loan that is not public, a penalty that is, a branch by its code."""
    row = {"uscc": FIRM, "receipt_no": "R1000001", "institution": "Second Bank", **LOAN}
    assert deliver("financing.loan", [row], now=town.now).accepted == 1
    penalty = {"document_no": "P-7", "kind": "罚款", "severity": "一般", "decided_on": "2025-12-02", "fine_fen": "5000"}
    deliver("penalty.decision", [{"uscc": FIRM, **penalty}], now=town.now)
    branch = {"branch_uscc": uscc(77), "branch_name": "Branch", "branch_status": "存续", "opened_on": "2021-03-04"}
    assert deliver("registration.branches", [{"uscc": FIRM, **branch}], now=town.now).accepted == 1


def test_the_firm_sees_all_of_its_own(town: Town) -> None:
    filled(town)
    page = town.client("owner").get("/enterprise/report/").content.decode()
    assert "<svg" in page and "各维度：已知指标得分的百分比与同行中位数" in page
    assert "同行业同规模的企业太少" in page, "three firms are no peers"
    assert "将到" in page and "借据" in page, "its loan and the day it falls due"
    assert uscc(77) in page.split("由代码证实的关系")[1]


def test_a_stranger_bank_sees_what_is_public_and_no_more(town: Town) -> None:
    filled(town)
    page = town.client("banker").get(f"/institution/enterprises/{FIRM}/").content.decode()
    story = page.split("大事记")[1]
    assert "<svg" not in page and "处罚与名单" in story and uscc(77) in story
    assert "融资与担保" not in story, "the loan is not public"


def test_an_authorised_bank_sees_dimensions_and_no_non_public_date(town: Town) -> None:
    filled(town)
    given = town.grant(town.ask())
    page = town.client("banker").post(f"/institution/enterprises/{FIRM}/report/", {"authorisation": given.id})
    text = page.content.decode()
    assert "<svg" in text and "处罚与名单" in text.split("大事记")[1]
    assert "融资与担保" not in text.split("大事记")[1], "a report holds no raw detail of what is not public"


def test_medians_are_of_one_group_and_of_five_firms_at_least(town: Town) -> None:
    now = timezone.now()
    card = get_scorecard(on=timezone.localdate())
    assert peer_medians(FIRM, card) == (0, {}), "no run yet"
    deliver("registration.basic", [registration(n, name=f"Example {n}") for n in range(20, 28)], now=now)
    run_evaluation(AsOf(timezone.localdate(), now), actor="t", now=timezone.now(), progress=lambda _: None)
    peers, medians = peer_medians(uscc(20), card)
    assert peers >= 8 and set(medians) <= {d.code for d in card.dimensions} and "identity" in medians
    assert all(0 <= median <= 100 for median in medians.values())
    assert peer_medians(uscc(999), card) == (0, {})
