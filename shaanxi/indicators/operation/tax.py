"""Sales and tax as declared month by month."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import change_percent
from xinqiao.indicators import AsOf, Row, indicator

ITEM = "tax.payment"


@indicator(
    code="operation.sales_12m_fen",
    name="近12个月申报销售额",
    name_en="sales declared in the last 12 months",
    item=ITEM,
    unit="fen",
    better="higher",
    basis="国办发〔2021〕52号清单纳税类；也是划型的营业收入（工作草案）",
    since="2026-01-01",
    months=12,
)
def sales_12m_fen(row: Row, as_of: AsOf) -> Column:
    """Sum of declared sales; null when no month of the year was delivered."""
    return F.sum(F.when(as_of.within(row.month, months=12), row.sales_fen))


sales_12m_fen.example(
    rows=[{"month": "2025-01-01", "sales_fen": 300}, {"month": "2024-12-01", "sales_fen": 5_000}],
    as_of="2025-12-31",
    expect=300,
)
sales_12m_fen.example(rows=[{"month": "2023-01-01", "sales_fen": 300}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.sales_change_percent",
    name="销售额同比变化",
    name_en="change of sales against the year before",
    item=ITEM,
    unit="percent",
    better="higher",
    basis="经营趋势：近12个月月均销售额与前12个月相比（工作草案）",
    since="2026-01-01",
    months=24,
)
def sales_change_percent(row: Row, as_of: AsOf) -> Column:
    """Mean monthly sales of the last 12 months against the 12 before, so that season and gaps do not count."""
    recent = as_of.within(row.month, months=12)
    return change_percent(row.sales_fen, recent=recent, before=as_of.within(row.month, months=24) & ~recent)


sales_change_percent.example(
    rows=[
        {"month": "2024-03-01", "sales_fen": 200},
        {"month": "2025-03-01", "sales_fen": 150},
        {"month": "2025-04-01", "sales_fen": 170},
    ],
    as_of="2025-12-31",
    expect=Decimal(-20),
)
sales_change_percent.example(rows=[{"month": "2025-03-01", "sales_fen": 200}], as_of="2025-12-31", expect=None)
sales_change_percent.example(
    rows=[{"month": "2024-03-01", "sales_fen": 0}, {"month": "2025-03-01", "sales_fen": 200}],
    as_of="2025-12-31",
    expect=None,
)


@indicator(
    code="operation.active_months_12m",
    name="近12个月有销售的月数",
    name_en="months with sales in the last 12",
    item=ITEM,
    unit="count",
    better="higher",
    basis="持续经营是小微企业融资协调机制的准入条件之一（金发〔2024〕32号；工作草案）",
    since="2026-01-01",
    months=12,
)
def active_months_12m(row: Row, as_of: AsOf) -> Column:
    """Months of the last 12 with sales above zero."""
    return F.count(F.when(as_of.within(row.month, months=12) & (row.sales_fen > 0), 1))


active_months_12m.example(
    rows=[
        {"month": "2025-01-01", "sales_fen": 300},
        {"month": "2025-02-01", "sales_fen": 0},
        {"month": "2025-03-01", "sales_fen": 1},
    ],
    as_of="2025-12-31",
    expect=2,
)
active_months_12m.example(rows=[{"month": "2023-01-01", "sales_fen": 300}], as_of="2025-12-31", expect=0)


@indicator(
    code="operation.tax_paid_12m_fen",
    name="近12个月实缴税额",
    name_en="tax paid in the last 12 months",
    item=ITEM,
    unit="fen",
    better="higher",
    basis="国办发〔2021〕52号清单纳税类（工作草案）",
    since="2026-01-01",
    months=12,
)
def tax_paid_12m_fen(row: Row, as_of: AsOf) -> Column:
    """Sum of tax paid."""
    return F.sum(F.when(as_of.within(row.month, months=12), row.paid_fen))


tax_paid_12m_fen.example(
    rows=[{"month": "2025-11-01", "paid_fen": 40}, {"month": "2025-12-01", "paid_fen": 2}],
    as_of="2025-12-31",
    expect=42,
)
tax_paid_12m_fen.example(rows=[{"month": "2024-11-01", "paid_fen": 40}], as_of="2025-12-31", expect=None)
