"""What notaries, commissions and courts decided against an enterprise in proceedings that went through the node."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator

AGAINST = ("出具执行证书", "作出裁决", "判决生效", "执行立案")


@indicator(
    code="fulfilment.settled_against_24m",
    name="近24个月经节点处置的不利结果数",
    name_en="results against the firm in the last 24 months, settled through the node",
    item="settlement.result",
    unit="count",
    better="lower",
    basis="线上公证、仲裁和诉讼的结果依法回流（省级实施方案；工作草案）；只用于画像，不计入基本评价，以免与司法类数据项重复",
    since="2026-12-01",
    months=24,
)
def settled_against_24m(row: Row, as_of: AsOf) -> Column:
    """Certificates, awards, judgments in force and enforcements; mediation is none."""
    return F.count(F.when(as_of.within(row.decided_on, months=24) & row.outcome.isin(*AGAINST), 1))


settled_against_24m.example(
    rows=[{"decided_on": "2026-05-01", "outcome": "作出裁决"}, {"decided_on": "2026-06-01", "outcome": "达成调解"}],
    as_of="2026-12-31",
    expect=1,
)
settled_against_24m.example(rows=[{"decided_on": "2023-05-01", "outcome": "判决生效"}], as_of="2026-12-31", expect=0)
