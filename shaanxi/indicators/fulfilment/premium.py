"""Whether social insurance premiums are paid."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import percent
from xinqiao.indicators import AsOf, Row, indicator

ITEM = "social.insurance"


@indicator(
    code="fulfilment.premium_paid_percent",
    name="近12个月社保费缴纳率",
    name_en="share of premiums due that was paid in the last 12 months",
    item=ITEM,
    unit="percent",
    better="higher",
    basis="《社会保险法》第六十条：按时足额缴纳（工作草案）",
    since="2026-01-01",
    months=12,
)
def premium_paid_percent(row: Row, as_of: AsOf) -> Column:
    """Premiums paid in per cent of premiums due; null when nothing was due."""
    recent = as_of.within(row.month, months=12)
    return percent(F.sum(F.when(recent, row.paid_fen)), F.sum(F.when(recent, row.due_fen)))


premium_paid_percent.example(
    rows=[{"month": "2025-10-01", "due_fen": 800, "paid_fen": 100}], as_of="2025-12-31", expect=Decimal("12.5")
)
premium_paid_percent.example(
    rows=[{"month": "2023-10-01", "due_fen": 800, "paid_fen": 100}], as_of="2025-12-31", expect=None
)


@indicator(
    code="fulfilment.premium_unpaid_months",
    name="近12个月社保欠缴月数",
    name_en="months with premiums unpaid in the last 12",
    item=ITEM,
    unit="count",
    better="lower",
    basis="《社会保险法》第六十三条（工作草案）",
    since="2026-01-01",
    months=12,
)
def premium_unpaid_months(row: Row, as_of: AsOf) -> Column:
    """Months in which less was paid than was due."""
    return F.count(F.when(as_of.within(row.month, months=12) & (row.paid_fen < row.due_fen), 1))


premium_unpaid_months.example(
    rows=[
        {"month": "2025-09-01", "due_fen": 800, "paid_fen": 800},
        {"month": "2025-10-01", "due_fen": 800, "paid_fen": 0},
        {"month": "2024-10-01", "due_fen": 800, "paid_fen": 0},
    ],
    as_of="2025-12-31",
    expect=1,
)
premium_unpaid_months.example(rows=[{"month": "2025-09-01", "due_fen": 0, "paid_fen": 0}], as_of="2025-12-31", expect=0)
