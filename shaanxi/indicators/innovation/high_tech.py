"""High-tech and science SME certificates."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator

ITEM = "science.high_tech"


@indicator(
    code="innovation.high_tech_valid",
    name="高新技术或科技型认定有效",
    name_en="high-tech or science SME certificate in force",
    item=ITEM,
    unit="flag",
    better="higher",
    basis="《高新技术企业认定管理办法》；《科技型中小企业评价办法》",
    since="2026-01-01",
    none=0,
)
def high_tech_valid(row: Row, as_of: AsOf) -> Column:
    """1 when a certificate is in force on the day; one without an end counts as in force."""
    in_force = (row.issued_on <= as_of.on) & F.coalesce(row.valid_to >= as_of.on, F.lit(True))
    return F.max(F.when(in_force, 1).otherwise(0))


high_tech_valid.example(rows=[{"issued_on": "2024-11-20", "valid_to": "2027-11-20"}], as_of="2025-12-31", expect=1)
high_tech_valid.example(rows=[{"issued_on": "2020-11-20", "valid_to": "2023-11-20"}], as_of="2025-12-31", expect=0)
high_tech_valid.example(rows=[{"issued_on": "2024-11-20", "valid_to": None}], as_of="2025-12-31", expect=1)


@indicator(
    code="innovation.high_tech_years",
    name="首次认定至今年数",
    name_en="years since the first certificate",
    item=ITEM,
    unit="years",
    better="higher",
    basis="持续获得认定说明研发稳定（工作草案）",
    since="2026-01-01",
    none=0,
)
def high_tech_years(row: Row, as_of: AsOf) -> Column:
    """Whole years since the first certificate was issued."""
    return F.max(as_of.years_since(row.issued_on))


high_tech_years.example(rows=[{"issued_on": "2019-12-01"}, {"issued_on": "2022-12-01"}], as_of="2025-12-31", expect=6)
high_tech_years.example(rows=[{"issued_on": "2025-11-20"}], as_of="2025-12-31", expect=0)
