"""The surface on which indicators are written: a row of columns, a day, a decorator.

Three kinds, each declared: ``indicator`` over the rows of one item; ``derived`` from the values of such indicators,
after the passes; ``peer``, the place of a value among those of the same division and size class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from xinqiao.indicators.types import (
    UNITS,
    DerivedExample,
    IndicatorExample,
    IndicatorFacts,
    Measure,
    PeerExample,
)
from xinqiao.kernel.dated import add_months


class Row:
    """The columns of an item: ``row.decided_on`` is the column of that field; ``row.occurred_on`` the event date.

    ``key`` are the columns that, with the enterprise, tell the item's rows apart.
    """

    def __init__(self, columns: Sequence[str], key: Sequence[str] = ()) -> None:
        self._columns, self._key = frozenset(columns), frozenset(key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and (self._columns, self._key) == (other._columns, other._key)

    def __hash__(self) -> int:
        return hash((self._columns, self._key))

    def once_by(self, name: str) -> bool:
        """Whether an enterprise has at most one standing row of every value of that column, by the item's key."""
        return self._key == {name}

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

    def months_before(self, column: Column) -> Column:
        """Calendar months from a month (its first day) to the day's month: 0 for this month, 1 for the last one."""
        months = (F.lit(self.day.year) - F.year(column)) * 12 + F.lit(self.day.month) - F.month(column)
        return months.cast("bigint")


Formula = Callable[[Row, AsOf], Column]


@dataclass(slots=True, eq=False)
class Declared:
    """What every kind of indicator has: its declaration, and the indicators it is computed from."""

    facts: IndicatorFacts
    inputs: tuple[Declared, ...] = field(default=(), kw_only=True)

    @property
    def example_count(self) -> int:
        """How many examples hold of it."""
        return 0


@dataclass(slots=True, eq=False)
class Indicator(Declared):
    """A declared indicator with its formula over the rows of one item, and the examples that hold of it."""

    formula: Formula
    examples: list[IndicatorExample] = field(default_factory=list)

    def example(self, *, rows: Sequence[Mapping[str, Any]], as_of: str, expect: object) -> None:
        """State that these rows on that day give ``expect``; run by the content tests."""
        self.examples.append(IndicatorExample(tuple(rows), date.fromisoformat(as_of), expect))

    @property
    def example_count(self) -> int:
        """How many examples hold of it."""
        return len(self.examples)

    def aggregate(self, row: Row, as_of: AsOf) -> Column:
        """The formula's column, cast to the kind of its unit and named."""
        return (
            self.formula(row, replace(as_of, months=self.facts.months))
            .cast(self.facts.kind.value)
            .alias(self.facts.column)
        )


@dataclass(slots=True, eq=False)
class Derived(Declared):
    """An indicator computed from the values of others; ``formula`` takes their columns in the order declared."""

    formula: Callable[..., Column]
    examples: list[DerivedExample] = field(default_factory=list)

    def example(self, *values: object, expect: object) -> None:
        """State that these values of the inputs, in their order, give ``expect``; None is a value not known."""
        self.examples.append(DerivedExample(values, expect))

    @property
    def example_count(self) -> int:
        """How many examples hold of it."""
        return len(self.examples)

    def column(self) -> Column:
        """The formula over the columns of the inputs, cast and named."""
        values = [F.col(i.facts.column) for i in self.inputs]
        return self.formula(*values).cast(self.facts.kind.value).alias(self.facts.column)


@dataclass(slots=True, eq=False)
class Peer(Declared):
    """The place of an enterprise's value (the first input) among its peers; the other inputs make the group."""

    measure: Measure
    examples: list[PeerExample] = field(default_factory=list)

    def example(self, *, group: Sequence[object], own: object, expect: object) -> None:
        """State that ``own`` in this group is given ``expect``."""
        self.examples.append(PeerExample(tuple(group), own, expect))

    @property
    def example_count(self) -> int:
        """How many examples hold of it."""
        return len(self.examples)

    @property
    def of(self) -> Declared:
        """The indicator whose values are compared."""
        return self.inputs[0]


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
    _check(code, unit, better)
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


def derived(
    *, code: str, name: str, name_en: str, of: Sequence[Indicator], unit: str, better: str, basis: str, since: str
) -> Callable[[Callable[..., Column]], Derived]:
    """Declare an indicator computed from the values of indicators over rows, such as a ratio across items.

    Items and months follow from ``of``: the value needs an authorisation for all of their items and looks back as far
    as the furthest. The formula answers null where an input is null. Raises ValueError as ``indicator`` does.
    """
    _check(code, unit, better)
    if not of or any(not isinstance(i, Indicator) for i in of):
        raise ValueError(f"{code}: a derived indicator is computed from indicators over rows")
    facts = _resting_on(of, code=code, name=name, name_en=name_en, unit=unit, better=better, basis=basis, since=since)
    return lambda formula: Derived(facts, formula, inputs=tuple(of))


def peer(
    *,
    code: str,
    name: str,
    name_en: str,
    of: Indicator | Derived,
    within: Sequence[Indicator],
    measure: Measure,
    basis: str,
    since: str,
) -> Peer:
    """Declare the place of a value among the enterprises of the same GB/T 4754 division and size class, in per cent.

    ``within`` are the indicators of industry, persons and sales that make the group; their items count like those of
    the value itself. Groups of fewer than five give no value. Raises ValueError for a value that is not a number.
    """
    _check(code, "percent", of.facts.better)
    if of.facts.unit in ("grade", "code", "date"):
        raise ValueError(f"{code}: only numbers have a rank")
    facts = _resting_on(
        [of, *within], code=code, name=name, name_en=name_en, unit="percent", better=of.facts.better, basis=basis,
        since=since,
    )  # fmt: skip
    return Peer(facts, measure, inputs=(of, *within))


def _check(code: str, unit: str, better: str) -> None:
    if unit not in UNITS:
        raise ValueError(f"{code}: unit {unit!r} is not one of {', '.join(UNITS)}")
    if better not in ("higher", "lower", "neither"):
        raise ValueError(f"{code}: better must be higher, lower or neither")


def _resting_on(inputs: Sequence[Declared], *, since: str, **given: str) -> IndicatorFacts:
    """The declaration of an indicator that rests on others: their items, and the furthest they look back."""
    items = list(dict.fromkeys(item for i in inputs for item in i.facts.items))
    months = [i.facts.months for i in inputs if i.facts.months is not None]
    return IndicatorFacts(
        **given,
        item=items[0],
        further=tuple(items[1:]),
        since=date.fromisoformat(since),
        months=max(months, default=None),
    )
