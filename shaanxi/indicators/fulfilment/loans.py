"""Loans as institutions feed them back: an outcome, shown but never scored."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import latest, percent, standing
from xinqiao.indicators import AsOf, Row, derived, indicator


@indicator(
    code="fulfilment.loan_balance_fen",
    name="贷款余额",
    name_en="loan balance",
    item="financing.repayment",
    unit="fen",
    better="neither",
    basis="金融机构反馈的融资结果；只作画像与应用成效，不计入评分，以免以结果证结果（工作草案）",
    since="2026-11-01",
    months=3,
)
def loan_balance_fen(row: Row, as_of: AsOf) -> Column:
    """Balance of the newest of the last 3 months."""
    return latest(row.balance_fen, row.month, within=as_of.within(row.month, months=3))


loan_balance_fen.example(
    rows=[{"month": "2025-11-01", "balance_fen": 7}, {"month": "2025-10-01", "balance_fen": 9}],
    as_of="2025-12-31",
    expect=7,
)
loan_balance_fen.example(rows=[{"month": "2025-03-01", "balance_fen": 7}], as_of="2025-12-31", expect=None)


@indicator(
    code="fulfilment.loan_overdue_months",
    name="近12个月贷款逾期月数",
    name_en="months with a loan overdue in the last 12",
    item="financing.repayment",
    unit="count",
    better="lower",
    basis="金融机构反馈的融资结果；只作画像与应用成效，不计入评分，以免以结果证结果（工作草案）",
    since="2026-11-01",
    months=12,
)
def loan_overdue_months(row: Row, as_of: AsOf) -> Column:
    """Months with anything overdue."""
    return F.count(F.when(as_of.within(row.month, months=12) & (row.overdue_fen > 0), 1))


loan_overdue_months.example(
    rows=[{"month": "2025-11-01", "overdue_fen": 7}, {"month": "2025-10-01", "overdue_fen": 0}],
    as_of="2025-12-31",
    expect=1,
)
loan_overdue_months.example(rows=[{"month": "2025-10-01", "overdue_fen": 0}], as_of="2025-12-31", expect=0)


@indicator(
    code="fulfilment.credit_limit_fen",
    name="有效授信额度",
    name_en="credit limit in force",
    item="financing.credit_line",
    unit="fen",
    better="neither",
    basis="金融机构反馈的融资结果；只作画像与应用成效，不计入评分，以免以结果证结果（工作草案）",
    since="2026-11-01",
)
def credit_limit_fen(row: Row, as_of: AsOf) -> Column:
    """Limits of lines that have not ended."""
    return F.coalesce(F.sum(F.when(standing(row.ends_on, as_of.on), row.limit_fen)), F.lit(0))


credit_limit_fen.example(
    rows=[{"granted_on": "2025-03-01", "ends_on": "2027-03-01", "limit_fen": 9}], as_of="2025-12-31", expect=9
)
credit_limit_fen.example(
    rows=[{"granted_on": "2021-03-01", "ends_on": "2022-03-01", "limit_fen": 9}], as_of="2025-12-31", expect=0
)


@indicator(
    code="fulfilment.loans_24m",
    name="近24个月放款笔数",
    name_en="drawdowns in the last 24 months",
    item="financing.loan",
    unit="count",
    better="neither",
    basis="金融机构反馈的融资结果；只作画像与应用成效，不计入评分，以免以结果证结果（工作草案）",
    since="2026-11-01",
    months=24,
)
def loans_24m(row: Row, as_of: AsOf) -> Column:
    """Drawdowns in the last 24 months."""
    return F.count(F.when(as_of.within(row.drawn_on, months=24), 1))


loans_24m.example(rows=[{"drawn_on": "2025-03-01"}], as_of="2025-12-31", expect=1)
loans_24m.example(rows=[{"drawn_on": "2020-03-01"}], as_of="2025-12-31", expect=0)


@derived(
    code="fulfilment.credit_used_percent",
    name="授信使用率",
    name_en="credit used in per cent of the limit",
    of=[loan_balance_fen, credit_limit_fen],
    unit="percent",
    better="neither",
    basis="金融机构反馈的融资结果；只作画像与应用成效，不计入评分，以免以结果证结果（工作草案）",
    since="2026-11-01",
)
def credit_used_percent(balance: Column, limit: Column) -> Column:
    """Balance in per cent of the limits in force."""
    return percent(balance, limit)


credit_used_percent.example(30, 100, expect=Decimal(30))
credit_used_percent.example(30, 0, expect=None)
