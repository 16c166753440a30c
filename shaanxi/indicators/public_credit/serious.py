"""The serious illegality and dishonesty list."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="public_credit.serious_listed",
    name="当前列入严重违法失信名单",
    name_en="on the serious illegality and dishonesty list",
    item="list.serious",
    unit="flag",
    better="lower",
    basis="《市场监督管理严重违法失信名单管理办法》（2021年总局令第44号）",
    since="2026-01-01",
    none=0,
)
def serious_listed(row: Row, as_of: AsOf) -> Column:
    """1 while any listing has not been removed."""
    standing = F.coalesce(row.removed_on > as_of.on, F.lit(True))
    return F.max(F.when(standing, 1).otherwise(0))


serious_listed.example(rows=[{"listed_on": "2024-03-15", "removed_on": None}], as_of="2025-12-31", expect=1)
serious_listed.example(rows=[{"listed_on": "2022-03-15", "removed_on": "2025-03-15"}], as_of="2025-12-31", expect=0)
