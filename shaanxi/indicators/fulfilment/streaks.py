"""Months in a row in which everything due was paid."""

from __future__ import annotations

from pyspark.sql import Column

from shaanxi.indicators.arithmetic import streak
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="fulfilment.tax_paid_streak",
    name="连续足额缴税月数",
    name_en="months in a row with tax paid in full",
    item="tax.payment",
    unit="months",
    better="higher",
    basis="连续足额缴纳比累计缴纳率更早反映变化（工作草案）",
    since="2026-11-01",
    months=24,
)
def tax_paid_streak(row: Row, as_of: AsOf) -> Column:
    """Months in a row with tax paid in full, of the last 24."""
    return streak(
        as_of.months_before(row.month), good=row.paid_fen >= row.due_fen, within=as_of.within(row.month, months=24)
    )


tax_paid_streak.example(
    rows=[
        {"month": "2025-09-01", "due_fen": 5, "paid_fen": 0},
        {"month": "2025-10-01", "due_fen": 5, "paid_fen": 5},
        {"month": "2025-11-01", "due_fen": 5, "paid_fen": 5},
    ],
    as_of="2025-12-31",
    expect=2,
)
tax_paid_streak.example(
    rows=[{"month": "2025-10-01", "due_fen": 5, "paid_fen": 5}, {"month": "2025-11-01", "due_fen": 5, "paid_fen": 4}],
    as_of="2025-12-31",
    expect=0,
)
tax_paid_streak.example(rows=[{"month": "2020-11-01", "due_fen": 5, "paid_fen": 5}], as_of="2025-12-31", expect=None)


@indicator(
    code="fulfilment.premium_paid_streak",
    name="连续足额缴社保费月数",
    name_en="months in a row with premiums paid in full",
    item="social.insurance",
    unit="months",
    better="higher",
    basis="连续足额缴纳比累计缴纳率更早反映变化（工作草案）",
    since="2026-11-01",
    months=24,
)
def premium_paid_streak(row: Row, as_of: AsOf) -> Column:
    """Months in a row with premiums paid in full, of the last 24."""
    return streak(
        as_of.months_before(row.month), good=row.paid_fen >= row.due_fen, within=as_of.within(row.month, months=24)
    )


premium_paid_streak.example(
    rows=[
        {"month": "2025-09-01", "due_fen": 5, "paid_fen": 0},
        {"month": "2025-10-01", "due_fen": 5, "paid_fen": 5},
        {"month": "2025-11-01", "due_fen": 5, "paid_fen": 5},
    ],
    as_of="2025-12-31",
    expect=2,
)
premium_paid_streak.example(
    rows=[{"month": "2025-10-01", "due_fen": 5, "paid_fen": 5}, {"month": "2025-11-01", "due_fen": 5, "paid_fen": 4}],
    as_of="2025-12-31",
    expect=0,
)
premium_paid_streak.example(
    rows=[{"month": "2020-11-01", "due_fen": 5, "paid_fen": 5}], as_of="2025-12-31", expect=None
)


@indicator(
    code="fulfilment.fund_paid_streak",
    name="连续足额缴存公积金月数",
    name_en="months in a row with the fund paid in full",
    item="housing.fund",
    unit="months",
    better="higher",
    basis="连续足额缴纳比累计缴纳率更早反映变化（工作草案）",
    since="2026-11-01",
    months=24,
)
def fund_paid_streak(row: Row, as_of: AsOf) -> Column:
    """Months in a row with the fund paid in full, of the last 24."""
    return streak(
        as_of.months_before(row.month), good=row.paid_fen >= row.due_fen, within=as_of.within(row.month, months=24)
    )


fund_paid_streak.example(
    rows=[
        {"month": "2025-09-01", "due_fen": 5, "paid_fen": 0},
        {"month": "2025-10-01", "due_fen": 5, "paid_fen": 5},
        {"month": "2025-11-01", "due_fen": 5, "paid_fen": 5},
    ],
    as_of="2025-12-31",
    expect=2,
)
fund_paid_streak.example(
    rows=[{"month": "2025-10-01", "due_fen": 5, "paid_fen": 5}, {"month": "2025-11-01", "due_fen": 5, "paid_fen": 4}],
    as_of="2025-12-31",
    expect=0,
)
fund_paid_streak.example(rows=[{"month": "2020-11-01", "due_fen": 5, "paid_fen": 5}], as_of="2025-12-31", expect=None)


@indicator(
    code="fulfilment.electricity_paid_streak",
    name="连续足额缴电费月数",
    name_en="months in a row with electricity paid in full",
    item="utility.electricity",
    unit="months",
    better="higher",
    basis="连续足额缴纳比累计缴纳率更早反映变化（工作草案）",
    since="2026-11-01",
    months=24,
)
def electricity_paid_streak(row: Row, as_of: AsOf) -> Column:
    """Months in a row with electricity paid in full, of the last 24."""
    return streak(
        as_of.months_before(row.month), good=row.paid_fen >= row.due_fen, within=as_of.within(row.month, months=24)
    )


electricity_paid_streak.example(
    rows=[
        {"month": "2025-09-01", "due_fen": 5, "paid_fen": 0},
        {"month": "2025-10-01", "due_fen": 5, "paid_fen": 5},
        {"month": "2025-11-01", "due_fen": 5, "paid_fen": 5},
    ],
    as_of="2025-12-31",
    expect=2,
)
electricity_paid_streak.example(
    rows=[{"month": "2025-10-01", "due_fen": 5, "paid_fen": 5}, {"month": "2025-11-01", "due_fen": 5, "paid_fen": 4}],
    as_of="2025-12-31",
    expect=0,
)
electricity_paid_streak.example(
    rows=[{"month": "2020-11-01", "due_fen": 5, "paid_fen": 5}], as_of="2025-12-31", expect=None
)
