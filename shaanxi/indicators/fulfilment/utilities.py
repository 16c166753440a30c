"""Whether water, gas, electricity and medical insurance are paid."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import percent
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="fulfilment.water_paid_percent",
    name="近12个月水费缴纳率",
    name_en="share of water bills paid in the last 12 months",
    item="utility.water",
    unit="percent",
    better="higher",
    basis="国办发〔2021〕52号清单水电气类：按期缴费（工作草案）",
    since="2026-11-01",
    months=12,
)
def water_paid_percent(row: Row, as_of: AsOf) -> Column:
    """Paid in per cent of what was due."""
    recent = as_of.within(row.month, months=12)
    return percent(F.sum(F.when(recent, row.paid_fen)), F.sum(F.when(recent, row.due_fen)))


water_paid_percent.example(
    rows=[{"month": "2025-10-01", "due_fen": 200, "paid_fen": 150}], as_of="2025-12-31", expect=Decimal(75)
)
water_paid_percent.example(
    rows=[{"month": "2023-10-01", "due_fen": 200, "paid_fen": 150}], as_of="2025-12-31", expect=None
)


@indicator(
    code="fulfilment.gas_paid_percent",
    name="近12个月气费缴纳率",
    name_en="share of gas bills paid in the last 12 months",
    item="utility.gas",
    unit="percent",
    better="higher",
    basis="国办发〔2021〕52号清单水电气类：按期缴费（工作草案）",
    since="2026-11-01",
    months=12,
)
def gas_paid_percent(row: Row, as_of: AsOf) -> Column:
    """Paid in per cent of what was due."""
    recent = as_of.within(row.month, months=12)
    return percent(F.sum(F.when(recent, row.paid_fen)), F.sum(F.when(recent, row.due_fen)))


gas_paid_percent.example(
    rows=[{"month": "2025-10-01", "due_fen": 200, "paid_fen": 150}], as_of="2025-12-31", expect=Decimal(75)
)
gas_paid_percent.example(
    rows=[{"month": "2023-10-01", "due_fen": 200, "paid_fen": 150}], as_of="2025-12-31", expect=None
)


@indicator(
    code="fulfilment.medical_paid_percent",
    name="近12个月医保费缴纳率",
    name_en="share of medical premiums paid in the last 12 months",
    item="social.medical",
    unit="percent",
    better="higher",
    basis="国办发〔2021〕52号清单水电气类：按期缴费（工作草案）",
    since="2026-11-01",
    months=12,
)
def medical_paid_percent(row: Row, as_of: AsOf) -> Column:
    """Paid in per cent of what was due."""
    recent = as_of.within(row.month, months=12)
    return percent(F.sum(F.when(recent, row.paid_fen)), F.sum(F.when(recent, row.due_fen)))


medical_paid_percent.example(
    rows=[{"month": "2025-10-01", "due_fen": 200, "paid_fen": 150}], as_of="2025-12-31", expect=Decimal(75)
)
medical_paid_percent.example(
    rows=[{"month": "2023-10-01", "due_fen": 200, "paid_fen": 150}], as_of="2025-12-31", expect=None
)


@indicator(
    code="fulfilment.electricity_unpaid_months",
    name="近12个月电费欠缴月数",
    name_en="months with electricity unpaid in the last 12",
    item="utility.electricity",
    unit="count",
    better="lower",
    basis="国办发〔2021〕52号清单水电气类：按期缴费（工作草案）",
    since="2026-11-01",
    months=12,
)
def electricity_unpaid_months(row: Row, as_of: AsOf) -> Column:
    """Months in which less was paid than was due."""
    return F.count(F.when(as_of.within(row.month, months=12) & (row.paid_fen < row.due_fen), 1))


electricity_unpaid_months.example(
    rows=[{"month": "2025-10-01", "due_fen": 5, "paid_fen": 4}, {"month": "2025-11-01", "due_fen": 5, "paid_fen": 5}],
    as_of="2025-12-31",
    expect=1,
)
electricity_unpaid_months.example(
    rows=[{"month": "2025-11-01", "due_fen": 5, "paid_fen": 5}], as_of="2025-12-31", expect=0
)


@indicator(
    code="fulfilment.tax_unpaid_months",
    name="近12个月税款欠缴月数",
    name_en="months with tax unpaid in the last 12",
    item="tax.payment",
    unit="count",
    better="lower",
    basis="《税收征收管理法》第三十一条（工作草案）",
    since="2026-11-01",
    months=12,
)
def tax_unpaid_months(row: Row, as_of: AsOf) -> Column:
    """Months in which less was paid than was due."""
    return F.count(F.when(as_of.within(row.month, months=12) & (row.paid_fen < row.due_fen), 1))


tax_unpaid_months.example(
    rows=[{"month": "2025-10-01", "due_fen": 5, "paid_fen": 4}, {"month": "2025-11-01", "due_fen": 5, "paid_fen": 5}],
    as_of="2025-12-31",
    expect=1,
)
tax_unpaid_months.example(rows=[{"month": "2025-11-01", "due_fen": 5, "paid_fen": 5}], as_of="2025-12-31", expect=0)
