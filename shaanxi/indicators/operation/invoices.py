"""Invoices: what the firm sells, to how many, and what it takes back."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import change_percent, latest, percent
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="operation.invoiced_12m_fen",
    name="近12个月开票额",
    name_en="invoiced in the last 12 months",
    item="tax.invoices",
    unit="fen",
    better="higher",
    basis="国办发〔2021〕52号清单纳税类的核验项；开票与申报互相印证（工作草案）",
    since="2026-11-01",
    months=12,
)
def invoiced_12m_fen(row: Row, as_of: AsOf) -> Column:
    """Sum of what was invoiced."""
    return F.sum(F.when(as_of.within(row.month, months=12), row.invoiced_fen))


invoiced_12m_fen.example(rows=[{"month": "2025-10-01", "invoiced_fen": 70}], as_of="2025-12-31", expect=70)
invoiced_12m_fen.example(rows=[{"month": "2024-10-01", "invoiced_fen": 70}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.invoice_change_percent",
    name="开票额半年变化",
    name_en="change of invoices over half a year",
    item="tax.invoices",
    unit="percent",
    better="higher",
    basis="国办发〔2021〕52号清单纳税类的核验项；开票与申报互相印证（工作草案）",
    since="2026-11-01",
    months=12,
)
def invoice_change_percent(row: Row, as_of: AsOf) -> Column:
    """Mean of the last 6 months against the 6 before."""
    recent = as_of.within(row.month, months=6)
    return change_percent(row.invoiced_fen, recent=recent, before=as_of.within(row.month, months=12) & ~recent)


invoice_change_percent.example(
    rows=[{"month": "2025-03-01", "invoiced_fen": 100}, {"month": "2025-10-01", "invoiced_fen": 80}],
    as_of="2025-12-31",
    expect=Decimal(-20),
)
invoice_change_percent.example(rows=[{"month": "2025-10-01", "invoiced_fen": 80}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.invoice_cancelled_percent",
    name="近12个月作废红冲比例",
    name_en="share of invoices cancelled in the last 12 months",
    item="tax.invoices",
    unit="percent",
    better="lower",
    basis="国办发〔2021〕52号清单纳税类的核验项；开票与申报互相印证（工作草案）",
    since="2026-11-01",
    months=12,
)
def invoice_cancelled_percent(row: Row, as_of: AsOf) -> Column:
    """Cancelled or reversed in per cent of what was invoiced."""
    recent = as_of.within(row.month, months=12)
    return percent(F.sum(F.when(recent, row.cancelled_fen)), F.sum(F.when(recent, row.invoiced_fen)))


invoice_cancelled_percent.example(
    rows=[{"month": "2025-10-01", "invoiced_fen": 200, "cancelled_fen": 10}], as_of="2025-12-31", expect=Decimal(5)
)
invoice_cancelled_percent.example(
    rows=[{"month": "2025-10-01", "invoiced_fen": 0, "cancelled_fen": 0}], as_of="2025-12-31", expect=None
)


@indicator(
    code="operation.buyers",
    name="最近月份购方户数",
    name_en="buyers in the newest month",
    item="tax.invoices",
    unit="count",
    better="higher",
    basis="国办发〔2021〕52号清单纳税类的核验项；开票与申报互相印证（工作草案）",
    since="2026-11-01",
    months=6,
)
def buyers(row: Row, as_of: AsOf) -> Column:
    """Buyers of the newest of the last 6 months."""
    return latest(row.buyers, row.month, within=as_of.within(row.month, months=6))


buyers.example(
    rows=[{"month": "2025-10-01", "buyers": 7}, {"month": "2025-09-01", "buyers": 9}], as_of="2025-12-31", expect=7
)
buyers.example(rows=[{"month": "2024-10-01", "buyers": 7}], as_of="2025-12-31", expect=None)
