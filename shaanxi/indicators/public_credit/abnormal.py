"""The abnormal operation list."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator

ITEM = "list.abnormal"


@indicator(
    code="public_credit.abnormal_listed",
    name="当前列入经营异常名录",
    name_en="on the abnormal operation list",
    item=ITEM,
    unit="flag",
    better="lower",
    basis="《企业信息公示暂行条例》第十七条",
    since="2026-01-01",
    none=0,
)
def abnormal_listed(row: Row, as_of: AsOf) -> Column:
    """1 while any listing has not been removed."""
    standing = F.coalesce(row.removed_on > as_of.on, F.lit(True))
    return F.max(F.when(standing, 1).otherwise(0))


abnormal_listed.example(rows=[{"listed_on": "2024-07-09", "removed_on": None}], as_of="2025-12-31", expect=1)
abnormal_listed.example(rows=[{"listed_on": "2024-07-09", "removed_on": "2024-09-01"}], as_of="2025-12-31", expect=0)


@indicator(
    code="public_credit.abnormal_36m",
    name="近36个月列入经营异常名录次数",
    name_en="listings as abnormal in the last 36 months",
    item=ITEM,
    unit="count",
    better="lower",
    basis="《企业信息公示暂行条例》第十七条（工作草案）",
    since="2026-01-01",
    months=36,
    none=0,
)
def abnormal_36m(row: Row, as_of: AsOf) -> Column:
    """Listings of the last 36 months, removed or not."""
    return F.count(F.when(as_of.within(row.listed_on, months=36), 1))


abnormal_36m.example(rows=[{"listed_on": "2024-07-09"}, {"listed_on": "2019-07-09"}], as_of="2025-12-31", expect=1)
abnormal_36m.example(rows=[{"listed_on": "2022-12-31"}], as_of="2025-12-31", expect=0)
