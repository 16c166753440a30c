"""Electricity as an independent witness of activity."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import change_percent
from xinqiao.indicators import AsOf, Row, indicator

ITEM = "utility.electricity"


@indicator(
    code="operation.kwh_12m",
    name="近12个月用电量",
    name_en="electricity used in the last 12 months",
    item=ITEM,
    unit="kwh",
    better="neither",
    basis="国办发〔2021〕52号清单水电气类；用量因行业而异，只作画像（工作草案）",
    since="2026-01-01",
    months=12,
)
def kwh_12m(row: Row, as_of: AsOf) -> Column:
    """Sum over all accounts; shown in the profile, never scored."""
    return F.sum(F.when(as_of.within(row.month, months=12), row.used_kwh))


kwh_12m.example(
    rows=[{"month": "2025-11-01", "used_kwh": 900}, {"month": "2025-12-01", "used_kwh": 100}],
    as_of="2025-12-31",
    expect=1_000,
)
kwh_12m.example(rows=[{"month": "2022-11-01", "used_kwh": 900}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.kwh_change_percent",
    name="用电量同比变化",
    name_en="change of electricity against the year before",
    item=ITEM,
    unit="percent",
    better="higher",
    basis="经营趋势：近6个月月均用电量与上年同期相比（工作草案）",
    since="2026-01-01",
    months=18,
)
def kwh_change_percent(row: Row, as_of: AsOf) -> Column:
    """Mean of the last 6 months against the same 6 months a year earlier."""
    year_ago = as_of.within(row.month, months=18) & ~as_of.within(row.month, months=12)
    return change_percent(row.used_kwh, recent=as_of.within(row.month, months=6), before=year_ago)


kwh_change_percent.example(
    rows=[{"month": "2024-10-01", "used_kwh": 1_000}, {"month": "2025-10-01", "used_kwh": 1_050}],
    as_of="2025-12-31",
    expect=Decimal(5),
)
kwh_change_percent.example(rows=[{"month": "2025-10-01", "used_kwh": 1_050}], as_of="2025-12-31", expect=None)
