"""Water and gas as further witnesses of activity."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column

from shaanxi.indicators.arithmetic import change_percent
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="operation.water_change_percent",
    name="用水量半年变化",
    name_en="change of water used over half a year",
    item="utility.water",
    unit="percent",
    better="higher",
    basis="国办发〔2021〕52号清单水电气类；用量印证经营（工作草案）",
    since="2026-11-01",
    months=12,
)
def water_change_percent(row: Row, as_of: AsOf) -> Column:
    """Mean of the last 6 months against the 6 before."""
    recent = as_of.within(row.month, months=6)
    return change_percent(row.used_m3, recent=recent, before=as_of.within(row.month, months=12) & ~recent)


water_change_percent.example(
    rows=[{"month": "2025-03-01", "used_m3": 100}, {"month": "2025-10-01", "used_m3": 130}],
    as_of="2025-12-31",
    expect=Decimal(30),
)
water_change_percent.example(rows=[{"month": "2025-10-01", "used_m3": 80}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.gas_change_percent",
    name="用气量半年变化",
    name_en="change of gas used over half a year",
    item="utility.gas",
    unit="percent",
    better="higher",
    basis="国办发〔2021〕52号清单水电气类；用量印证经营（工作草案）",
    since="2026-11-01",
    months=12,
)
def gas_change_percent(row: Row, as_of: AsOf) -> Column:
    """Mean of the last 6 months against the 6 before."""
    recent = as_of.within(row.month, months=6)
    return change_percent(row.used_m3, recent=recent, before=as_of.within(row.month, months=12) & ~recent)


gas_change_percent.example(
    rows=[{"month": "2025-03-01", "used_m3": 100}, {"month": "2025-10-01", "used_m3": 130}],
    as_of="2025-12-31",
    expect=Decimal(30),
)
gas_change_percent.example(rows=[{"month": "2025-10-01", "used_m3": 80}], as_of="2025-12-31", expect=None)
