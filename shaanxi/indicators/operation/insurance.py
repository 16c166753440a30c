"""Staff as insured month by month."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column

from shaanxi.indicators.arithmetic import change_percent, newest
from xinqiao.indicators import AsOf, Row, indicator

ITEM = "social.insurance"


@indicator(
    code="operation.insured_persons",
    name="参保人数",
    name_en="insured persons",
    item=ITEM,
    unit="persons",
    better="higher",
    basis="国办发〔2021〕52号清单社会保险费类；也是划型的从业人员（工作草案）",
    since="2026-01-01",
    months=12,
)
def insured_persons(row: Row, as_of: AsOf) -> Column:
    """Persons in the latest month of the last 12; null when the series is older than that."""
    return newest(row.insured_persons, row.month, within=as_of.within(row.month, months=12))


insured_persons.example(
    rows=[{"month": "2025-11-01", "insured_persons": 12}, {"month": "2025-10-01", "insured_persons": 30}],
    as_of="2025-12-31",
    expect=12,
)
insured_persons.example(rows=[{"month": "2023-11-01", "insured_persons": 12}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.insured_change_percent",
    name="参保人数同比变化",
    name_en="change of insured persons against the year before",
    item=ITEM,
    unit="percent",
    better="higher",
    basis="经营趋势：近3个月平均参保人数与上年同期相比（工作草案）",
    since="2026-01-01",
    months=15,
)
def insured_change_percent(row: Row, as_of: AsOf) -> Column:
    """Mean of the last 3 months against the same 3 months a year earlier."""
    year_ago = as_of.within(row.month, months=15) & ~as_of.within(row.month, months=12)
    return change_percent(row.insured_persons, recent=as_of.within(row.month, months=3), before=year_ago)


insured_change_percent.example(
    rows=[{"month": "2024-11-01", "insured_persons": 40}, {"month": "2025-11-01", "insured_persons": 30}],
    as_of="2025-12-31",
    expect=Decimal(-25),
)
insured_change_percent.example(rows=[{"month": "2025-11-01", "insured_persons": 30}], as_of="2025-12-31", expect=None)
