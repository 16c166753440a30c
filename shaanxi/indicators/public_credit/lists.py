"""Further lists and orders."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import standing
from xinqiao.indicators import AsOf, Row, indicator


@indicator(
    code="public_credit.dishonest_subject",
    name="当前列入其他领域严重失信主体名单",
    name_en="on a serious dishonesty list of another field",
    item="list.dishonest_subject",
    unit="flag",
    better="lower",
    basis="国办发〔2020〕49号：严重失信主体名单依法设列（工作草案）",
    since="2026-11-01",
    none=0,
)
def dishonest_subject(row: Row, as_of: AsOf) -> Column:
    """1 while any of them stands on the day."""
    return F.max(F.when(standing(row.removed_on, as_of.on), 1).otherwise(0))


dishonest_subject.example(rows=[{"listed_on": "2025-03-01", "removed_on": None}], as_of="2025-12-31", expect=1)
dishonest_subject.example(rows=[{"listed_on": "2023-03-01", "removed_on": "2024-03-01"}], as_of="2025-12-31", expect=0)


@indicator(
    code="public_credit.consumption_restricted",
    name="当前被限制消费",
    name_en="under an order restricting consumption",
    item="judicial.consumption",
    unit="flag",
    better="lower",
    basis="《最高人民法院关于限制被执行人高消费及有关消费的若干规定》（工作草案）",
    since="2026-11-01",
    none=0,
)
def consumption_restricted(row: Row, as_of: AsOf) -> Column:
    """1 while any of them stands on the day."""
    return F.max(F.when(standing(row.lifted_on, as_of.on), 1).otherwise(0))


consumption_restricted.example(rows=[{"issued_on": "2025-03-01", "lifted_on": None}], as_of="2025-12-31", expect=1)
consumption_restricted.example(
    rows=[{"issued_on": "2023-03-01", "lifted_on": "2024-03-01"}], as_of="2025-12-31", expect=0
)


@indicator(
    code="public_credit.bankruptcy_open",
    name="破产程序未终结",
    name_en="bankruptcy proceedings not ended",
    item="judicial.bankruptcy",
    unit="flag",
    better="lower",
    basis="《企业破产法》第十四条（工作草案）",
    since="2026-11-01",
    none=0,
)
def bankruptcy_open(row: Row, as_of: AsOf) -> Column:
    """1 while any of them stands on the day."""
    return F.max(F.when(standing(row.closed_on, as_of.on), 1).otherwise(0))


bankruptcy_open.example(rows=[{"announced_on": "2025-03-01", "closed_on": None}], as_of="2025-12-31", expect=1)
bankruptcy_open.example(rows=[{"announced_on": "2023-03-01", "closed_on": "2024-03-01"}], as_of="2025-12-31", expect=0)


@indicator(
    code="public_credit.serious_tax",
    name="重大税收违法失信主体公布期内",
    name_en="serious tax violation within its publicity period",
    item="tax.serious_violation",
    unit="flag",
    better="lower",
    basis="《重大税收违法失信主体信息公布管理办法》（国家税务总局令第54号）（工作草案）",
    since="2026-11-01",
    none=0,
)
def serious_tax(row: Row, as_of: AsOf) -> Column:
    """1 while any of them stands on the day."""
    return F.max(F.when(standing(row.publish_until, as_of.on), 1).otherwise(0))


serious_tax.example(rows=[{"published_on": "2025-03-01", "publish_until": None}], as_of="2025-12-31", expect=1)
serious_tax.example(rows=[{"published_on": "2023-03-01", "publish_until": "2024-03-01"}], as_of="2025-12-31", expect=0)


@indicator(
    code="public_credit.customs_dishonest",
    name="海关失信企业",
    name_en="dishonest at customs",
    item="customs.registration",
    unit="flag",
    better="lower",
    basis="《海关注册登记和备案企业信用管理办法》（海关总署令第251号）（工作草案）",
    since="2026-11-01",
    none=0,
)
def customs_dishonest(row: Row, as_of: AsOf) -> Column:
    """1 when customs rates the firm as dishonest."""
    return F.max(F.when(row.level == "失信企业", 1).otherwise(0))


customs_dishonest.example(rows=[{"filed_on": "2025-03-01", "level": "失信企业"}], as_of="2025-12-31", expect=1)
customs_dishonest.example(rows=[{"filed_on": "2025-03-01", "level": "常规管理企业"}], as_of="2025-12-31", expect=0)


@indicator(
    code="public_credit.debt_evasion",
    name="依法认定的恶意逃废债，惩戒生效中",
    name_en="malicious debt evasion as determined by law, sanction in force",
    item="sanction.determined",
    unit="flag",
    better="lower",
    basis="恶意逃废债一经认定依法惩戒（省级实施方案；工作草案）",
    since="2026-12-01",
)
def debt_evasion(row: Row, as_of: AsOf) -> Column:
    """1 while a determination stands: what ends is taken back from the records."""
    return F.max(F.when(row.determined_on <= as_of.on, 1).otherwise(0))


debt_evasion.example(rows=[{"determined_on": "2025-03-01"}], as_of="2025-12-31", expect=1)
