"""Research spending and technology contracts."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import latest, percent
from shaanxi.indicators.operation.tax import sales_12m_fen
from xinqiao.indicators import AsOf, Row, derived, indicator


@indicator(
    code="innovation.rd_fen",
    name="最近年度研发费用",
    name_en="research spending of the latest year",
    item="science.rd_spend",
    unit="fen",
    better="higher",
    basis="《企业所得税法》第三十条；研发费用加计扣除（工作草案）",
    since="2026-11-01",
    months=24,
)
def rd_fen(row: Row, as_of: AsOf) -> Column:
    """Of the newest settlement of the last 24 months."""
    return latest(row.rd_fen, row.year_end, within=as_of.within(row.year_end, months=24))


rd_fen.example(
    rows=[{"year_end": "2025-05-31", "rd_fen": 60}, {"year_end": "2024-05-31", "rd_fen": 90}],
    as_of="2025-12-31",
    expect=60,
)
rd_fen.example(rows=[{"year_end": "2020-05-31", "rd_fen": 60}], as_of="2025-12-31", expect=None)


@indicator(
    code="innovation.tech_contracts_24m_fen",
    name="近24个月技术合同成交额",
    name_en="technology contracts in the last 24 months",
    item="science.tech_contract",
    unit="fen",
    better="higher",
    basis="《技术合同认定登记管理办法》（工作草案）",
    since="2026-11-01",
    months=24,
)
def tech_contracts_24m_fen(row: Row, as_of: AsOf) -> Column:
    """Value of contracts registered."""
    return F.sum(F.when(as_of.within(row.registered_on, months=24), row.amount_fen))


tech_contracts_24m_fen.example(rows=[{"registered_on": "2025-05-31", "amount_fen": 60}], as_of="2025-12-31", expect=60)
tech_contracts_24m_fen.example(
    rows=[{"registered_on": "2020-05-31", "amount_fen": 60}], as_of="2025-12-31", expect=None
)


@derived(
    code="innovation.rd_intensity_percent",
    name="研发投入强度",
    name_en="research spending in per cent of sales",
    of=[rd_fen, sales_12m_fen],
    unit="percent",
    better="higher",
    basis="研发投入与销售额之比（工作草案）",
    since="2026-11-01",
)
def rd_intensity_percent(spent: Column, sales: Column) -> Column:
    """Research spending in per cent of declared sales."""
    return percent(spent, sales)


rd_intensity_percent.example(45, 1000, expect=Decimal("4.5"))
rd_intensity_percent.example(None, 1000, expect=None)
