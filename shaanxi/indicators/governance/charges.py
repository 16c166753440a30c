"""Charges on shares, goods, rights and land."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import standing
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="governance.equity_pledges",
    name="有效股权出质数",
    name_en="equity pledges in force",
    item="pledge.equity",
    unit="count",
    better="lower",
    basis="已设担保的财产不能再作还款来源（工作草案）",
    since="2026-11-01",
    none=0,
)
def equity_pledges(row: Row, as_of: AsOf) -> Column:
    """Equity pledges in force on the day."""
    return F.count(F.when(standing(row.cancelled_on, as_of.on), 1))


equity_pledges.example(
    rows=[
        {"registered_on": "2025-03-01", "cancelled_on": None},
        {"registered_on": "2023-03-01", "cancelled_on": "2024-03-01"},
    ],
    as_of="2025-12-31",
    expect=1,
)
equity_pledges.example(
    rows=[{"registered_on": "2023-03-01", "cancelled_on": "2024-03-01"}], as_of="2025-12-31", expect=0
)


@indicator(
    code="governance.chattel_mortgages",
    name="有效动产抵押数",
    name_en="chattel mortgages in force",
    item="pledge.chattel",
    unit="count",
    better="lower",
    basis="已设担保的财产不能再作还款来源（工作草案）",
    since="2026-11-01",
    none=0,
)
def chattel_mortgages(row: Row, as_of: AsOf) -> Column:
    """Chattel mortgages in force on the day."""
    return F.count(F.when(standing(row.cancelled_on, as_of.on), 1))


chattel_mortgages.example(
    rows=[
        {"registered_on": "2025-03-01", "cancelled_on": None},
        {"registered_on": "2023-03-01", "cancelled_on": "2024-03-01"},
    ],
    as_of="2025-12-31",
    expect=1,
)
chattel_mortgages.example(
    rows=[{"registered_on": "2023-03-01", "cancelled_on": "2024-03-01"}], as_of="2025-12-31", expect=0
)


@indicator(
    code="governance.ip_pledges",
    name="有效知识产权质押数",
    name_en="pledges of intellectual property in force",
    item="pledge.ip",
    unit="count",
    better="neither",
    basis="已设担保的财产不能再作还款来源（工作草案）",
    since="2026-11-01",
    none=0,
)
def ip_pledges(row: Row, as_of: AsOf) -> Column:
    """Pledges of intellectual property in force on the day."""
    return F.count(F.when(standing(row.cancelled_on, as_of.on), 1))


ip_pledges.example(
    rows=[
        {"registered_on": "2025-03-01", "cancelled_on": None},
        {"registered_on": "2023-03-01", "cancelled_on": "2024-03-01"},
    ],
    as_of="2025-12-31",
    expect=1,
)
ip_pledges.example(rows=[{"registered_on": "2023-03-01", "cancelled_on": "2024-03-01"}], as_of="2025-12-31", expect=0)


@indicator(
    code="governance.property_mortgages",
    name="有效不动产抵押数",
    name_en="mortgages on real estate in force",
    item="property.mortgage",
    unit="count",
    better="lower",
    basis="已设担保的财产不能再作还款来源（工作草案）",
    since="2026-11-01",
)
def property_mortgages(row: Row, as_of: AsOf) -> Column:
    """Mortgages on real estate in force on the day."""
    return F.count(F.when(standing(row.cancelled_on, as_of.on), 1))


property_mortgages.example(
    rows=[
        {"registered_on": "2025-03-01", "cancelled_on": None},
        {"registered_on": "2023-03-01", "cancelled_on": "2024-03-01"},
    ],
    as_of="2025-12-31",
    expect=1,
)
property_mortgages.example(
    rows=[{"registered_on": "2023-03-01", "cancelled_on": "2024-03-01"}], as_of="2025-12-31", expect=0
)


@indicator(
    code="governance.property_seized",
    name="未解除的不动产查封数",
    name_en="seizures of real estate not lifted",
    item="property.seizure",
    unit="count",
    better="lower",
    basis="已设担保的财产不能再作还款来源（工作草案）",
    since="2026-11-01",
)
def property_seized(row: Row, as_of: AsOf) -> Column:
    """Seizures of real estate not lifted on the day."""
    return F.count(F.when(standing(row.lifted_on, as_of.on), 1))


property_seized.example(
    rows=[{"seized_on": "2025-03-01", "lifted_on": None}, {"seized_on": "2023-03-01", "lifted_on": "2024-03-01"}],
    as_of="2025-12-31",
    expect=1,
)
property_seized.example(rows=[{"seized_on": "2023-03-01", "lifted_on": "2024-03-01"}], as_of="2025-12-31", expect=0)
