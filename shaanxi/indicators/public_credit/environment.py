"""Environment: penalties and the credit grade."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import latest_text
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="public_credit.environment_penalties_36m",
    name="近36个月生态环境处罚次数",
    name_en="environmental penalties in the last 36 months",
    item="environment.penalty",
    unit="count",
    better="lower",
    basis="《环境保护法》第五十四条（工作草案）",
    since="2026-11-01",
    months=36,
    none=0,
)
def environment_penalties_36m(row: Row, as_of: AsOf) -> Column:
    """Penalties decided in the last 36 months."""
    return F.count(F.when(as_of.within(row.decided_on, months=36), 1))


environment_penalties_36m.example(rows=[{"decided_on": "2025-03-01"}], as_of="2025-12-31", expect=1)
environment_penalties_36m.example(rows=[{"decided_on": "2020-03-01"}], as_of="2025-12-31", expect=0)


@indicator(
    code="public_credit.environment_grade",
    name="环保信用等级",
    name_en="environmental credit grade",
    item="environment.credit",
    unit="grade",
    better="higher",
    basis="《企业环境信用评价办法（试行）》；只评参评企业（工作草案）",
    since="2026-11-01",
    months=24,
)
def environment_grade(row: Row, as_of: AsOf) -> Column:
    """Grade of the newest rating of the last 24 months."""
    return latest_text(row.grade, row.rated_on, within=as_of.within(row.rated_on, months=24))


environment_grade.example(
    rows=[{"rated_on": "2025-06-05", "grade": "蓝"}, {"rated_on": "2024-06-05", "grade": "黄"}],
    as_of="2025-12-31",
    expect="蓝",
)
environment_grade.example(rows=[{"rated_on": "2020-06-05", "grade": "蓝"}], as_of="2025-12-31", expect=None)
