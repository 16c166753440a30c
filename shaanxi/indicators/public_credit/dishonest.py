"""Dishonest judgment debtors."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="public_credit.dishonest_unresolved",
    name="当前为失信被执行人且未履行完毕",
    name_en="dishonest judgment debtor with the duty not fully performed",
    item="judicial.dishonest",
    unit="flag",
    better="lower",
    basis="《最高人民法院关于公布失信被执行人名单信息的若干规定》第一条、第四条",
    since="2026-01-01",
    none=0,
)
def dishonest_unresolved(row: Row, as_of: AsOf) -> Column:
    """1 while any case stands on the list and is not recorded as fully performed."""
    standing = F.coalesce(row.removed_on > as_of.on, F.lit(True))
    unperformed = F.coalesce(row.performance != "全部已履行", F.lit(True))
    return F.max(F.when(standing & unperformed, 1).otherwise(0))


dishonest_unresolved.example(
    rows=[{"published_on": "2025-04-02", "performance": "全部未履行", "removed_on": None}],
    as_of="2025-12-31",
    expect=1,
)
dishonest_unresolved.example(
    rows=[
        {"published_on": "2023-04-02", "performance": "部分未履行", "removed_on": "2024-01-05"},
        {"published_on": "2025-04-02", "performance": "全部已履行", "removed_on": None},
    ],
    as_of="2025-12-31",
    expect=0,
)
