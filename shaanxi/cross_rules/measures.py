"""Measures that only rules across items use: what an item's rows say of one enterprise, none of it scored."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import newest
from xinqiao.indicators import AsOf, Row, indicator

BASIS = "部门间数据互相印证（工作草案）"
SINCE = "2026-11-01"


@indicator(
    code="measure.registered",
    name="登记信息条数",
    name_en="registrations",
    item="registration.basic",
    unit="count",
    better="neither",
    basis=BASIS,
    since=SINCE,
    none=0,
)
def registered(row: Row, as_of: AsOf) -> Column:
    """How many rows the registry has: 0 for an enterprise that other departments know and the registry does not."""
    return F.count(row.uscc)


registered.example(rows=[{"uscc": "91610102MAXAMPLE2H"}], as_of="2025-12-31", expect=1)


@indicator(
    code="measure.registered_on",
    name="成立日期",
    name_en="date of establishment",
    item="registration.basic",
    unit="date",
    better="neither",
    basis=BASIS,
    since=SINCE,
)
def registered_on(row: Row, as_of: AsOf) -> Column:
    """The date of establishment."""
    return F.min(row.registered_on)


registered_on.example(rows=[{"registered_on": "2020-03-15"}], as_of="2025-12-31", expect="2020-03-15")


@indicator(
    code="measure.first_tax_month",
    name="最早的税款所属期",
    name_en="earliest tax period",
    item="tax.payment",
    unit="date",
    better="neither",
    basis=BASIS,
    since=SINCE,
)
def first_tax_month(row: Row, as_of: AsOf) -> Column:
    """The first month in which something was declared."""
    return F.min(F.when(row.sales_fen > 0, row.month))


first_tax_month.example(
    rows=[{"month": "2025-03-01", "sales_fen": 0}, {"month": "2025-04-01", "sales_fen": 9}],
    as_of="2025-12-31",
    expect="2025-04-01",
)


@indicator(
    code="measure.first_licence_on",
    name="最早的许可决定日期",
    name_en="earliest licence",
    item="permit.licence",
    unit="date",
    better="neither",
    basis=BASIS,
    since=SINCE,
)
def first_licence_on(row: Row, as_of: AsOf) -> Column:
    """The day of the first licence."""
    return F.min(row.decided_on)


first_licence_on.example(
    rows=[{"decided_on": "2025-03-01"}, {"decided_on": "2024-03-01"}], as_of="2025-12-31", expect="2024-03-01"
)


@indicator(
    code="measure.licences",
    name="行政许可件数",
    name_en="licences",
    item="permit.licence",
    unit="count",
    better="neither",
    basis=BASIS,
    since=SINCE,
)
def licences(row: Row, as_of: AsOf) -> Column:
    """How many licences were given."""
    return F.count(row.document_no)


licences.example(rows=[{"document_no": "示许准字〔2024〕1号"}], as_of="2025-12-31", expect=1)


@indicator(
    code="measure.licences_12m",
    name="近12个月行政许可件数",
    name_en="licences of the last 12 months",
    item="permit.licence",
    unit="count",
    better="neither",
    basis=BASIS,
    since=SINCE,
    months=12,
)
def licences_12m(row: Row, as_of: AsOf) -> Column:
    """How many licences were given in the last 12 months."""
    return F.count(F.when(as_of.within(row.decided_on, months=12), 1))


licences_12m.example(rows=[{"decided_on": "2025-03-01"}, {"decided_on": "2023-03-01"}], as_of="2025-12-31", expect=1)


@indicator(
    code="measure.kwh_3m",
    name="近3个月用电量",
    name_en="electricity of the last 3 months",
    item="utility.electricity",
    unit="kwh",
    better="neither",
    basis=BASIS,
    since=SINCE,
    months=3,
)
def kwh_3m(row: Row, as_of: AsOf) -> Column:
    """Electricity used in the last three months."""
    return F.sum(F.when(as_of.within(row.month, months=3), row.used_kwh))


kwh_3m.example(
    rows=[{"month": "2025-11-01", "used_kwh": 40}, {"month": "2025-05-01", "used_kwh": 7}],
    as_of="2025-12-31",
    expect=40,
)


@indicator(
    code="measure.insured_2m",
    name="近2个月参保人数",
    name_en="insured persons in the last 2 months",
    item="social.insurance",
    unit="persons",
    better="neither",
    basis=BASIS,
    since=SINCE,
    months=2,
)
def insured_2m(row: Row, as_of: AsOf) -> Column:
    """The most persons insured in one of the last two months."""
    return F.max(F.when(as_of.within(row.month, months=2), row.insured_persons))


insured_2m.example(
    rows=[{"month": "2025-11-01", "insured_persons": 4}, {"month": "2025-05-01", "insured_persons": 9}],
    as_of="2025-12-31",
    expect=4,
)


@indicator(
    code="measure.employees_reported",
    name="年报从业人数",
    name_en="employees in the annual report",
    item="registration.annual_report",
    unit="persons",
    better="neither",
    basis=BASIS,
    since=SINCE,
    months=18,
)
def employees_reported(row: Row, as_of: AsOf) -> Column:
    """Employees in the newest annual report of the last 18 months."""
    return newest(row.employees, row.filed_on, within=as_of.within(row.filed_on, months=18))


employees_reported.example(
    rows=[{"filed_on": "2025-05-20", "employees": 30}, {"filed_on": "2024-05-20", "employees": 90}],
    as_of="2025-12-31",
    expect=30,
)


@indicator(
    code="measure.subscribed_fen",
    name="股东认缴额合计",
    name_en="contributions subscribed",
    item="registration.shareholders",
    unit="fen",
    better="neither",
    basis=BASIS,
    since=SINCE,
)
def subscribed_fen(row: Row, as_of: AsOf) -> Column:
    """What all shareholders subscribed; not known while one of them has no figure."""
    return F.when(F.count(row.subscribed_fen) == F.count(row.shareholder), F.sum(row.subscribed_fen))


subscribed_fen.example(
    rows=[{"shareholder": "甲", "subscribed_fen": 30}, {"shareholder": "乙", "subscribed_fen": 70}],
    as_of="2025-12-31",
    expect=100,
)
subscribed_fen.example(
    rows=[{"shareholder": "甲", "subscribed_fen": 30}, {"shareholder": "乙", "subscribed_fen": None}],
    as_of="2025-12-31",
    expect=None,
)


@indicator(
    code="measure.rd_spend_fen",
    name="最近年度研发费用",
    name_en="R&D spend of the latest year",
    item="science.rd_spend",
    unit="fen",
    better="neither",
    basis=BASIS,
    since=SINCE,
    months=24,
)
def rd_spend_fen(row: Row, as_of: AsOf) -> Column:
    """R&D spend of the latest year within two."""
    return newest(row.rd_fen, row.year_end, within=as_of.within(row.year_end, months=24))


rd_spend_fen.example(
    rows=[{"year_end": "2024-12-31", "rd_fen": 5}, {"year_end": "2020-12-31", "rd_fen": 9}],
    as_of="2025-12-31",
    expect=5,
)
