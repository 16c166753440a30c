"""Who holds the enterprise and what they paid in."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import percent
from xinqiao.indicators import AsOf, Row, indicator

ITEM = "registration.shareholders"


@indicator(
    code="governance.shareholders",
    name="股东数",
    name_en="number of shareholders",
    item=ITEM,
    unit="count",
    better="higher",
    basis="股权结构：多名股东之间有制衡（工作草案）",
    since="2026-01-01",
)
def shareholders(row: Row, as_of: AsOf) -> Column:
    """Shareholders on record."""
    return F.count(row.shareholder)


shareholders.example(rows=[{"shareholder": "张某甲"}, {"shareholder": "李某乙"}], as_of="2025-12-31", expect=2)
shareholders.example(rows=[{"shareholder": "张某甲"}], as_of="2025-12-31", expect=1)


@indicator(
    code="governance.top_share_percent",
    name="第一大股东出资比例",
    name_en="share of the largest shareholder",
    item=ITEM,
    unit="percent",
    better="neither",
    basis="股权结构：过于集中或过于分散都不利于决策与制衡（工作草案）",
    since="2026-01-01",
)
def top_share_percent(row: Row, as_of: AsOf) -> Column:
    """The largest subscribed contribution in per cent of all."""
    return percent(F.max(row.subscribed_fen), F.sum(row.subscribed_fen))


top_share_percent.example(
    rows=[
        {"shareholder": "张某甲", "subscribed_fen": 600},
        {"shareholder": "李某乙", "subscribed_fen": 400},
    ],
    as_of="2025-12-31",
    expect=Decimal(60),
)
top_share_percent.example(rows=[{"shareholder": "张某甲", "subscribed_fen": None}], as_of="2025-12-31", expect=None)


@indicator(
    code="governance.capital_paid_percent",
    name="实缴资本比例",
    name_en="share of subscribed capital paid in",
    item=ITEM,
    unit="percent",
    better="higher",
    basis="《公司法》第四十七条：五年内缴足；《企业信息公示暂行条例》第九条（工作草案）",
    since="2026-01-01",
)
def capital_paid_percent(row: Row, as_of: AsOf) -> Column:
    """Capital paid in, in per cent of capital subscribed; a contribution not stated counts as not paid."""
    paid = F.sum(F.coalesce(row.paid_fen, F.lit(0)))
    return percent(paid, F.sum(row.subscribed_fen))


capital_paid_percent.example(
    rows=[
        {"shareholder": "张某甲", "subscribed_fen": 600, "paid_fen": 300},
        {"shareholder": "李某乙", "subscribed_fen": 400, "paid_fen": None},
    ],
    as_of="2025-12-31",
    expect=Decimal(30),
)
capital_paid_percent.example(
    rows=[{"shareholder": "张某甲", "subscribed_fen": 0, "paid_fen": 0}], as_of="2025-12-31", expect=None
)
