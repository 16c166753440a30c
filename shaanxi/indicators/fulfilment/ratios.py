"""Arrears against the size of the business."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column

from shaanxi.indicators.arithmetic import percent
from shaanxi.indicators.fulfilment.tax import tax_arrears_12m_fen
from shaanxi.indicators.operation.tax import sales_12m_fen
from xinqiao.indicators import derived


@derived(
    code="fulfilment.arrears_to_sales_percent",
    name="欠税占销售额比例",
    name_en="tax arrears in per cent of sales",
    of=[tax_arrears_12m_fen, sales_12m_fen],
    unit="percent",
    better="lower",
    basis="欠缴与规模相比才知轻重（工作草案）",
    since="2026-11-01",
)
def arrears_to_sales_percent(arrears: Column, sales: Column) -> Column:
    """Tax left unpaid in 12 months in per cent of sales."""
    return percent(arrears, sales)


arrears_to_sales_percent.example(5, 1000, expect=Decimal("0.5"))
arrears_to_sales_percent.example(5, 0, expect=None)
