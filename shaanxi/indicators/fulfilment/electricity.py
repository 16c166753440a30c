"""Whether electricity bills are paid."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import percent
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="fulfilment.electricity_paid_percent",
    name="近12个月电费缴纳率",
    name_en="share of electricity bills paid in the last 12 months",
    item="utility.electricity",
    unit="percent",
    better="higher",
    basis="国办发〔2021〕52号清单水电气类；《电力供应与使用条例》第二十七条（工作草案）",
    since="2026-01-01",
    months=12,
)
def electricity_paid_percent(row: Row, as_of: AsOf) -> Column:
    """Amount paid in per cent of the amount due over all accounts."""
    recent = as_of.within(row.month, months=12)
    return percent(F.sum(F.when(recent, row.paid_fen)), F.sum(F.when(recent, row.due_fen)))


electricity_paid_percent.example(
    rows=[
        {"month": "2025-10-01", "due_fen": 200, "paid_fen": 200},
        {"month": "2025-11-01", "due_fen": 200, "paid_fen": 100},
    ],
    as_of="2025-12-31",
    expect=Decimal(75),
)
electricity_paid_percent.example(
    rows=[{"month": "2025-11-01", "due_fen": 0, "paid_fen": 0}], as_of="2025-12-31", expect=None
)
