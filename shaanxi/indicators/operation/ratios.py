"""Ratios across items: one department's figure against another's."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import per, percent
from shaanxi.indicators.operation.annual_report import revenue_reported_fen
from shaanxi.indicators.operation.electricity import kwh_12m
from shaanxi.indicators.operation.fund import fund_depositors
from shaanxi.indicators.operation.insurance import insured_persons
from shaanxi.indicators.operation.invoices import invoiced_12m_fen
from shaanxi.indicators.operation.markets import exports_12m_fen, medical_insured
from shaanxi.indicators.operation.tax import sales_12m_fen, tax_paid_12m_fen
from xinqiao.indicators import derived


@derived(
    code="operation.sales_per_insured_fen",
    name="人均销售额",
    name_en="sales per insured person",
    of=[sales_12m_fen, insured_persons],
    unit="fen",
    better="higher",
    basis="部门间数据互相印证（工作草案）",
    since="2026-11-01",
)
def sales_per_insured_fen(sales: Column, persons: Column) -> Column:
    """Sales of 12 months for each insured person, whole fen."""
    return F.floor(per(sales, persons))


sales_per_insured_fen.example(1000, 3, expect=333)
sales_per_insured_fen.example(1000, 0, expect=None)
sales_per_insured_fen.example(None, 3, expect=None)


@derived(
    code="operation.tax_per_insured_fen",
    name="人均纳税额",
    name_en="tax per insured person",
    of=[tax_paid_12m_fen, insured_persons],
    unit="fen",
    better="higher",
    basis="部门间数据互相印证（工作草案）",
    since="2026-11-01",
)
def tax_per_insured_fen(tax: Column, persons: Column) -> Column:
    """Tax paid in 12 months for each insured person, whole fen."""
    return F.floor(per(tax, persons))


tax_per_insured_fen.example(500, 2, expect=250)
tax_per_insured_fen.example(500, None, expect=None)


@derived(
    code="operation.tax_burden_percent",
    name="税负率",
    name_en="tax paid in per cent of sales",
    of=[tax_paid_12m_fen, sales_12m_fen],
    unit="percent",
    better="neither",
    basis="部门间数据互相印证（工作草案）",
    since="2026-11-01",
)
def tax_burden_percent(tax: Column, sales: Column) -> Column:
    """Tax paid in per cent of sales."""
    return percent(tax, sales)


tax_burden_percent.example(31, 1000, expect=Decimal("3.1"))
tax_burden_percent.example(31, 0, expect=None)


@derived(
    code="operation.kwh_per_sales",
    name="每万元销售额用电",
    name_en="electricity per 10,000 yuan of sales",
    of=[kwh_12m, sales_12m_fen],
    unit="ratio",
    better="neither",
    basis="部门间数据互相印证（工作草案）",
    since="2026-11-01",
)
def kwh_per_sales(kwh: Column, sales: Column) -> Column:
    """Kilowatt hours for each 10,000 yuan (1,000,000 fen) of sales, at most 9,999,999."""
    return F.when(kwh < sales * 9, per(kwh, sales, times=1_000_000))


kwh_per_sales.example(300, 2000000, expect=Decimal(150))
kwh_per_sales.example(300, 0, expect=None)
kwh_per_sales.example(300, 1, expect=None)


@derived(
    code="operation.invoiced_to_sales_percent",
    name="开票额与申报销售额之比",
    name_en="invoices in per cent of declared sales",
    of=[invoiced_12m_fen, sales_12m_fen],
    unit="percent",
    better="neither",
    basis="部门间数据互相印证（工作草案）",
    since="2026-11-01",
)
def invoiced_to_sales_percent(invoiced: Column, sales: Column) -> Column:
    """Invoices in per cent of declared sales; far from 100 asks for an explanation."""
    return percent(invoiced, sales)


invoiced_to_sales_percent.example(970, 1000, expect=Decimal(97))
invoiced_to_sales_percent.example(None, 1000, expect=None)


@derived(
    code="operation.reported_to_declared_percent",
    name="年报收入与申报销售额之比",
    name_en="reported revenue in per cent of declared sales",
    of=[revenue_reported_fen, sales_12m_fen],
    unit="percent",
    better="neither",
    basis="部门间数据互相印证（工作草案）",
    since="2026-11-01",
)
def reported_to_declared_percent(reported: Column, sales: Column) -> Column:
    """Revenue of the annual report in per cent of declared sales."""
    return percent(reported, sales)


reported_to_declared_percent.example(1200, 1000, expect=Decimal(120))
reported_to_declared_percent.example(1200, None, expect=None)


@derived(
    code="operation.medical_to_insured_percent",
    name="医保与养老参保人数之比",
    name_en="medical insured in per cent of pension insured",
    of=[medical_insured, insured_persons],
    unit="percent",
    better="neither",
    basis="部门间数据互相印证（工作草案）",
    since="2026-11-01",
)
def medical_to_insured_percent(medical: Column, pension: Column) -> Column:
    """Persons with medical insurance in per cent of those with a pension."""
    return percent(medical, pension)


medical_to_insured_percent.example(9, 10, expect=Decimal(90))
medical_to_insured_percent.example(9, 0, expect=None)


@derived(
    code="operation.fund_coverage_percent",
    name="公积金覆盖率",
    name_en="fund depositors in per cent of insured persons",
    of=[fund_depositors, insured_persons],
    unit="percent",
    better="higher",
    basis="部门间数据互相印证（工作草案）",
    since="2026-11-01",
)
def fund_coverage_percent(depositors: Column, insured: Column) -> Column:
    """Fund depositors in per cent of insured persons."""
    return percent(depositors, insured)


fund_coverage_percent.example(17, 20, expect=Decimal(85))
fund_coverage_percent.example(17, 0, expect=None)


@derived(
    code="operation.export_percent",
    name="出口占销售额比例",
    name_en="exports in per cent of sales",
    of=[exports_12m_fen, sales_12m_fen],
    unit="percent",
    better="neither",
    basis="部门间数据互相印证（工作草案）",
    since="2026-11-01",
)
def export_percent(exports: Column, sales: Column) -> Column:
    """Exports in per cent of declared sales."""
    return percent(exports, sales)


export_percent.example(300, 1000, expect=Decimal(30))
export_percent.example(None, 1000, expect=None)
