"""What the registration itself says: age, capital, status, industry, address."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators import AsOf, Row, indicator

ITEM = "registration.basic"


@indicator(
    code="identity.age_months",
    name="成立月数",
    name_en="months since establishment",
    item=ITEM,
    unit="months",
    better="higher",
    basis="GB/T 23794-2023 基本指标；存续时间越长，经营越经得起检验（工作草案）",
    since="2026-01-01",
)
def age_months(row: Row, as_of: AsOf) -> Column:
    """Whole months since the date of establishment."""
    return F.max(as_of.months_since(row.registered_on))


age_months.example(rows=[{"registered_on": "2020-03-15"}], as_of="2025-12-31", expect=69)
age_months.example(rows=[{"registered_on": "2025-03-31"}], as_of="2025-04-30", expect=0)
age_months.example(rows=[{"registered_on": None}], as_of="2025-12-31", expect=None)


@indicator(
    code="identity.capital_fen",
    name="注册资本（人民币）",
    name_en="registered capital in renminbi",
    item=ITEM,
    unit="fen",
    better="higher",
    basis="《企业信息公示暂行条例》第六条；外币资本不折算，视为不知道（工作草案）",
    since="2026-01-01",
)
def capital_fen(row: Row, as_of: AsOf) -> Column:
    """Registered capital where it is stated in renminbi; no exchange rate is applied."""
    return F.max(F.when(row.capital_currency == "CNY", row.capital_fen))


capital_fen.example(
    rows=[{"capital_fen": 100_000_000, "capital_currency": "CNY"}], as_of="2025-12-31", expect=100_000_000
)
capital_fen.example(rows=[{"capital_fen": 100_000_000, "capital_currency": "USD"}], as_of="2025-12-31", expect=None)


@indicator(
    code="identity.closed",
    name="已注销或吊销",
    name_en="deregistered or licence revoked",
    item=ITEM,
    unit="flag",
    better="lower",
    basis="《市场主体登记管理条例》；登记状态为注销、吊销的主体不再经营（工作草案）",
    since="2026-01-01",
)
def closed(row: Row, as_of: AsOf) -> Column:
    """1 when the registration status is deregistered or revoked, null when no status is stated."""
    ended = row.status.isin("注销", "吊销")
    return F.max(F.when(ended, 1).when(row.status.isNotNull(), 0))


closed.example(rows=[{"status": "存续"}], as_of="2025-12-31", expect=0)
closed.example(rows=[{"status": "吊销"}], as_of="2025-12-31", expect=1)
closed.example(rows=[{"status": None}], as_of="2025-12-31", expect=None)


@indicator(
    code="identity.address_stated",
    name="登记住所明确",
    name_en="registered address stated",
    item=ITEM,
    unit="flag",
    better="higher",
    basis="小微企业融资协调机制的准入条件之一：有固定经营场所（金发〔2024〕32号；工作草案）",
    since="2026-01-01",
)
def address_stated(row: Row, as_of: AsOf) -> Column:
    """1 when the registration holds an address, else 0."""
    return F.max(F.when(row.address.isNotNull(), 1).otherwise(0))


address_stated.example(rows=[{"address": "陕西省西安市雁塔区示例路1号"}], as_of="2025-12-31", expect=1)
address_stated.example(rows=[{"address": None}], as_of="2025-12-31", expect=0)


@indicator(
    code="identity.industry",
    name="行业代码",
    name_en="industry class",
    item=ITEM,
    unit="code",
    better="neither",
    basis="GB/T 4754-2017；划型依据（工信部联企业〔2011〕300号）",
    since="2026-01-01",
)
def industry(row: Row, as_of: AsOf) -> Column:
    """The GB/T 4754 class; used for the size class, never scored."""
    return F.max(row.industry)


industry.example(rows=[{"industry": "C3411"}], as_of="2025-12-31", expect="C3411")
industry.example(rows=[{"industry": None}], as_of="2025-12-31", expect=None)
