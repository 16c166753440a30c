"""The page of effect over HTTP: numbers, their files, official figures, the paper, what anybody may read."""

from __future__ import annotations

import csv
import io

from django.urls import reverse
from django.utils import timezone

from tests.web.conftest import FIRM, Town, visitor
from xinqiao.effectiveness.types import Table


def test_each_number_opens_its_rows(town: Town) -> None:
    """The page names formula and file of every number; each file comes, and names nobody."""
    operator = town.client("operator")
    page = operator.get(reverse("node-effectiveness")).content.decode()
    for text in ("三个全覆盖", "归集率", "官方口径由人录入", "已到期：结果与目标", "漏斗", "企业行数"):
        assert text in page
    for table in Table:
        answer = operator.get(reverse("node-effectiveness-rows", args=[table]))
        assert answer.status_code == 200 and FIRM not in answer.content.decode()
    rows = list(csv.DictReader(io.StringIO(operator.get(
        reverse("node-effectiveness-rows", args=["counties"])).content.decode("utf-8-sig"))))  # fmt: skip
    assert len(rows) == 107 and sum(int(r["registered"]) for r in rows) == 2
    assert operator.get(reverse("node-effectiveness-rows", args=["secrets"])).status_code == 404
    for by, title in (("county", "新城区"), ("unit", "西安市"), ("first_loan", "尚未放款"), ("moon", "20")):
        assert title in operator.get(reverse("node-effectiveness"), {"by": by}).content.decode(), by


def test_an_official_figure_is_entered_with_its_source(town: Town) -> None:
    """Faults stand by the form; a good one appears with who entered it."""
    operator, where = town.client("operator"), reverse("node-official")
    wrong = operator.post(where, {"series": "credit_loan_balance", "on": "?", "value": "viel", "source": ""})
    assert wrong.status_code == 422 and wrong.content.decode().count("<li>") >= 3
    good = {"series": "credit_loan_balance", "on": "2025-12-31", "value": "12,100", "source": "监管统计 2025-12"}
    assert operator.post(where, good).status_code == 302
    assert "监管统计 2025-12" in operator.get(where).content.decode()
    assert "100.83%" in operator.get(reverse("node-effectiveness")).content.decode()


def test_a_month_is_closed_once_and_the_report_is_a_pdf(town: Town) -> None:
    """The current month is not over; an earlier one is closed, once."""
    operator, close = town.client("operator"), reverse("node-effectiveness-close")
    assert operator.post(close, {"month": f"{timezone.localdate():%Y-%m}"}).status_code == 403
    assert operator.post(close, {"month": "2026-01"}).status_code == 302
    assert operator.post(close, {"month": "2026-01"}).status_code == 409
    paper = operator.get(reverse("node-effectiveness-paper"))
    assert paper["Content-Type"] == "application/pdf" and paper.content.startswith(b"%PDF")


def test_an_auditor_reads_and_enters_nothing(town: Town) -> None:
    """Reading is open to the auditor, writing is not."""
    auditor = town.client("auditor")
    assert auditor.get(reverse("node-effectiveness")).status_code == 200
    assert auditor.post(reverse("node-official"), {}).status_code == 404
    assert town.client("banker").get(reverse("node-effectiveness")).status_code == 404


def test_anybody_reads_open_statistics(town: Town) -> None:
    """Coverage, and counts up to the end of last month: of firms that came this month nothing yet."""
    page = visitor().get(reverse("statistics")).content.decode()
    assert "归集率" in page and "少于 5 的格子不公布" in page
    rows = list(csv.DictReader(io.StringIO(visitor().get(reverse("statistics-file")).content.decode("utf-8-sig"))))
    assert rows == []
