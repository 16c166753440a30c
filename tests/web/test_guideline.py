"""The published guideline: a page, a file for platforms, a text; coverage and freshness of each indicator."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import DAY, NOW, deliver, registered, uscc
from xinqiao.evaluation.actions import run_evaluation
from xinqiao.evaluation.queries import get_scorecard, indicator_coverage
from xinqiao.records.types import AsOf

TODAY = date(2026, 11, 20)


@pytest.mark.django_db
def test_the_guideline_is_received_as_it_is_shown() -> None:
    document = Client().get(reverse("guideline-json")).json()
    page = Client().get(reverse("guideline")).content.decode()
    text = Client().get(reverse("guideline-md"))
    assert text["Content-Type"].startswith("text/markdown")
    for shown in (page, text.content.decode()):
        assert document["scorecard_sha256"] in shown
        assert all(i["code"] in shown for d in document["dimensions"] for i in d["indicators"])
        assert "标定结果" in shown
    assert document["calibration"]["scorecard"]["sha256"] == document["scorecard_sha256"]


def test_coverage_and_freshness_are_those_of_the_newest_run(fresh_node: Path) -> None:
    card = get_scorecard(on=TODAY)
    assert not indicator_coverage(card)
    registered(1, 2, 3)
    months = [{"uscc": uscc(1), "month": m, "sales_fen": "100"} for m in ("2026-09", "2026-10")]
    deliver("tax.payment", months, now=NOW)
    run_evaluation(AsOf(TODAY, NOW + DAY), actor="t", now=NOW + DAY, progress=lambda _: None)
    found = indicator_coverage(card)
    sales, patents = found["operation.sales_12m_fen"], found["innovation.patents_valid"]
    assert (sales.known, sales.firms, sales.percent, sales.newest_on) == (1, 3, 33, date(2026, 10, 1))
    assert (patents.known, patents.newest_on) == (0, None)
    assert "33%" in Client().get(reverse("guideline")).content.decode()
