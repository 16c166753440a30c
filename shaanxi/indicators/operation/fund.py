"""Staff for whom the housing provident fund is paid."""

from __future__ import annotations

from pyspark.sql import Column

from shaanxi.indicators.arithmetic import newest
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="operation.fund_depositors",
    name="公积金缴存人数",
    name_en="provident fund depositors",
    item="housing.fund",
    unit="persons",
    better="higher",
    basis="国办发〔2021〕52号清单住房公积金类；《住房公积金管理条例》（工作草案）",
    since="2026-01-01",
    months=12,
)
def fund_depositors(row: Row, as_of: AsOf) -> Column:
    """Depositors in the latest month of the last 12."""
    return newest(row.depositors, row.month, within=as_of.within(row.month, months=12))


fund_depositors.example(
    rows=[{"month": "2025-11-01", "depositors": 8}, {"month": "2025-10-01", "depositors": 9}],
    as_of="2025-12-31",
    expect=8,
)
fund_depositors.example(rows=[{"month": "2024-11-01", "depositors": 8}], as_of="2025-12-31", expect=None)
