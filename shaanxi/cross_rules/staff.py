"""Head-counts of one department against those of another."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.cross_rules.measures import BASIS, SINCE, employees_reported
from shaanxi.indicators.operation.fund import fund_depositors
from shaanxi.indicators.operation.insurance import insured_persons
from shaanxi.indicators.operation.markets import medical_insured
from shaanxi.indicators.operation.tax import tax_paid_12m_fen
from xinqiao.indicators import Severity, cross_rule


@cross_rule(
    code="cross.insured_without_tax",
    name="参保40人以上而全年未缴税",
    name_en="40 or more insured, no tax paid in a year",
    of=[insured_persons, tax_paid_12m_fen],
    severity=Severity.DOUBT,
    explain=["human_resources", "tax_bureau"],
    basis=BASIS,
    since=SINCE,
)
def insured_without_tax(persons: Column, tax: Column) -> Column:
    """Somebody pays the premium of forty people and nothing else."""
    return (persons >= 40) & (tax == 0)


insured_without_tax.example(40, 0, expect=True)
insured_without_tax.example(39, 0, expect=False)
insured_without_tax.example(40, 1, expect=False)
insured_without_tax.example(40, None, expect=False)


@cross_rule(
    code="cross.depositors_over_insured",
    name="公积金缴存人数远多于参保人数",
    name_en="far more housing fund depositors than insured persons",
    of=[fund_depositors, insured_persons],
    severity=Severity.DOUBT,
    explain=["housing_fund", "human_resources"],
    basis=BASIS,
    since=SINCE,
)
def depositors_over_insured(depositors: Column, persons: Column) -> Column:
    """Half as many again, and ten more."""
    return (depositors * 2 > persons * 3) & (depositors - persons >= 10)


depositors_over_insured.example(40, 20, expect=True)
depositors_over_insured.example(30, 20, expect=False)
depositors_over_insured.example(9, 0, expect=False)
depositors_over_insured.example(None, 20, expect=False)


@cross_rule(
    code="cross.medical_unlike_insured",
    name="职工医保与社会保险参保人数相差一半以上",
    name_en="medical and social insurance head-counts differ by half",
    of=[medical_insured, insured_persons],
    severity=Severity.DOUBT,
    explain=["medical_insurance", "human_resources"],
    basis=BASIS,
    since=SINCE,
)
def medical_unlike_insured(medical: Column, persons: Column) -> Column:
    """The smaller is under half of the larger, and they are ten apart."""
    more, fewer = F.greatest(medical, persons), F.least(medical, persons)
    known = medical.isNotNull() & persons.isNotNull()
    return known & (fewer * 2 < more) & (more - fewer >= 10)


medical_unlike_insured.example(40, 15, expect=True)
medical_unlike_insured.example(15, 40, expect=True)
medical_unlike_insured.example(40, 30, expect=False)
medical_unlike_insured.example(None, 40, expect=False)


@cross_rule(
    code="cross.employees_unlike_insured",
    name="年报从业人数远多于参保人数",
    name_en="far more employees in the annual report than insured persons",
    of=[employees_reported, insured_persons],
    severity=Severity.DOUBT,
    explain=["market_regulation", "human_resources"],
    basis=BASIS,
    since=SINCE,
)
def employees_unlike_insured(employees: Column, persons: Column) -> Column:
    """Three times as many, and twenty more."""
    return (employees > persons * 3) & (employees - persons >= 20)


employees_unlike_insured.example(60, 15, expect=True)
employees_unlike_insured.example(40, 15, expect=False)
employees_unlike_insured.example(40, None, expect=False)
