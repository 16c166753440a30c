"""How often the registration was changed."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="identity.changes_24m",
    name="近24个月变更登记次数",
    name_en="changes of registration in the last 24 months",
    item="registration.changes",
    unit="count",
    better="lower",
    basis="《企业信息公示暂行条例》第六条；频繁变更降低稳定性（工作草案）",
    since="2026-11-01",
    months=24,
    none=0,
)
def changes_24m(row: Row, as_of: AsOf) -> Column:
    """Changes of registration in the last 24 months."""
    return F.count(F.when(as_of.within(row.changed_on, months=24), 1))


changes_24m.example(
    rows=[{"changed_on": "2025-03-01", "matter": "名称"}, {"changed_on": "2025-04-01", "matter": "其他"}],
    as_of="2025-12-31",
    expect=2,
)
changes_24m.example(rows=[{"changed_on": "2020-03-01", "matter": "名称"}], as_of="2025-12-31", expect=0)


@indicator(
    code="identity.address_changes_24m",
    name="近24个月住所变更次数",
    name_en="changes of address in the last 24 months",
    item="registration.changes",
    unit="count",
    better="lower",
    basis="《企业信息公示暂行条例》第六条；频繁变更降低稳定性（工作草案）",
    since="2026-11-01",
    months=24,
    none=0,
)
def address_changes_24m(row: Row, as_of: AsOf) -> Column:
    """Changes of address in the last 24 months."""
    return F.count(F.when(as_of.within(row.changed_on, months=24) & (row.matter == "住所"), 1))


address_changes_24m.example(
    rows=[{"changed_on": "2025-03-01", "matter": "住所"}, {"changed_on": "2025-04-01", "matter": "其他"}],
    as_of="2025-12-31",
    expect=1,
)
address_changes_24m.example(rows=[{"changed_on": "2020-03-01", "matter": "住所"}], as_of="2025-12-31", expect=0)


@indicator(
    code="identity.legal_rep_changes_24m",
    name="近24个月法定代表人变更次数",
    name_en="changes of the legal representative in the last 24 months",
    item="registration.changes",
    unit="count",
    better="lower",
    basis="《企业信息公示暂行条例》第六条；频繁变更降低稳定性（工作草案）",
    since="2026-11-01",
    months=24,
    none=0,
)
def legal_rep_changes_24m(row: Row, as_of: AsOf) -> Column:
    """Changes of the legal representative in the last 24 months."""
    return F.count(F.when(as_of.within(row.changed_on, months=24) & (row.matter == "法定代表人"), 1))


legal_rep_changes_24m.example(
    rows=[{"changed_on": "2025-03-01", "matter": "法定代表人"}, {"changed_on": "2025-04-01", "matter": "其他"}],
    as_of="2025-12-31",
    expect=1,
)
legal_rep_changes_24m.example(rows=[{"changed_on": "2020-03-01", "matter": "法定代表人"}], as_of="2025-12-31", expect=0)


@indicator(
    code="identity.capital_changes_36m",
    name="近36个月注册资本变更次数",
    name_en="changes of capital in the last 36 months",
    item="registration.changes",
    unit="count",
    better="neither",
    basis="《企业信息公示暂行条例》第六条；频繁变更降低稳定性（工作草案）",
    since="2026-11-01",
    months=36,
    none=0,
)
def capital_changes_36m(row: Row, as_of: AsOf) -> Column:
    """Changes of capital in the last 36 months."""
    return F.count(F.when(as_of.within(row.changed_on, months=36) & (row.matter == "注册资本"), 1))


capital_changes_36m.example(
    rows=[{"changed_on": "2025-03-01", "matter": "注册资本"}, {"changed_on": "2025-04-01", "matter": "其他"}],
    as_of="2025-12-31",
    expect=1,
)
capital_changes_36m.example(rows=[{"changed_on": "2020-03-01", "matter": "注册资本"}], as_of="2025-12-31", expect=0)
