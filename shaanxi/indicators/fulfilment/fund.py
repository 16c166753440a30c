"""Whether the housing provident fund is paid."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="fulfilment.fund_unpaid_months",
    name="近12个月公积金欠缴月数",
    name_en="months with provident fund unpaid in the last 12",
    item="housing.fund",
    unit="count",
    better="lower",
    basis="《住房公积金管理条例》第二十条（工作草案）",
    since="2026-01-01",
    months=12,
)
def fund_unpaid_months(row: Row, as_of: AsOf) -> Column:
    """Months in which less was deposited than was due."""
    return F.count(F.when(as_of.within(row.month, months=12) & (row.paid_fen < row.due_fen), 1))


fund_unpaid_months.example(
    rows=[
        {"month": "2025-09-01", "due_fen": 500, "paid_fen": 499},
        {"month": "2025-10-01", "due_fen": 500, "paid_fen": 500},
    ],
    as_of="2025-12-31",
    expect=1,
)
fund_unpaid_months.example(
    rows=[{"month": "2025-10-01", "due_fen": 500, "paid_fen": 500}], as_of="2025-12-31", expect=0
)
