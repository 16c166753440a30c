"""Whether taxes are paid: the tax service's own grade, monthly payment, published arrears."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import percent
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="fulfilment.tax_grade",
    name="最近一次纳税缴费信用级别",
    name_en="latest tax payment credit grade",
    item="tax.credit_rating",
    unit="grade",
    better="higher",
    basis="《纳税缴费信用管理办法》（国家税务总局公告2025年第12号）",
    since="2026-01-01",
    months=24,
)
def tax_grade(row: Row, as_of: AsOf) -> Column:
    """A, B, M, C or D of the last two years; older grades say nothing any more."""
    return F.max_by(row.grade, F.when(as_of.within(row.rated_on, months=24), row.rated_on))


tax_grade.example(
    rows=[{"rated_on": "2024-04-15", "grade": "A"}, {"rated_on": "2025-04-15", "grade": "C"}],
    as_of="2025-12-31",
    expect="C",
)
tax_grade.example(rows=[{"rated_on": "2022-04-15", "grade": "A"}], as_of="2025-12-31", expect=None)


@indicator(
    code="fulfilment.tax_paid_percent",
    name="近12个月税款缴纳率",
    name_en="share of tax due that was paid in the last 12 months",
    item="tax.payment",
    unit="percent",
    better="higher",
    basis="《税收征收管理法》第三十一条：按期缴纳税款（工作草案）",
    since="2026-01-01",
    months=12,
)
def tax_paid_percent(row: Row, as_of: AsOf) -> Column:
    """Tax paid in per cent of tax due; null when nothing was due."""
    recent = as_of.within(row.month, months=12)
    return percent(F.sum(F.when(recent, row.paid_fen)), F.sum(F.when(recent, row.due_fen)))


tax_paid_percent.example(
    rows=[
        {"month": "2025-10-01", "due_fen": 300, "paid_fen": 300},
        {"month": "2025-11-01", "due_fen": 100, "paid_fen": 0},
    ],
    as_of="2025-12-31",
    expect=Decimal(75),
)
tax_paid_percent.example(rows=[{"month": "2025-10-01", "due_fen": 0, "paid_fen": 0}], as_of="2025-12-31", expect=None)


@indicator(
    code="fulfilment.tax_arrears_12m_fen",
    name="近12个月欠缴税额",
    name_en="tax left unpaid in the last 12 months",
    item="tax.payment",
    unit="fen",
    better="lower",
    basis="《税收征收管理法》第三十一条、第四十五条（工作草案）",
    since="2026-01-01",
    months=12,
)
def tax_arrears_12m_fen(row: Row, as_of: AsOf) -> Column:
    """Sum of the arrears of the last 12 months."""
    return F.sum(F.when(as_of.within(row.month, months=12), row.arrears_fen))


tax_arrears_12m_fen.example(
    rows=[{"month": "2025-10-01", "arrears_fen": 0}, {"month": "2025-11-01", "arrears_fen": 70}],
    as_of="2025-12-31",
    expect=70,
)
tax_arrears_12m_fen.example(rows=[{"month": "2025-10-01", "arrears_fen": 0}], as_of="2025-12-31", expect=0)


@indicator(
    code="fulfilment.tax_notices_24m",
    name="近24个月欠税公告次数",
    name_en="tax arrears notices in the last 24 months",
    item="tax.arrears_notice",
    unit="count",
    better="lower",
    basis="《欠税公告办法（试行）》",
    since="2026-01-01",
    months=24,
    none=0,
)
def tax_notices_24m(row: Row, as_of: AsOf) -> Column:
    """Notices announced in the last 24 months, whether cleared since or not."""
    return F.count(F.when(as_of.within(row.announced_on, months=24), 1))


tax_notices_24m.example(
    rows=[{"announced_on": "2025-01-10"}, {"announced_on": "2021-01-10"}], as_of="2025-12-31", expect=1
)
tax_notices_24m.example(rows=[{"announced_on": "2023-12-31"}], as_of="2025-12-31", expect=0)
