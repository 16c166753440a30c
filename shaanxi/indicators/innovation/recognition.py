"""Recognitions and qualifications in force."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import standing
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="innovation.specialised_valid",
    name="专精特新等认定有效",
    name_en="specialised and new SME recognition in force",
    item="industry.specialised",
    unit="flag",
    better="higher",
    basis="《优质中小企业梯度培育管理暂行办法》（工信部企业〔2022〕63号）（工作草案）",
    since="2026-11-01",
    none=0,
)
def specialised_valid(row: Row, as_of: AsOf) -> Column:
    """Specialised and new SME recognition in force."""
    return F.max(F.when(standing(row.valid_to, as_of.on), 1).otherwise(0))


specialised_valid.example(
    rows=[{"recognised_on": "2024-03-01", "valid_to": "2027-03-01"}], as_of="2025-12-31", expect=1
)
specialised_valid.example(
    rows=[{"recognised_on": "2020-03-01", "valid_to": "2023-03-01"}], as_of="2025-12-31", expect=0
)


@indicator(
    code="innovation.qualifications_valid",
    name="有效资质数",
    name_en="qualifications in force",
    item="permit.qualification",
    unit="count",
    better="higher",
    basis="国办发〔2024〕15号扩充的资质类（工作草案）",
    since="2026-11-01",
    none=0,
)
def qualifications_valid(row: Row, as_of: AsOf) -> Column:
    """Qualifications in force."""
    return F.count(F.when(standing(row.valid_to, as_of.on), 1))


qualifications_valid.example(
    rows=[{"granted_on": "2024-03-01", "valid_to": "2027-03-01"}], as_of="2025-12-31", expect=1
)
qualifications_valid.example(
    rows=[{"granted_on": "2020-03-01", "valid_to": "2023-03-01"}], as_of="2025-12-31", expect=0
)


@indicator(
    code="innovation.aeo",
    name="海关高级认证企业",
    name_en="advanced certified at customs",
    item="customs.registration",
    unit="flag",
    better="higher",
    basis="《海关注册登记和备案企业信用管理办法》（海关总署令第251号）（工作草案）",
    since="2026-11-01",
    none=0,
)
def aeo(row: Row, as_of: AsOf) -> Column:
    """Advanced certified at customs."""
    return F.max(F.when(row.level == "高级认证企业", 1).otherwise(0))


aeo.example(rows=[{"filed_on": "2024-03-01", "level": "高级认证企业"}], as_of="2025-12-31", expect=1)
aeo.example(rows=[{"filed_on": "2024-03-01", "level": "常规管理企业"}], as_of="2025-12-31", expect=0)


@indicator(
    code="innovation.discharge_permit_valid",
    name="排污许可有效",
    name_en="discharge permit in force",
    item="environment.permit",
    unit="flag",
    better="neither",
    basis="《排污许可管理条例》；因行业而异，只作画像（工作草案）",
    since="2026-11-01",
    none=0,
)
def discharge_permit_valid(row: Row, as_of: AsOf) -> Column:
    """Discharge permit in force."""
    return F.max(F.when(standing(row.valid_to, as_of.on), 1).otherwise(0))


discharge_permit_valid.example(
    rows=[{"issued_on": "2024-03-01", "valid_to": "2027-03-01"}], as_of="2025-12-31", expect=1
)
discharge_permit_valid.example(
    rows=[{"issued_on": "2018-03-01", "valid_to": "2023-03-01"}], as_of="2025-12-31", expect=0
)


@indicator(
    code="innovation.honours_60m",
    name="近60个月获得荣誉数",
    name_en="honours in the last 60 months",
    item="honour.award",
    unit="count",
    better="higher",
    basis="国办发〔2021〕52号清单荣誉类；没有记录不等于没有（工作草案）",
    since="2026-11-01",
    months=60,
)
def honours_60m(row: Row, as_of: AsOf) -> Column:
    """Honours awarded; none on record is not known."""
    return F.count(F.when(as_of.within(row.awarded_on, months=60), 1))


honours_60m.example(rows=[{"awarded_on": "2024-03-01"}], as_of="2025-12-31", expect=1)
honours_60m.example(rows=[{"awarded_on": "2010-03-01"}], as_of="2025-12-31", expect=0)
