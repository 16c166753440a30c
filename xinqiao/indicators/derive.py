"""Values computed from values: derived indicators, and the place of a value among its peers.

Peers are the enterprises of one GB/T 4754 division and one size class. The province ranks them by windows of the
engine; for one enterprise its place is looked up in what the last run published, and both put the same exact
counts into the same expression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from xinqiao.indicators.authoring import Declared, Derived, Indicator, Peer
from xinqiao.indicators.scoring import division_of, size_column, value_column
from xinqiao.indicators.types import Kind, Measure, Scoring, Standing

GROUP = "peer_group"
SIZE = "size_class"
FEWEST = 5  # a place among fewer would tell about single firms, and mean little
EXACT = "decimal(20,4)"
HIGHEST_PERCENT = 99_999  # beyond it a share of a tiny median says no more, and would not fit


class Peers(Protocol):
    """What a published run knows of the peers of a group."""

    def standing(self, column: str, group: str | None, value: object) -> Standing | None:
        """Where a value stands; None when the group is not in the run."""


def in_order(indicators: Sequence[Declared]) -> list[Declared]:
    """The indicators and all they are computed from, inputs first, each once."""
    found: dict[int, Declared] = {}

    def add(one: Declared) -> None:
        for source in one.inputs:
            add(source)
        found.setdefault(id(one), one)

    for one in indicators:
        add(one)
    return list(found.values())


def over_rows(indicators: Sequence[Declared]) -> list[Indicator]:
    """Those computed over the rows of an item."""
    return [i for i in indicators if isinstance(i, Indicator)]


def peers_among(indicators: Sequence[Declared]) -> list[Peer]:
    """Those that place a value among its peers."""
    return [i for i in indicators if isinstance(i, Peer)]


def with_derived(values: DataFrame, indicators: Sequence[Declared], scoring: Scoring) -> DataFrame:
    """``values`` with the derived indicators, the size class and the group of peers."""
    columns = [i.column() for i in indicators if isinstance(i, Derived)]
    frame = values.select("*", *columns, size_column(scoring).alias(SIZE))
    return frame.withColumn(GROUP, _group(scoring)) if peers_among(indicators) else frame


def _group(scoring: Scoring) -> Column:
    """Division and size class, such as ``34:small``; null without an industry."""
    industry = value_column(scoring.size_inputs[0])
    division = F.substring(division_of(industry), 1, 2)
    return F.when(industry.isNotNull(), F.concat_ws(":", division, F.col(SIZE)))


def ranked(frame: DataFrame, peers: Sequence[Peer]) -> DataFrame:
    """The province's frame with the place of each value among its peers."""
    if not peers:
        return frame
    for source in {p.of.facts.column: p.of for p in peers}.values():
        frame = _with_counts(frame, source.facts.column)
    placed = [_within_group(_placed(p, *(F.col(c) for c in _counts(p.of.facts.column))), p) for p in peers]
    scratch = [c for p in peers for c in _counts(p.of.facts.column)]
    return frame.select("*", *placed).drop(*dict.fromkeys(scratch))


def _within_group(place: Column, one: Peer) -> Column:
    return F.when(F.col(GROUP).isNotNull(), place).alias(one.facts.column)


def _counts(column: str) -> list[str]:
    return [f"{part}__{column}" for part in ("below", "equal", "count", "low", "high")]


def _with_counts(frame: DataFrame, column: str) -> DataFrame:
    """Exact counts of a column within each group: below, equal, known, and the two middle values."""
    below, equal, count, low, high = _counts(column)
    value, group = F.col(column), Window.partitionBy(GROUP)
    rising = group.orderBy(value.asc_nulls_last())
    frame = frame.select(
        "*",
        (F.rank().over(rising) - 1).cast("bigint").alias(below),
        F.count(value).over(Window.partitionBy(GROUP, column)).alias(equal),
        F.count(value).over(group).alias(count),
        F.row_number().over(rising).cast("bigint").alias("_place"),
    )
    first, second = F.shiftright(F.col(count) + 1, 1), F.shiftright(F.col(count) + 2, 1)
    middles = [F.max(F.when(F.col("_place") == at, value)).over(group) for at in (first, second)]
    return frame.select("*", middles[0].alias(low), middles[1].alias(high)).drop("_place")


def places_of_one(values: Mapping[str, object], peers: Sequence[Peer], known: Peers) -> list[Column]:
    """The places of one enterprise, looked up among published peers; ``values`` is its line so far."""
    columns = []
    for one in peers:
        column = one.of.facts.column
        value, group = values[column], values[GROUP]
        found = known.standing(column, None if group is None else str(group), value) if value is not None else None
        columns.append(_place(one, column, found))
    return columns


def _place(one: Peer, column: str, found: Standing | None) -> Column:
    if found is None:
        return F.lit(None).cast(Kind.DECIMAL.value).alias(one.facts.column)
    kind = one.of.facts.kind.value
    counts = [F.lit(n).cast("bigint") for n in (found.below, found.equal, found.count)]
    middles = [F.lit(str(n)).cast(kind) for n in (found.low, found.high)]
    return _placed(one, *counts, *middles)


def _placed(one: Peer, below: Column, equal: Column, count: Column, low: Column, high: Column) -> Column:
    """The measure from exact counts, null where the group or the value is missing or the group is too small."""
    value = F.col(one.of.facts.column)
    if one.measure is Measure.PERCENTILE:
        answer = ((below * 2 + equal) * 100).cast(EXACT) / (count * 2).cast(EXACT)
    else:
        middle = low.cast(EXACT) + high.cast(EXACT)
        # Engines keep different numbers of digits of a quotient; of these types all keep eight or more.
        share = (value.cast(EXACT) * 200).cast("decimal(24,4)") / F.when(middle > 0, middle).cast(EXACT)
        answer = F.when(share > HIGHEST_PERCENT, F.lit(HIGHEST_PERCENT)).otherwise(share)
    return F.when(value.isNotNull() & (count >= FEWEST), answer).cast(Kind.DECIMAL.value).alias(one.facts.column)
