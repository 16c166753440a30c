"""What happens to a firm before it exists, after it has ended, or without its being registered."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from shaanxi.cross_rules.measures import (
    BASIS,
    SINCE,
    first_licence_on,
    first_tax_month,
    insured_2m,
    kwh_3m,
    licences,
    licences_12m,
    registered,
    registered_on,
)
from shaanxi.indicators.identity.registration import closed
from xinqiao.indicators import Severity, cross_rule


@cross_rule(
    code="cross.licence_unregistered",
    name="有行政许可而无登记信息",
    name_en="licensed but not registered",
    of=[licences, registered],
    severity=Severity.ERROR,
    explain=["data_government_services", "market_regulation"],
    basis=BASIS,
    since=SINCE,
)
def licence_unregistered(given: Column, rows: Column) -> Column:
    """A licence for a code that the registry does not hold."""
    return (given > 0) & (rows == 0)


licence_unregistered.example(1, 0, expect=True)
licence_unregistered.example(1, 1, expect=False)
licence_unregistered.example(1, None, expect=False)


@cross_rule(
    code="cross.licence_before_founding",
    name="行政许可早于成立日期",
    name_en="licensed before it was established",
    of=[first_licence_on, registered_on],
    severity=Severity.ERROR,
    explain=["data_government_services", "market_regulation"],
    basis=BASIS,
    since=SINCE,
)
def licence_before_founding(licence: Column, founded: Column) -> Column:
    """The first licence is older than the firm."""
    return licence < founded


licence_before_founding.example("2020-01-01", "2020-01-02", expect=True)
licence_before_founding.example("2020-01-02", "2020-01-02", expect=False)
licence_before_founding.example("2020-01-02", None, expect=False)


@cross_rule(
    code="cross.sales_before_founding",
    name="申报销售早于成立月份",
    name_en="sales declared before the month of establishment",
    of=[first_tax_month, registered_on],
    severity=Severity.ERROR,
    explain=["tax_bureau", "market_regulation"],
    basis=BASIS,
    since=SINCE,
)
def sales_before_founding(month: Column, founded: Column) -> Column:
    """Sales in a month before that of the establishment."""
    return month < F.trunc(founded, "month")


sales_before_founding.example("2020-01-01", "2020-02-20", expect=True)
sales_before_founding.example("2020-02-01", "2020-02-20", expect=False)
sales_before_founding.example(None, "2020-02-20", expect=False)


@cross_rule(
    code="cross.closed_uses_electricity",
    name="已注销或吊销而仍在用电",
    name_en="deregistered but using electricity",
    of=[closed, kwh_3m],
    severity=Severity.DOUBT,
    explain=["market_regulation", "state_grid"],
    basis=BASIS,
    since=SINCE,
)
def closed_uses_electricity(ended: Column, kwh: Column) -> Column:
    """More than a hundred kilowatt-hours in three months: a meter at rest uses some."""
    return (ended == 1) & (kwh > 100)


closed_uses_electricity.example(1, 4000, expect=True)
closed_uses_electricity.example(1, 100, expect=False)
closed_uses_electricity.example(0, 4000, expect=False)
closed_uses_electricity.example(1, None, expect=False)


@cross_rule(
    code="cross.closed_still_insures",
    name="已注销或吊销而仍有人参保",
    name_en="deregistered but still insuring staff",
    of=[closed, insured_2m],
    severity=Severity.DOUBT,
    explain=["market_regulation", "human_resources"],
    basis=BASIS,
    since=SINCE,
)
def closed_still_insures(ended: Column, persons: Column) -> Column:
    """Persons insured in the last two months."""
    return (ended == 1) & (persons > 0)


closed_still_insures.example(1, 3, expect=True)
closed_still_insures.example(1, 0, expect=False)
closed_still_insures.example(0, 3, expect=False)


@cross_rule(
    code="cross.closed_newly_licensed",
    name="已注销或吊销而近一年仍获许可",
    name_en="deregistered but licensed within a year",
    of=[closed, licences_12m],
    severity=Severity.ERROR,
    explain=["data_government_services", "market_regulation"],
    basis=BASIS,
    since=SINCE,
)
def closed_newly_licensed(ended: Column, given: Column) -> Column:
    """A licence of the last twelve months."""
    return (ended == 1) & (given > 0)


closed_newly_licensed.example(1, 1, expect=True)
closed_newly_licensed.example(1, 0, expect=False)
closed_newly_licensed.example(None, 1, expect=False)
