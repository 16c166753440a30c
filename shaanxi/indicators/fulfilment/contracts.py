"""Contracts and commitments kept."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import percent
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="fulfilment.contracts_kept_percent",
    name="近36个月政府采购合同履约率",
    name_en="share of procurement contracts kept in the last 36 months",
    item="procurement.contract",
    unit="percent",
    better="higher",
    basis="《政府采购法实施条例》第五十条；验收结果公开（工作草案）",
    since="2026-11-01",
    months=36,
)
def contracts_kept_percent(row: Row, as_of: AsOf) -> Column:
    """Accepted, at once or after correction, in per cent of all contracts."""
    recent = as_of.within(row.signed_on, months=36)
    return percent(F.count(F.when(recent & row.result.isin("合格", "整改后合格"), 1)), F.count(F.when(recent, 1)))


contracts_kept_percent.example(
    rows=[{"signed_on": "2025-03-01", "result": "合格"}, {"signed_on": "2025-04-01", "result": "解除合同"}],
    as_of="2025-12-31",
    expect=Decimal(50),
)
contracts_kept_percent.example(rows=[{"signed_on": "2020-03-01", "result": "合格"}], as_of="2025-12-31", expect=None)


@indicator(
    code="fulfilment.commitments_broken",
    name="近24个月违背信用承诺次数",
    name_en="credit commitments broken in the last 24 months",
    item="voluntary.commitment",
    unit="count",
    better="lower",
    basis="国办发〔2021〕52号：信用承诺；违诺依规记录（工作草案）",
    since="2026-11-01",
    months=24,
)
def commitments_broken(row: Row, as_of: AsOf) -> Column:
    """Commitments broken."""
    return F.count(F.when(as_of.within(row.made_on, months=24) & (row.performance == "违诺"), 1))


commitments_broken.example(rows=[{"made_on": "2025-03-01", "performance": "违诺"}], as_of="2025-12-31", expect=1)
commitments_broken.example(rows=[{"made_on": "2025-03-01", "performance": "全部履行"}], as_of="2025-12-31", expect=0)
