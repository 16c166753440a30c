"""Whether business runs month after month."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import percent, streak
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="operation.worst_month_percent",
    name="近12个月最低月销售额占月均的比例",
    name_en="weakest month of the last 12 in per cent of the mean",
    item="tax.payment",
    unit="percent",
    better="higher",
    basis="持续经营是小微企业融资协调机制的准入条件之一（金发〔2024〕32号）（工作草案）",
    since="2026-11-01",
    months=12,
)
def worst_month_percent(row: Row, as_of: AsOf) -> Column:
    """The lowest monthly sales in per cent of the mean month; a season lowers it, a stop brings it to zero."""
    recent = as_of.within(row.month, months=12)
    return percent(
        F.min(F.when(recent, row.sales_fen)) * F.count(F.when(recent, row.sales_fen)),
        F.sum(F.when(recent, row.sales_fen)),
    )


worst_month_percent.example(
    rows=[{"month": "2025-10-01", "sales_fen": 100}, {"month": "2025-11-01", "sales_fen": 300}],
    as_of="2025-12-31",
    expect=Decimal(50),
)
worst_month_percent.example(rows=[{"month": "2023-10-01", "sales_fen": 100}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.sales_streak",
    name="连续有销售的月数",
    name_en="months in a row with sales",
    item="tax.payment",
    unit="months",
    better="higher",
    basis="持续经营是小微企业融资协调机制的准入条件之一（金发〔2024〕32号）（工作草案）",
    since="2026-11-01",
    months=24,
)
def sales_streak(row: Row, as_of: AsOf) -> Column:
    """Months in a row up to the newest with sales above zero, of the last 24."""
    return streak(as_of.months_before(row.month), good=row.sales_fen > 0, within=as_of.within(row.month, months=24))


sales_streak.example(
    rows=[
        {"month": "2025-09-01", "sales_fen": 5},
        {"month": "2025-10-01", "sales_fen": 0},
        {"month": "2025-11-01", "sales_fen": 5},
        {"month": "2025-12-01", "sales_fen": 5},
    ],
    as_of="2025-12-31",
    expect=2,
)
sales_streak.example(
    rows=[{"month": "2025-09-01", "sales_fen": 5}, {"month": "2025-11-01", "sales_fen": 5}],
    as_of="2025-12-31",
    expect=1,
)
sales_streak.example(rows=[{"month": "2025-11-01", "sales_fen": 0}], as_of="2025-12-31", expect=0)
sales_streak.example(rows=[{"month": "2021-11-01", "sales_fen": 5}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.idle_months_12m",
    name="近12个月停用电月数",
    name_en="months without electricity in the last 12",
    item="utility.electricity",
    unit="count",
    better="lower",
    basis="持续经营是小微企业融资协调机制的准入条件之一（金发〔2024〕32号）（工作草案）",
    since="2026-11-01",
    months=12,
)
def idle_months_12m(row: Row, as_of: AsOf) -> Column:
    """Billing months with no electricity used."""
    return F.count(F.when(as_of.within(row.month, months=12) & (row.used_kwh == 0), 1))


idle_months_12m.example(
    rows=[{"month": "2025-10-01", "used_kwh": 0}, {"month": "2025-11-01", "used_kwh": 9}], as_of="2025-12-31", expect=1
)
idle_months_12m.example(rows=[{"month": "2024-10-01", "used_kwh": 0}], as_of="2025-12-31", expect=0)
