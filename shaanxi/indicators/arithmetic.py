"""Exact arithmetic that indicators share: percentages in decimals, null where there is nothing to divide by."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

EXACT = "decimal(20,4)"
# A tiny base can give any percentage; beyond this it says nothing more and would not fit decimal(12,4).
HIGHEST_PERCENT = 99_999


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
