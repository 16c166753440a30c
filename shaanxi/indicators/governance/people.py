"""The people who run the firm."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="governance.personnel",
    name="主要人员数",
    name_en="key persons on record",
    item="registration.key_personnel",
    unit="count",
    better="higher",
    basis="国办发〔2024〕15号扩充的企业主要人员类（工作草案）",
    since="2026-11-01",
)
def personnel(row: Row, as_of: AsOf) -> Column:
    """Key persons on record."""
    return F.count(row.person)


personnel.example(rows=[{"person": "张某甲"}, {"person": "李某乙"}], as_of="2025-12-31", expect=2)
personnel.example(rows=[{"person": None}], as_of="2025-12-31", expect=0)


@indicator(
    code="governance.barred",
    name="有主要人员依法不得任职",
    name_en="a key person is barred from office",
    item="registration.key_personnel",
    unit="flag",
    better="lower",
    basis="国办发〔2024〕15号扩充的企业主要人员类（工作草案）",
    since="2026-11-01",
)
def barred(row: Row, as_of: AsOf) -> Column:
    """1 when the check of any key person says so; null when none was checked."""
    return F.max(F.when(row.restricted.isNotNull(), F.when(row.restricted, 1).otherwise(0)))


barred.example(
    rows=[{"person": "张某甲", "restricted": True}, {"person": "李某乙", "restricted": False}],
    as_of="2025-12-31",
    expect=1,
)
barred.example(rows=[{"person": "张某甲", "restricted": False}], as_of="2025-12-31", expect=0)
barred.example(rows=[{"person": "张某甲", "restricted": None}], as_of="2025-12-31", expect=None)
