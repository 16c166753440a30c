"""Exact arithmetic that indicators share: percentages in decimals, null where there is nothing to divide by."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

EXACT = "decimal(20,4)"
# A tiny base can give any percentage; beyond this it says nothing more and would not fit decimal(12,4).
HIGHEST_PERCENT = 99_999
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


def slope_percent(value: Column, back: Column, *, within: Column) -> Column:
    """Slope of monthly values by least squares, in per cent of their mean a month; null under three months.

    ``back`` counts the months before the day. Exact: sums of integers, one division. Several rows of one month (two
    meters) count as their sum.
    """
    seen = F.when(within & value.isNotNull(), back)
    months, total_back, squares = F.count_distinct(seen), F.sum_distinct(seen), F.sum_distinct(seen * seen)
    total = F.sum(F.when(within, value).cast("decimal(20,0)"))
    weighted = F.sum(F.when(within, value * back).cast("decimal(22,0)"))
    rise = (total_back * total - months * weighted) * months
    base = (months * squares - total_back * total_back) * total
    enough = F.when((months >= 3) & (base > 0) & (base < 90 * GREATEST), base)
    # Engines keep different numbers of digits of a quotient; of these types all keep eight or more, so that the four
    # that are stored are the same everywhere.
    rise = F.when(F.abs(rise) < GREATEST, rise * 100)
    share = rise.cast("decimal(24,4)") / enough.cast("decimal(20,0)")
    return F.when(share > HIGHEST_PERCENT, F.lit(HIGHEST_PERCENT)).otherwise(share)


def streak(back: Column, *, good: Column, within: Column) -> Column:
    """Months in a row up to the newest one delivered in which every row is ``good``; a month missing ends it.

    Each month is one bit, so the answer is the run of ones at the end.
    """
    seen, bad = _months(back, within), _months(back, within & ~F.coalesce(good, F.lit(False)))
    kept = F.bin(seen - bad)
    ends_alike = F.length(_trailing(F.bin(seen), "(0*)$")) == F.length(_trailing(kept, "(0*)$"))
    run = F.length(_trailing(kept, "(1*)0*$"))
    return F.when(seen > 0, F.when(ends_alike, run).otherwise(0))


def _months(back: Column, when: Column) -> Column:
    """The months in which a condition holds, as the bits of one number."""
    bit = F.call_function("shiftleft", F.lit(1).cast("bigint"), back.cast("int"))
    return F.coalesce(F.sum_distinct(F.when(when, bit)), F.lit(0).cast("bigint"))


def _trailing(bits: Column, pattern: str) -> Column:
    return F.regexp_extract(bits, pattern, 1)


def latest(value: Column, on: Column, *, within: Column) -> Column:
    """The value of the newest row that counts."""
    return F.max_by(value, F.when(within & value.isNotNull(), on))


def standing(ended_on: Column, day: Column) -> Column:
    """Whether something has not ended by the day; without an end it stands."""
    return F.coalesce(ended_on > day, F.lit(True))


def per(part: Column, whole: Column, *, times: int = 1) -> Column:
    """``part`` for each of ``whole``, ``times`` over; null where either is not known or the whole is not positive."""
    return part.cast("decimal(20,4)") * times / F.when(whole > 0, whole).cast("decimal(20,4)")
