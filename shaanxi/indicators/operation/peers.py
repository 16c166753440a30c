"""The place of a firm among those of its division and size class."""

from __future__ import annotations

from decimal import Decimal

from shaanxi.indicators.identity.registration import industry
from shaanxi.indicators.operation.annual_report import assets_fen
from shaanxi.indicators.operation.insurance import insured_change_percent, insured_persons
from shaanxi.indicators.operation.ratios import kwh_per_sales, sales_per_insured_fen, tax_burden_percent
from shaanxi.indicators.operation.tax import sales_12m_fen, sales_change_percent
from xinqiao.indicators import Measure, peer

# GB/T 4754 division and size class: the inputs of the size table.
GROUP = (industry, insured_persons, sales_12m_fen, assets_fen)

sales_percentile = peer(
    code="operation.sales_percentile",
    name="销售额同业位次",
    name_en="place of sales among peers",
    of=sales_12m_fen,
    within=GROUP,
    measure=Measure.PERCENTILE,
    basis="同业比较：GB/T 4754-2017 大类与划型相同的企业之间，精确名次（工作草案）",
    since="2026-11-01",
)
sales_percentile.example(group=[10, 20, 30, 40, 50], own=30, expect=Decimal(50))
sales_percentile.example(group=[10, 20, 20, 40, 50], own=20, expect=Decimal(40))
sales_percentile.example(group=[10, 20, 30, 40], own=30, expect=None)
sales_percentile.example(group=[10, 20, 30, 40, 50], own=None, expect=None)


sales_change_percentile = peer(
    code="operation.sales_change_percentile",
    name="销售额变化同业位次",
    name_en="place of the change of sales among peers",
    of=sales_change_percent,
    within=GROUP,
    measure=Measure.PERCENTILE,
    basis="同业比较：GB/T 4754-2017 大类与划型相同的企业之间，精确名次（工作草案）",
    since="2026-11-01",
)
sales_change_percentile.example(
    group=[Decimal(-9), Decimal(0), Decimal(3), Decimal(4), Decimal(5)], own=Decimal(5), expect=Decimal(90)
)
sales_change_percentile.example(group=[Decimal(1)], own=Decimal(1), expect=None)


insured_change_percentile = peer(
    code="operation.insured_change_percentile",
    name="参保人数变化同业位次",
    name_en="place of the change of staff among peers",
    of=insured_change_percent,
    within=GROUP,
    measure=Measure.PERCENTILE,
    basis="同业比较：GB/T 4754-2017 大类与划型相同的企业之间，精确名次（工作草案）",
    since="2026-11-01",
)
insured_change_percentile.example(
    group=[Decimal(-9), Decimal(0), Decimal(3), Decimal(4), Decimal(5)], own=Decimal(5), expect=Decimal(90)
)
insured_change_percentile.example(group=[Decimal(1)], own=Decimal(1), expect=None)


sales_per_insured_percentile = peer(
    code="operation.sales_per_insured_percentile",
    name="人均销售额同业位次",
    name_en="place of sales per head among peers",
    of=sales_per_insured_fen,
    within=GROUP,
    measure=Measure.PERCENTILE,
    basis="同业比较：GB/T 4754-2017 大类与划型相同的企业之间，精确名次（工作草案）",
    since="2026-11-01",
)
sales_per_insured_percentile.example(group=[10, 20, 30, 40, 50], own=30, expect=Decimal(50))
sales_per_insured_percentile.example(group=[10, 20, 20, 40, 50], own=20, expect=Decimal(40))
sales_per_insured_percentile.example(group=[10, 20, 30, 40], own=30, expect=None)
sales_per_insured_percentile.example(group=[10, 20, 30, 40, 50], own=None, expect=None)


kwh_to_median_percent = peer(
    code="operation.kwh_to_median_percent",
    name="单位销售额用电与同业中位数之比",
    name_en="electricity per sales against the median of peers",
    of=kwh_per_sales,
    within=GROUP,
    measure=Measure.MEDIAN,
    basis="同业比较：GB/T 4754-2017 大类与划型相同的企业之间，精确名次（工作草案）",
    since="2026-11-01",
)
kwh_to_median_percent.example(
    group=[Decimal(1), Decimal(2), Decimal(4), Decimal(6), Decimal(8)], own=Decimal(6), expect=Decimal(150)
)
kwh_to_median_percent.example(
    group=[Decimal(1), Decimal(2), Decimal(4), Decimal(6), Decimal(8), Decimal(9)], own=Decimal(2), expect=Decimal(40)
)
kwh_to_median_percent.example(
    group=[Decimal(0), Decimal(0), Decimal(0), Decimal(6), Decimal(8)], own=Decimal(6), expect=None
)


tax_burden_to_median_percent = peer(
    code="operation.tax_burden_to_median_percent",
    name="税负率与同业中位数之比",
    name_en="tax burden against the median of peers",
    of=tax_burden_percent,
    within=GROUP,
    measure=Measure.MEDIAN,
    basis="同业比较：GB/T 4754-2017 大类与划型相同的企业之间，精确名次（工作草案）",
    since="2026-11-01",
)
tax_burden_to_median_percent.example(
    group=[Decimal(1), Decimal(2), Decimal(4), Decimal(6), Decimal(8)], own=Decimal(6), expect=Decimal(150)
)
tax_burden_to_median_percent.example(
    group=[Decimal(1), Decimal(2), Decimal(4), Decimal(6), Decimal(8), Decimal(9)], own=Decimal(2), expect=Decimal(40)
)
tax_burden_to_median_percent.example(
    group=[Decimal(0), Decimal(0), Decimal(0), Decimal(6), Decimal(8)], own=Decimal(6), expect=None
)
