"""What annual reports say of steadiness."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import latest
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="identity.reports_24m",
    name="近24个月报送年度报告次数",
    name_en="annual reports filed in the last 24 months",
    item="registration.annual_report",
    unit="count",
    better="higher",
    basis="《企业信息公示暂行条例》第八条：每年报送年度报告（工作草案）",
    since="2026-11-01",
    months=24,
)
def reports_24m(row: Row, as_of: AsOf) -> Column:
    """Reports filed in the last 24 months."""
    return F.count(F.when(as_of.within(row.filed_on, months=24), 1))


reports_24m.example(rows=[{"filed_on": "2025-05-20"}, {"filed_on": "2024-05-20"}], as_of="2025-12-31", expect=2)
reports_24m.example(rows=[{"filed_on": "2021-05-20"}], as_of="2025-12-31", expect=0)


@indicator(
    code="identity.employees_reported",
    name="年报从业人数",
    name_en="employees in the latest annual report",
    item="registration.annual_report",
    unit="persons",
    better="higher",
    basis="《企业信息公示暂行条例》第八条：每年报送年度报告（工作草案）",
    since="2026-11-01",
    months=24,
)
def employees_reported(row: Row, as_of: AsOf) -> Column:
    """Employees of the newest report of the last 24 months."""
    return latest(row.employees, row.filed_on, within=as_of.within(row.filed_on, months=24))


employees_reported.example(
    rows=[{"filed_on": "2025-05-20", "employees": 31}, {"filed_on": "2024-05-20", "employees": 50}],
    as_of="2025-12-31",
    expect=31,
)
employees_reported.example(rows=[{"filed_on": "2021-05-20", "employees": 31}], as_of="2025-12-31", expect=None)
