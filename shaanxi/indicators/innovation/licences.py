"""Licences published under dual publicity."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator

ITEM = "permit.licence"


@indicator(
    code="innovation.licences_valid",
    name="有效行政许可数",
    name_en="licences in force",
    item=ITEM,
    unit="count",
    better="higher",
    basis="《行政许可法》第四十条；双公示（工作草案）",
    since="2026-01-01",
    none=0,
)
def licences_valid(row: Row, as_of: AsOf) -> Column:
    """Licences decided by the day and not yet expired; no end date means no limit."""
    return F.count(F.when(F.coalesce(row.valid_to >= as_of.on, F.lit(True)), 1))


licences_valid.example(
    rows=[
        {"decided_on": "2024-03-05", "valid_to": "2029-03-04"},
        {"decided_on": "2019-03-05", "valid_to": "2024-03-04"},
        {"decided_on": "2018-03-05", "valid_to": None},
    ],
    as_of="2025-12-31",
    expect=2,
)
licences_valid.example(rows=[{"decided_on": "2019-03-05", "valid_to": "2024-03-04"}], as_of="2025-12-31", expect=0)


@indicator(
    code="innovation.licences_36m",
    name="近36个月新获许可数",
    name_en="licences granted in the last 36 months",
    item=ITEM,
    unit="count",
    better="higher",
    basis="新获许可说明业务在延续或拓展（工作草案）",
    since="2026-01-01",
    months=36,
    none=0,
)
def licences_36m(row: Row, as_of: AsOf) -> Column:
    """Licences decided in the last 36 months."""
    return F.count(F.when(as_of.within(row.decided_on, months=36), 1))


licences_36m.example(rows=[{"decided_on": "2024-03-05"}, {"decided_on": "2019-03-05"}], as_of="2025-12-31", expect=1)
licences_36m.example(rows=[{"decided_on": "2022-12-31"}], as_of="2025-12-31", expect=0)
