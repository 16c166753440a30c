"""Sums that one department holds against those of another."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.cross_rules.measures import BASIS, SINCE, rd_spend_fen, subscribed_fen
from shaanxi.indicators.identity.registration import capital_fen
from shaanxi.indicators.operation.annual_report import revenue_reported_fen
from shaanxi.indicators.operation.invoices import invoiced_12m_fen
from shaanxi.indicators.operation.markets import exports_12m_fen
from shaanxi.indicators.operation.tax import sales_12m_fen
from xinqiao.indicators import Severity, cross_rule

MILLION_YUAN = 100_000_000  # in fen


@cross_rule(
    code="cross.invoices_over_sales",
    name="开票金额超过申报销售额一倍以上",
    name_en="invoices of more than twice the sales declared",
    of=[invoiced_12m_fen, sales_12m_fen],
    severity=Severity.DOUBT,
    explain=["tax_bureau"],
    basis=BASIS,
    since=SINCE,
)
def invoices_over_sales(invoiced: Column, sales: Column) -> Column:
    """More than twice as much, and a million yuan at least."""
    return (invoiced > sales * 2) & (invoiced >= MILLION_YUAN)


invoices_over_sales.example(300_000_000, 100_000_000, expect=True)
invoices_over_sales.example(200_000_000, 100_000_000, expect=False)
invoices_over_sales.example(3_000, 1_000, expect=False)
invoices_over_sales.example(300_000_000, None, expect=False)


@cross_rule(
    code="cross.revenue_unlike_sales",
    name="年报营业收入与申报销售额相差三倍以上",
    name_en="revenue reported and sales declared differ threefold",
    of=[revenue_reported_fen, sales_12m_fen],
    severity=Severity.DOUBT,
    explain=["market_regulation", "tax_bureau"],
    basis=BASIS,
    since=SINCE,
)
def revenue_unlike_sales(revenue: Column, sales: Column) -> Column:
    """One more than three times the other, and five million yuan apart."""
    known = revenue.isNotNull() & sales.isNotNull()
    more, less = F.greatest(revenue, sales), F.least(revenue, sales)
    return known & (more > less * 3) & (more - less >= 5 * MILLION_YUAN)


revenue_unlike_sales.example(1_000_000_000, 100_000_000, expect=True)
revenue_unlike_sales.example(100_000_000, 1_000_000_000, expect=True)
revenue_unlike_sales.example(300_000_000, 100_000_000, expect=False)
revenue_unlike_sales.example(None, 1_000_000_000, expect=False)


@cross_rule(
    code="cross.exports_over_sales",
    name="出口额超过申报销售额一半以上",
    name_en="exports exceed the sales declared by half",
    of=[exports_12m_fen, sales_12m_fen],
    severity=Severity.DOUBT,
    explain=["customs", "tax_bureau"],
    basis=BASIS,
    since=SINCE,
)
def exports_over_sales(exports: Column, sales: Column) -> Column:
    """Half as much again, and a million yuan at least."""
    return (exports * 2 > sales * 3) & (exports >= MILLION_YUAN)


exports_over_sales.example(200_000_000, 100_000_000, expect=True)
exports_over_sales.example(150_000_000, 100_000_000, expect=False)
exports_over_sales.example(200_000_000, None, expect=False)


@cross_rule(
    code="cross.research_over_sales",
    name="研发费用超过申报销售额",
    name_en="R&D spend exceeds the sales declared",
    of=[rd_spend_fen, sales_12m_fen],
    severity=Severity.DOUBT,
    explain=["tax_bureau"],
    basis=BASIS,
    since=SINCE,
)
def research_over_sales(spend: Column, sales: Column) -> Column:
    """More spent on research than sold, and a million yuan at least."""
    return (spend > sales) & (spend >= MILLION_YUAN)


research_over_sales.example(200_000_000, 100_000_000, expect=True)
research_over_sales.example(100_000_000, 100_000_000, expect=False)
research_over_sales.example(100_000_000, None, expect=False)


@cross_rule(
    code="cross.capital_unlike_contributions",
    name="股东认缴额合计与注册资本不符",
    name_en="contributions subscribed do not add up to the registered capital",
    of=[capital_fen, subscribed_fen],
    severity=Severity.ERROR,
    explain=["market_regulation"],
    basis="《公司法》第四十七条：注册资本为全体股东认缴的出资额（工作草案）",
    since=SINCE,
)
def capital_unlike_contributions(capital: Column, subscribed: Column) -> Column:
    """One in a hundred apart or more: shares are written in rounded sums."""
    return F.abs(capital - subscribed) * 100 > capital


capital_unlike_contributions.example(100_000_000, 50_000_000, expect=True)
capital_unlike_contributions.example(100_000_000, 99_500_000, expect=False)
capital_unlike_contributions.example(None, 50_000_000, expect=False)
