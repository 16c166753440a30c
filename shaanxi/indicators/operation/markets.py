"""Foreign trade, public buyers, real estate, farming, the firm's own word."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import latest, standing
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="operation.exports_12m_fen",
    name="近12个月出口额",
    name_en="exports in the last 12 months",
    item="customs.trade",
    unit="fen",
    better="higher",
    basis="国办发〔2024〕15号扩充的进出口类（工作草案）",
    since="2026-11-01",
    months=12,
)
def exports_12m_fen(row: Row, as_of: AsOf) -> Column:
    """Sum of exports."""
    return F.sum(F.when(as_of.within(row.month, months=12), row.exports_fen))


exports_12m_fen.example(rows=[{"month": "2025-10-01", "exports_fen": 7}], as_of="2025-12-31", expect=7)
exports_12m_fen.example(rows=[{"month": "2024-10-01", "exports_fen": 7}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.awards_24m",
    name="近24个月公共资源中标数",
    name_en="public tenders won in the last 24 months",
    item="procurement.award",
    unit="count",
    better="higher",
    basis="公共资源交易结果公开；中标反映竞争力（工作草案）",
    since="2026-11-01",
    months=24,
    none=0,
)
def awards_24m(row: Row, as_of: AsOf) -> Column:
    """Tenders won in the last 24 months."""
    return F.count(F.when(as_of.within(row.announced_on, months=24), 1))


awards_24m.example(rows=[{"announced_on": "2025-10-01"}], as_of="2025-12-31", expect=1)
awards_24m.example(rows=[{"announced_on": "2021-10-01"}], as_of="2025-12-31", expect=0)


@indicator(
    code="operation.awards_24m_fen",
    name="近24个月公共资源中标金额",
    name_en="value of public tenders won in the last 24 months",
    item="procurement.award",
    unit="fen",
    better="higher",
    basis="公共资源交易结果公开；中标反映竞争力（工作草案）",
    since="2026-11-01",
    months=24,
    none=0,
)
def awards_24m_fen(row: Row, as_of: AsOf) -> Column:
    """Value of the tenders won; one without a stated value adds nothing."""
    return F.coalesce(F.sum(F.when(as_of.within(row.announced_on, months=24), row.amount_fen)), F.lit(0))


awards_24m_fen.example(
    rows=[{"announced_on": "2025-10-01", "amount_fen": 50}, {"announced_on": "2025-11-01", "amount_fen": None}],
    as_of="2025-12-31",
    expect=50,
)
awards_24m_fen.example(rows=[{"announced_on": "2021-10-01", "amount_fen": 50}], as_of="2025-12-31", expect=0)


@indicator(
    code="operation.property_titles",
    name="持有不动产权数",
    name_en="titles to real estate held",
    item="property.title",
    unit="count",
    better="higher",
    basis="《不动产登记暂行条例》；自有场所是固定经营的证据（工作草案）",
    since="2026-11-01",
)
def property_titles(row: Row, as_of: AsOf) -> Column:
    """Titles on record."""
    return F.count(row.certificate_no)


property_titles.example(rows=[{"certificate_no": "甲", "registered_on": "2025-03-01"}], as_of="2025-12-31", expect=1)
property_titles.example(rows=[{"certificate_no": None, "registered_on": "2025-03-01"}], as_of="2025-12-31", expect=0)


@indicator(
    code="operation.farm_operator",
    name="新型农业经营主体",
    name_en="new-type farm operator",
    item="agriculture.operator",
    unit="flag",
    better="higher",
    basis="国办发〔2024〕15号农业领域（工作草案）",
    since="2026-11-01",
)
def farm_operator(row: Row, as_of: AsOf) -> Column:
    """1 when the directory names the firm."""
    return F.max(F.when(row.kind.isNotNull(), 1).otherwise(0))


farm_operator.example(rows=[{"kind": "农民合作社", "recognised_on": "2025-03-01"}], as_of="2025-12-31", expect=1)
farm_operator.example(rows=[{"kind": None, "recognised_on": "2025-03-01"}], as_of="2025-12-31", expect=0)


@indicator(
    code="operation.land_contracts",
    name="有效土地流转合同数",
    name_en="land contracts in force",
    item="agriculture.land",
    unit="count",
    better="higher",
    basis="国办发〔2024〕15号农业领域（工作草案）",
    since="2026-11-01",
)
def land_contracts(row: Row, as_of: AsOf) -> Column:
    """Contracts that have not ended by the day."""
    return F.count(F.when(standing(row.valid_to, as_of.on), 1))


land_contracts.example(
    rows=[{"signed_on": "2020-03-01", "valid_to": "2030-03-01"}, {"signed_on": "2020-03-01", "valid_to": "2024-03-01"}],
    as_of="2025-12-31",
    expect=1,
)
land_contracts.example(rows=[{"signed_on": "2020-03-01", "valid_to": "2024-03-01"}], as_of="2025-12-31", expect=0)


@indicator(
    code="operation.subsidies_36m_fen",
    name="近36个月涉农补贴",
    name_en="agricultural subsidies in the last 36 months",
    item="agriculture.subsidy",
    unit="fen",
    better="neither",
    basis="国办发〔2024〕15号农业领域（工作草案）",
    since="2026-11-01",
    months=36,
)
def subsidies_36m_fen(row: Row, as_of: AsOf) -> Column:
    """Sum of subsidies paid."""
    return F.sum(F.when(as_of.within(row.paid_on, months=36), row.amount_fen))


subsidies_36m_fen.example(rows=[{"paid_on": "2025-03-01", "amount_fen": 60}], as_of="2025-12-31", expect=60)
subsidies_36m_fen.example(rows=[{"paid_on": "2020-03-01", "amount_fen": 60}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.orders_fen",
    name="在手订单金额",
    name_en="orders in hand",
    item="voluntary.operating",
    unit="fen",
    better="neither",
    basis="企业自愿填报并承诺真实；只作画像，不计分（工作草案）",
    since="2026-11-01",
    months=6,
)
def orders_fen(row: Row, as_of: AsOf) -> Column:
    """Of the newest of the last 6 months."""
    return latest(row.orders_fen, row.month, within=as_of.within(row.month, months=6))


orders_fen.example(
    rows=[{"month": "2025-10-01", "orders_fen": 7}, {"month": "2025-09-01", "orders_fen": 9}],
    as_of="2025-12-31",
    expect=7,
)
orders_fen.example(rows=[{"month": "2024-10-01", "orders_fen": 7}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.receivable_fen",
    name="应收账款余额",
    name_en="receivables",
    item="voluntary.operating",
    unit="fen",
    better="neither",
    basis="企业自愿填报并承诺真实；只作画像，不计分（工作草案）",
    since="2026-11-01",
    months=6,
)
def receivable_fen(row: Row, as_of: AsOf) -> Column:
    """Of the newest of the last 6 months."""
    return latest(row.receivable_fen, row.month, within=as_of.within(row.month, months=6))


receivable_fen.example(
    rows=[{"month": "2025-10-01", "receivable_fen": 7}, {"month": "2025-09-01", "receivable_fen": 9}],
    as_of="2025-12-31",
    expect=7,
)
receivable_fen.example(rows=[{"month": "2024-10-01", "receivable_fen": 7}], as_of="2025-12-31", expect=None)


@indicator(
    code="operation.medical_insured",
    name="医保参保人数",
    name_en="persons with medical insurance",
    item="social.medical",
    unit="persons",
    better="higher",
    basis="《社会保险法》第二十三条；与养老参保人数互相印证（工作草案）",
    since="2026-11-01",
    months=6,
)
def medical_insured(row: Row, as_of: AsOf) -> Column:
    """Of the newest of the last 6 months."""
    return latest(row.insured_persons, row.month, within=as_of.within(row.month, months=6))


medical_insured.example(
    rows=[{"month": "2025-10-01", "insured_persons": 7}, {"month": "2025-09-01", "insured_persons": 9}],
    as_of="2025-12-31",
    expect=7,
)
medical_insured.example(rows=[{"month": "2024-10-01", "insured_persons": 7}], as_of="2025-12-31", expect=None)
