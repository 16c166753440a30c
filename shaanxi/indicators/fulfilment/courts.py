"""Judgments, enforcement, and taxpayers that cannot be found."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import standing
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="fulfilment.enforced_open",
    name="未结被执行案件数",
    name_en="enforcement cases not closed",
    item="judicial.enforced",
    unit="count",
    better="lower",
    basis="《最高人民法院关于人民法院执行流程公开的若干意见》（工作草案）",
    since="2026-11-01",
    none=0,
)
def enforced_open(row: Row, as_of: AsOf) -> Column:
    """Cases not closed by the day."""
    return F.count(F.when(standing(row.closed_on, as_of.on), 1))


enforced_open.example(
    rows=[{"filed_on": "2025-03-01", "closed_on": None}, {"filed_on": "2024-03-01", "closed_on": "2025-01-01"}],
    as_of="2025-12-31",
    expect=1,
)
enforced_open.example(rows=[{"filed_on": "2024-03-01", "closed_on": "2025-01-01"}], as_of="2025-12-31", expect=0)


@indicator(
    code="fulfilment.unperformed_fen",
    name="未结案件未履行金额",
    name_en="amount unperformed in cases not closed",
    item="judicial.enforced",
    unit="fen",
    better="lower",
    basis="《最高人民法院关于人民法院执行流程公开的若干意见》（工作草案）",
    since="2026-11-01",
    none=0,
)
def unperformed_fen(row: Row, as_of: AsOf) -> Column:
    """What is still unperformed in cases not closed by the day."""
    return F.coalesce(F.sum(F.when(standing(row.closed_on, as_of.on), row.unperformed_fen)), F.lit(0))


unperformed_fen.example(rows=[{"filed_on": "2025-03-01", "unperformed_fen": 80}], as_of="2025-12-31", expect=80)
unperformed_fen.example(
    rows=[{"filed_on": "2024-03-01", "closed_on": "2025-01-01", "unperformed_fen": 80}], as_of="2025-12-31", expect=0
)


@indicator(
    code="fulfilment.defendant_24m",
    name="近24个月作为被告的裁判数",
    name_en="judgments as defendant in the last 24 months",
    item="judicial.judgment",
    unit="count",
    better="lower",
    basis="《最高人民法院关于人民法院在互联网公布裁判文书的规定》（工作草案）",
    since="2026-11-01",
    months=24,
)
def defendant_24m(row: Row, as_of: AsOf) -> Column:
    """Judgments in which the firm stood as defendant; published ones only."""
    return F.count(F.when(as_of.within(row.decided_on, months=24) & (row.standing == "被告"), 1))


defendant_24m.example(
    rows=[{"decided_on": "2025-03-01", "standing": "被告"}, {"decided_on": "2025-03-02", "standing": "原告"}],
    as_of="2025-12-31",
    expect=1,
)
defendant_24m.example(rows=[{"decided_on": "2020-03-01", "standing": "被告"}], as_of="2025-12-31", expect=0)


@indicator(
    code="fulfilment.abnormal_household",
    name="当前为非正常户",
    name_en="declared missing by the tax service",
    item="tax.abnormal_household",
    unit="flag",
    better="lower",
    basis="《税务登记管理办法》第四十条（工作草案）",
    since="2026-11-01",
    none=0,
)
def abnormal_household(row: Row, as_of: AsOf) -> Column:
    """1 while any determination has not been lifted."""
    return F.max(F.when(standing(row.lifted_on, as_of.on), 1).otherwise(0))


abnormal_household.example(rows=[{"determined_on": "2025-03-01"}], as_of="2025-12-31", expect=1)
abnormal_household.example(
    rows=[{"determined_on": "2025-03-01", "lifted_on": "2025-06-01"}], as_of="2025-12-31", expect=0
)
