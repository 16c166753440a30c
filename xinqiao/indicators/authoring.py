"""The surface on which indicators are written: a row of columns, a day, a decorator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators.types import UNITS, IndicatorExample, IndicatorFacts
from xinqiao.kernel.dated import add_months


class Row:
    """The columns of an item: ``row.decided_on`` is the column of that field; ``row.occurred_on`` the event date."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = frozenset(columns)

    def __getattr__(self, name: str) -> Column:
        stored = "_occurred_on" if name == "occurred_on" else name
        if stored not in self._columns:
            raise AttributeError(f"the item has no column {name!r}; it has {', '.join(sorted(self._columns))}")
        return F.col(stored)


@dataclass(frozen=True, slots=True)
class AsOf:
    """The day an indicator speaks of, and how many months before it the declaration lets it look."""

    day: date
    months: int | None = None

    @property
    def on(self) -> Column:
        """The day as a column."""
        return F.lit(self.day)

    def within(self, column: Column, *, months: int) -> Column:
        """Whether a date lies in the ``months`` before the day: after the same day n months ago, up to the day.

        Raises ValueError for more months than the indicator declares: an authorisation's reach is checked by that.
        """
        if months > (self.months or 0):
            raise ValueError(f"looks back {months} months, but declares {self.months}")
        return (column > F.lit(add_months(self.day, -months))) & (column <= self.on)

    def months_since(self, column: Column) -> Column:
        """Whole months from a date to the day; a month counts once its day of month is reached."""
        months = (F.lit(self.day.year) - F.year(column)) * 12 + F.lit(self.day.month) - F.month(column)
        return months - F.when(F.dayofmonth(column) > F.lit(self.day.day), 1).otherwise(0)

    def years_since(self, column: Column) -> Column:
        """Whole years from a date to the day."""
        return F.floor(self.months_since(column) / F.lit(12)).cast("bigint")

    def days_since(self, column: Column) -> Column:
        """Days from a date to the day."""
        return F.datediff(self.on, column)


Formula = Callable[[Row, AsOf], Column]


@dataclass(slots=True, eq=False)
class Indicator:
    """A declared indicator with its formula and the examples that hold of it."""

    facts: IndicatorFacts
    formula: Formula
    examples: list[IndicatorExample] = field(default_factory=list)

    def example(self, *, rows: Sequence[Mapping[str, Any]], as_of: str, expect: object) -> None:
        """State that these rows on that day give ``expect``; run by the content tests."""
        self.examples.append(IndicatorExample(tuple(rows), date.fromisoformat(as_of), expect))

    def aggregate(self, row: Row, as_of: AsOf) -> Column:
        """The formula's column, cast to the kind of its unit and named."""
        return (
            self.formula(row, replace(as_of, months=self.facts.months))
            .cast(self.facts.kind.value)
            .alias(self.facts.column)
        )


def indicator(
    *,
    code: str,
    name: str,
    name_en: str,
    item: str,
    unit: str,
    better: str,
    basis: str,
    since: str,
    none: int | None = None,
    months: int | None = None,
) -> Callable[[Formula], Indicator]:
    """Declare an indicator over the rows that one enterprise has in ``item``.

    ``none`` is its value when the item is a complete list and holds nothing about the enterprise; ``months`` how far
    back it looks, which an authorisation with a shorter reach keeps from being given. Raises
    ValueError at import for a unit or direction that does not exist.
    """
    if unit not in UNITS:
        raise ValueError(f"{code}: unit {unit!r} is not one of {', '.join(UNITS)}")
    if better not in ("higher", "lower", "neither"):
        raise ValueError(f"{code}: better must be higher, lower or neither")
    facts = IndicatorFacts(
        code=code,
        name=name,
        name_en=name_en,
        item=item,
        unit=unit,
        better=better,
        basis=basis,
        since=date.fromisoformat(since),
        none=none,
        months=months,
    )
    return lambda formula: Indicator(facts, formula)
