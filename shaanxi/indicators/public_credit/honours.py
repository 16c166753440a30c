"""The public list of A-level taxpayers."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="public_credit.a_taxpayer_36m",
    name="近36个月列入A级纳税人次数",
    name_en="listings as A-level taxpayer in the last 36 months",
    item="honour.a_taxpayer",
    unit="count",
    better="higher",
    basis="《纳税缴费信用管理办法》（国家税务总局公告2025年第12号）：A级名单公告（工作草案）",
    since="2026-11-01",
    months=36,
    none=0,
)
def a_taxpayer_36m(row: Row, as_of: AsOf) -> Column:
    """Times on the published list in the last 36 months."""
    return F.count(F.when(as_of.within(row.announced_on, months=36), 1))


a_taxpayer_36m.example(rows=[{"announced_on": "2025-04-15"}], as_of="2025-12-31", expect=1)
a_taxpayer_36m.example(rows=[{"announced_on": "2020-04-15"}], as_of="2025-12-31", expect=0)
