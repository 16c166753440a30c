"""Administrative penalties."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator

ITEM = "penalty.decision"


@indicator(
    code="public_credit.penalties_24m",
    name="近24个月行政处罚次数",
    name_en="penalties in the last 24 months",
    item=ITEM,
    unit="count",
    better="lower",
    basis="《行政处罚法》第四十八条；双公示",
    since="2026-01-01",
    months=24,
    none=0,
)
def penalties_24m(row: Row, as_of: AsOf) -> Column:
    """Penalties decided in the last 24 months."""
    return F.count(F.when(as_of.within(row.decided_on, months=24), 1))


penalties_24m.example(rows=[{"decided_on": "2025-03-01"}], as_of="2025-12-31", expect=1)
penalties_24m.example(rows=[{"decided_on": "2023-12-31"}], as_of="2025-12-31", expect=0)


@indicator(
    code="public_credit.serious_penalties_36m",
    name="近36个月严重失信类处罚次数",
    name_en="penalties of the serious class in the last 36 months",
    item=ITEM,
    unit="count",
    better="lower",
    basis="信用修复管理办法（2025年国家发展改革委令第36号）的失信分级：严重类公示期最长三年",
    since="2026-01-01",
    months=36,
    none=0,
)
def serious_penalties_36m(row: Row, as_of: AsOf) -> Column:
    """Penalties of the serious class decided in the last 36 months."""
    return F.count(F.when(as_of.within(row.decided_on, months=36) & (row.severity == "严重"), 1))


serious_penalties_36m.example(
    rows=[{"decided_on": "2025-03-01", "severity": "严重"}, {"decided_on": "2025-03-02", "severity": "一般"}],
    as_of="2025-12-31",
    expect=1,
)
serious_penalties_36m.example(rows=[{"decided_on": "2025-03-01", "severity": None}], as_of="2025-12-31", expect=0)


@indicator(
    code="public_credit.fines_36m_fen",
    name="近36个月罚款合计",
    name_en="fines in the last 36 months",
    item=ITEM,
    unit="fen",
    better="lower",
    basis="《行政处罚法》第九条（工作草案）",
    since="2026-01-01",
    months=36,
    none=0,
)
def fines_36m_fen(row: Row, as_of: AsOf) -> Column:
    """Sum of the fines of the last 36 months; a penalty without a fine adds nothing."""
    return F.coalesce(F.sum(F.when(as_of.within(row.decided_on, months=36), row.fine_fen)), F.lit(0))


fines_36m_fen.example(
    rows=[{"decided_on": "2025-03-01", "fine_fen": 500_000}, {"decided_on": "2025-04-01", "fine_fen": None}],
    as_of="2025-12-31",
    expect=500_000,
)
fines_36m_fen.example(rows=[{"decided_on": "2020-03-01", "fine_fen": 500_000}], as_of="2025-12-31", expect=0)
