"""Assets, debt and revenue of annual reports."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column

from shaanxi.indicators.arithmetic import latest, percent
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="operation.assets_fen",
    name="年报资产总额",
    name_en="total assets in the latest annual report",
    item="registration.annual_report",
    unit="fen",
    better="higher",
    basis="《企业信息公示暂行条例》第九条：资产与经营数据由企业选择是否公示（工作草案）",
    since="2026-11-01",
    months=24,
)
def assets_fen(row: Row, as_of: AsOf) -> Column:
    """Of the newest report of the last 24 months."""
    return latest(row.assets_fen, row.filed_on, within=as_of.within(row.filed_on, months=24))


assets_fen.example(
    rows=[{"filed_on": "2025-05-20", "assets_fen": 900}, {"filed_on": "2024-05-20", "assets_fen": 800}],
    as_of="2025-12-31",
    expect=900,
)
assets_fen.example(rows=[{"filed_on": "2020-05-20", "assets_fen": 900}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.equity_fen",
    name="年报所有者权益",
    name_en="equity in the latest annual report",
    item="registration.annual_report",
    unit="fen",
    better="higher",
    basis="《企业信息公示暂行条例》第九条：资产与经营数据由企业选择是否公示（工作草案）",
    since="2026-11-01",
    months=24,
)
def equity_fen(row: Row, as_of: AsOf) -> Column:
    """Of the newest report of the last 24 months."""
    return latest(row.equity_fen, row.filed_on, within=as_of.within(row.filed_on, months=24))


equity_fen.example(
    rows=[{"filed_on": "2025-05-20", "equity_fen": 900}, {"filed_on": "2024-05-20", "equity_fen": 800}],
    as_of="2025-12-31",
    expect=900,
)
equity_fen.example(rows=[{"filed_on": "2020-05-20", "equity_fen": 900}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.revenue_reported_fen",
    name="年报营业总收入",
    name_en="revenue in the latest annual report",
    item="registration.annual_report",
    unit="fen",
    better="higher",
    basis="《企业信息公示暂行条例》第九条：资产与经营数据由企业选择是否公示（工作草案）",
    since="2026-11-01",
    months=24,
)
def revenue_reported_fen(row: Row, as_of: AsOf) -> Column:
    """Of the newest report of the last 24 months."""
    return latest(row.revenue_fen, row.filed_on, within=as_of.within(row.filed_on, months=24))


revenue_reported_fen.example(
    rows=[{"filed_on": "2025-05-20", "revenue_fen": 900}, {"filed_on": "2024-05-20", "revenue_fen": 800}],
    as_of="2025-12-31",
    expect=900,
)
revenue_reported_fen.example(rows=[{"filed_on": "2020-05-20", "revenue_fen": 900}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.debt_percent",
    name="资产负债率",
    name_en="liabilities in per cent of assets",
    item="registration.annual_report",
    unit="percent",
    better="lower",
    basis="《企业信息公示暂行条例》第九条：资产与经营数据由企业选择是否公示（工作草案）",
    since="2026-11-01",
    months=24,
)
def debt_percent(row: Row, as_of: AsOf) -> Column:
    """Liabilities of the newest report of the last 24 months in per cent of its assets."""
    within = as_of.within(row.filed_on, months=24)
    return percent(
        latest(row.liabilities_fen, row.filed_on, within=within), latest(row.assets_fen, row.filed_on, within=within)
    )


debt_percent.example(
    rows=[{"filed_on": "2025-05-20", "assets_fen": 1000, "liabilities_fen": 450}],
    as_of="2025-12-31",
    expect=Decimal(45),
)
debt_percent.example(
    rows=[{"filed_on": "2025-05-20", "assets_fen": 0, "liabilities_fen": 450}], as_of="2025-12-31", expect=None
)
