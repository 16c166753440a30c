"""Trends: slopes over months."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column

from shaanxi.indicators.arithmetic import slope_percent
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="operation.sales_slope_percent",
    name="近24个月销售额走势",
    name_en="monthly slope of sales over 24 months",
    item="tax.payment",
    unit="percent",
    better="higher",
    basis="经营趋势：以最小二乘斜率看逐月走势，精确计算（工作草案）",
    since="2026-11-01",
    months=24,
)
def sales_slope_percent(row: Row, as_of: AsOf) -> Column:
    """Monthly slope of sales over 24 months."""
    return slope_percent(row.sales_fen, row.month, as_of, months=24, once=row.once_by("month"))


sales_slope_percent.example(
    rows=[
        {"month": "2025-09-01", "sales_fen": 100},
        {"month": "2025-10-01", "sales_fen": 200},
        {"month": "2025-11-01", "sales_fen": 300},
    ],
    as_of="2025-12-31",
    expect=Decimal(50),
)
sales_slope_percent.example(
    rows=[
        {"month": "2025-09-01", "sales_fen": 300},
        {"month": "2025-10-01", "sales_fen": 300},
        {"month": "2025-11-01", "sales_fen": 300},
    ],
    as_of="2025-12-31",
    expect=Decimal(0),
)
sales_slope_percent.example(
    rows=[{"month": "2025-09-01", "sales_fen": 100}, {"month": "2025-10-01", "sales_fen": 200}],
    as_of="2025-12-31",
    expect=None,
)


@indicator(
    code="operation.insured_slope_percent",
    name="近12个月参保人数走势",
    name_en="monthly slope of insured persons over 12 months",
    item="social.insurance",
    unit="percent",
    better="higher",
    basis="经营趋势：以最小二乘斜率看逐月走势，精确计算（工作草案）",
    since="2026-11-01",
    months=12,
)
def insured_slope_percent(row: Row, as_of: AsOf) -> Column:
    """Monthly slope of insured persons over 12 months."""
    return slope_percent(row.insured_persons, row.month, as_of, months=12, once=row.once_by("month"))


insured_slope_percent.example(
    rows=[
        {"month": "2025-09-01", "insured_persons": 100},
        {"month": "2025-10-01", "insured_persons": 200},
        {"month": "2025-11-01", "insured_persons": 300},
    ],
    as_of="2025-12-31",
    expect=Decimal(50),
)
insured_slope_percent.example(
    rows=[
        {"month": "2025-09-01", "insured_persons": 300},
        {"month": "2025-10-01", "insured_persons": 300},
        {"month": "2025-11-01", "insured_persons": 300},
    ],
    as_of="2025-12-31",
    expect=Decimal(0),
)
insured_slope_percent.example(
    rows=[{"month": "2025-09-01", "insured_persons": 100}, {"month": "2025-10-01", "insured_persons": 200}],
    as_of="2025-12-31",
    expect=None,
)


@indicator(
    code="operation.kwh_slope_percent",
    name="近12个月用电量走势",
    name_en="monthly slope of electricity over 12 months",
    item="utility.electricity",
    unit="percent",
    better="higher",
    basis="经营趋势：以最小二乘斜率看逐月走势，精确计算（工作草案）",
    since="2026-11-01",
    months=12,
)
def kwh_slope_percent(row: Row, as_of: AsOf) -> Column:
    """Monthly slope of electricity over 12 months."""
    return slope_percent(row.used_kwh, row.month, as_of, months=12, once=row.once_by("month"))


kwh_slope_percent.example(
    rows=[
        {"month": "2025-09-01", "used_kwh": 100},
        {"month": "2025-10-01", "used_kwh": 200},
        {"month": "2025-11-01", "used_kwh": 300},
    ],
    as_of="2025-12-31",
    expect=Decimal(50),
)
kwh_slope_percent.example(
    rows=[
        {"month": "2025-09-01", "used_kwh": 300},
        {"month": "2025-10-01", "used_kwh": 300},
        {"month": "2025-11-01", "used_kwh": 300},
    ],
    as_of="2025-12-31",
    expect=Decimal(0),
)
kwh_slope_percent.example(
    rows=[{"month": "2025-09-01", "used_kwh": 100}, {"month": "2025-10-01", "used_kwh": 200}],
    as_of="2025-12-31",
    expect=None,
)


@indicator(
    code="operation.invoice_slope_percent",
    name="近12个月开票额走势",
    name_en="monthly slope of invoices over 12 months",
    item="tax.invoices",
    unit="percent",
    better="higher",
    basis="经营趋势：以最小二乘斜率看逐月走势，精确计算（工作草案）",
    since="2026-11-01",
    months=12,
)
def invoice_slope_percent(row: Row, as_of: AsOf) -> Column:
    """Monthly slope of invoices over 12 months."""
    return slope_percent(row.invoiced_fen, row.month, as_of, months=12, once=row.once_by("month"))


invoice_slope_percent.example(
    rows=[
        {"month": "2025-09-01", "invoiced_fen": 100},
        {"month": "2025-10-01", "invoiced_fen": 200},
        {"month": "2025-11-01", "invoiced_fen": 300},
    ],
    as_of="2025-12-31",
    expect=Decimal(50),
)
invoice_slope_percent.example(
    rows=[
        {"month": "2025-09-01", "invoiced_fen": 300},
        {"month": "2025-10-01", "invoiced_fen": 300},
        {"month": "2025-11-01", "invoiced_fen": 300},
    ],
    as_of="2025-12-31",
    expect=Decimal(0),
)
invoice_slope_percent.example(
    rows=[{"month": "2025-09-01", "invoiced_fen": 100}, {"month": "2025-10-01", "invoiced_fen": 200}],
    as_of="2025-12-31",
    expect=None,
)
