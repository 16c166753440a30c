"""Exact arithmetic that indicators share: percentages in decimals, null where there is nothing to divide by."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators.authoring import AsOf

EXACT = "decimal(20,4)"
# A tiny base can give any percentage; beyond this it says nothing more and would not fit decimal(12,4).
HIGHEST_PERCENT = 99_999
NUMBERS = Decimal(10**20)  # more than there are whole numbers of 64 bits
DAYS_BEFORE = 1_000_000  # before 1970, so that no day is negative
GREATEST = 10**17  # beyond it a sum does not fit: no enterprise of the province comes near


def percent(part: Column, whole: Column) -> Column:
    """``part`` in per cent of ``whole``; null when the whole is not positive."""
    share = part.cast(EXACT) / F.when(whole > 0, whole).cast(EXACT) * 100
    # Not F.least: it passes over a null and would turn "not known" into the bound.
    return F.when(share > HIGHEST_PERCENT, F.lit(HIGHEST_PERCENT)).otherwise(share)


def change_percent(value: Column, *, recent: Column, before: Column) -> Column:
    """Change of the mean of ``value`` from the rows ``before`` to the ``recent`` ones, in per cent."""
    new, old = F.sum(F.when(recent, value)), F.sum(F.when(before, value))
    new_rows, old_rows = F.count(F.when(recent, value)), F.count(F.when(before, value))
    return percent(new * old_rows - old * new_rows, old * new_rows)


def slope_percent(value: Column, month: Column, as_of: AsOf, *, months: int, once: bool) -> Column:
    """Slope of monthly values by least squares, in per cent of their mean a month; null under three months.

    Over the last ``months``, fewer than 63. Exact: sums of integers, one division. Several rows of one month (two
    meters) count as their sum; ``once`` says that there can be but one, which is less to compute.
    """
    back, within = as_of.months_before(month), as_of.within(month, months=months)
    seen = within & value.isNotNull()
    if once:
        count, total_back, squares = (F.sum(F.when(seen, power)) for power in (F.lit(1), back, back * back))
    else:
        count, total_back, squares = _months_and_powers(_months(back, seen), _planes(months))
    total = F.sum(F.when(within, value).cast("decimal(20,0)"))
    weighted = F.sum(F.when(within, value * back).cast("decimal(22,0)"))
    rise = (total_back * total - count * weighted) * count
    base = (count * squares - total_back * total_back) * total
    enough = F.when((base > 0) & (base < 90 * GREATEST) & (count >= 3), base)
    # Engines keep different numbers of digits of a quotient; of these types all keep eight or more, so that the four
    # that are stored are the same everywhere.
    rise = F.when(F.abs(rise) < GREATEST, rise * 100)
    share = rise.cast("decimal(24,4)") / enough.cast("decimal(20,0)")
    return F.when(share > HIGHEST_PERCENT, F.lit(HIGHEST_PERCENT)).otherwise(share)


def streak(back: Column, *, good: Column, within: Column) -> Column:
    """Months in a row up to the newest one delivered in which every row is ``good``; a month missing ends it.

    ``back`` counts the months before the day, fewer than 63.
    """
    seen, bad = _months(back, within), _months(back, within & ~F.coalesce(good, F.lit(False)))
    kept, lowest = seen - bad, seen.bitwiseAND(-seen)
    # Adding a one at the newest month carries through all ones that follow it: they turn, and the bit behind them.
    return F.when(seen > 0, _ones(kept.bitwiseXOR(kept + lowest)) - 1)


def _months(back: Column, when: Column) -> Column:
    """The months in which a condition holds, as the bits of one number: bit 0 is the month of the day.

    Counting distinct months would say the same, at ten times the cost: engines hash every distinct value.
    """
    bit = F.call_function("shiftleft", F.lit(1).cast("bigint"), back.cast("int"))
    return F.coalesce(F.bit_or(F.when(when, bit)), F.lit(0).cast("bigint"))


def _planes(months: int) -> list[int]:
    """For every bit k of the places up to ``months`` the number whose ones are at the places with that bit."""
    places = range(months + 1)
    return [sum(1 << place for place in places if place >> k & 1) for k in range(months.bit_length())]


def _months_and_powers(bits: Column, planes: Sequence[int]) -> tuple[Column, Column, Column]:
    """How many months, the sum of their places and of the squares of these."""
    return _ones(bits), _sum_of_places(bits, planes), _sum_of_squared_places(bits, planes)


def _ones(bits: Column) -> Column:
    return F.bit_count(bits).cast("bigint")


def _sum_of_places(bits: Column, planes: Sequence[int]) -> Column:
    """The sum of the places at which a bit is set: 2ᵏ for every place in plane k."""
    return reduce(add, (_ones(bits.bitwiseAND(F.lit(plane))) * (1 << k) for k, plane in enumerate(planes)))


def _sum_of_squared_places(bits: Column, planes: Sequence[int]) -> Column:
    """The sum of the squares of these places: 2ʲ⁺ᵏ for every place in both planes, each pair twice."""
    both = [(j, k) for j in range(len(planes)) for k in range(j + 1)]
    ones = {pair: _ones(bits.bitwiseAND(F.lit(planes[pair[0]] & planes[pair[1]]))) for pair in both}
    return reduce(add, (ones[j, k] * (1 << (j + k + (j != k))) for j, k in both))


def latest(value: Column, on: Column, *, within: Column) -> Column:
    """The whole number of the newest row that counts and has one; of two rows of a day the greater."""
    return newest(value, on, within=within & value.isNotNull())


def newest(value: Column, on: Column, *, within: Column) -> Column:
    """The whole number of the newest row that counts, null where it has none; of two rows of a day the greater.

    Day and number lie in one number whose maximum is taken: engines take that of plain columns, but ``max_by`` one
    enterprise after the other, several times as slow, and either row where two are of one day.
    """
    day = (F.unix_date(on) + DAYS_BEFORE).cast("decimal(8,0)") * F.lit(NUMBERS).cast("decimal(21,0)")
    number = F.coalesce(value.cast("decimal(20,0)") + F.lit(NUMBERS / 2), F.lit(Decimal(0)).cast("decimal(21,0)"))
    found = F.max(F.when(within, (day + number).cast("decimal(38,0)"))) % F.lit(NUMBERS).cast("decimal(21,0)")
    return (F.when(found > 0, found) - F.lit(NUMBERS / 2)).cast("bigint")


def latest_text(value: Column, on: Column, *, within: Column) -> Column:
    """The text of the newest row that counts and has one."""
    return F.max_by(value, F.when(within & value.isNotNull(), on))


def standing(ended_on: Column, day: Column) -> Column:
    """Whether something has not ended by the day; without an end it stands."""
    return F.coalesce(ended_on > day, F.lit(True))


def per(part: Column, whole: Column, *, times: int = 1) -> Column:
    """``part`` for each of ``whole``, ``times`` over; null where either is not known or the whole is not positive."""
    return part.cast("decimal(20,4)") * times / F.when(whole > 0, whole).cast("decimal(20,4)")
