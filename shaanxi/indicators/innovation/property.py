"""Patents, marks, copyright."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="innovation.patents_valid",
    name="有效专利数",
    name_en="patents in force",
    item="ip.patent",
    unit="count",
    better="higher",
    basis="国办发〔2021〕52号清单知识产权类（工作草案）",
    since="2026-11-01",
    none=0,
)
def patents_valid(row: Row, as_of: AsOf) -> Column:
    """Patents in force."""
    return F.count(F.when(row.status == "有效", 1))


patents_valid.example(rows=[{"granted_on": "2025-03-01", "status": "有效"}], as_of="2025-12-31", expect=1)
patents_valid.example(rows=[{"granted_on": "2025-03-01", "status": "终止"}], as_of="2025-12-31", expect=0)


@indicator(
    code="innovation.inventions_valid",
    name="有效发明专利数",
    name_en="invention patents in force",
    item="ip.patent",
    unit="count",
    better="higher",
    basis="国办发〔2021〕52号清单知识产权类（工作草案）",
    since="2026-11-01",
    none=0,
)
def inventions_valid(row: Row, as_of: AsOf) -> Column:
    """Invention patents in force."""
    return F.count(F.when((row.status == "有效") & (row.kind == "发明"), 1))


inventions_valid.example(
    rows=[{"granted_on": "2025-03-01", "status": "有效", "kind": "发明"}], as_of="2025-12-31", expect=1
)
inventions_valid.example(
    rows=[{"granted_on": "2025-03-01", "status": "有效", "kind": "实用新型"}], as_of="2025-12-31", expect=0
)


@indicator(
    code="innovation.trademarks_valid",
    name="有效商标数",
    name_en="trade marks in force",
    item="ip.trademark",
    unit="count",
    better="higher",
    basis="国办发〔2021〕52号清单知识产权类（工作草案）",
    since="2026-11-01",
    none=0,
)
def trademarks_valid(row: Row, as_of: AsOf) -> Column:
    """Trade marks in force."""
    return F.count(F.when(row.status == "有效", 1))


trademarks_valid.example(rows=[{"registered_on": "2025-03-01", "status": "有效"}], as_of="2025-12-31", expect=1)
trademarks_valid.example(rows=[{"registered_on": "2025-03-01", "status": "注销"}], as_of="2025-12-31", expect=0)


@indicator(
    code="innovation.geographical_valid",
    name="地理标志用标数",
    name_en="geographical indications in use",
    item="ip.geographical",
    unit="count",
    better="higher",
    basis="国办发〔2021〕52号清单知识产权类（工作草案）",
    since="2026-11-01",
    none=0,
)
def geographical_valid(row: Row, as_of: AsOf) -> Column:
    """Geographical indications in use."""
    return F.count(F.when(row.status == "有效", 1))


geographical_valid.example(rows=[{"approved_on": "2025-03-01", "status": "有效"}], as_of="2025-12-31", expect=1)
geographical_valid.example(rows=[{"approved_on": "2025-03-01", "status": "注销"}], as_of="2025-12-31", expect=0)


@indicator(
    code="innovation.software",
    name="软件著作权数",
    name_en="software copyrights",
    item="ip.software",
    unit="count",
    better="higher",
    basis="《著作权法》第十二条：登记自愿，没有登记不等于没有（工作草案）",
    since="2026-11-01",
)
def software(row: Row, as_of: AsOf) -> Column:
    """Registrations on record; none is not known."""
    return F.count(row.registration_no)


software.example(rows=[{"registration_no": "甲", "registered_on": "2025-03-01"}], as_of="2025-12-31", expect=1)
software.example(
    rows=[
        {"registration_no": "甲", "registered_on": "2025-03-01"},
        {"registration_no": "乙", "registered_on": "2024-03-01"},
    ],
    as_of="2025-12-31",
    expect=2,
)


@indicator(
    code="innovation.works",
    name="作品著作权数",
    name_en="copyrights in works",
    item="ip.copyright",
    unit="count",
    better="higher",
    basis="《著作权法》第十二条：登记自愿，没有登记不等于没有（工作草案）",
    since="2026-11-01",
)
def works(row: Row, as_of: AsOf) -> Column:
    """Registrations on record; none is not known."""
    return F.count(row.registration_no)


works.example(rows=[{"registration_no": "甲", "registered_on": "2025-03-01"}], as_of="2025-12-31", expect=1)
works.example(
    rows=[
        {"registration_no": "甲", "registered_on": "2025-03-01"},
        {"registration_no": "乙", "registered_on": "2024-03-01"},
    ],
    as_of="2025-12-31",
    expect=2,
)
