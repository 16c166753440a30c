"""Runs indicators: one grouped pass over each item's as-of view, here for one enterprise.

The province (:mod:`xinqiao.indicators.province`) aggregates with the same columns and joins the passes in the engine;
one enterprise has at most one line a pass, so its lines are put side by side here, which saves the engine dozens of
joins of one row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from xinqiao.catalogue.types import Absence, Item
from xinqiao.indicators.authoring import AsOf as Day
from xinqiao.indicators.authoring import Declared, Indicator, Peer, Row
from xinqiao.indicators.derive import (
    GROUP,
    SIZE,
    Peers,
    in_order,
    over_rows,
    peers_among,
    place_of_one,
    with_derived,
)
from xinqiao.indicators.engine import session
from xinqiao.indicators.scoring import scored
from xinqiao.indicators.types import Kind, Scoring
from xinqiao.indicators.views import SUBJECT, as_of_view, local_frame, province_view
from xinqiao.records.queries import read_enterprise, stored_schema
from xinqiao.records.types import AsOf

# One enterprise's passes wait for the engine, not for this process: a few at a time overlap.
_passes = ThreadPoolExecutor(max_workers=4, thread_name_prefix="pass")
ARROW = {Kind.INTEGER: pa.int64(), Kind.DECIMAL: pa.decimal128(12, 4), Kind.TEXT: pa.string(), Kind.DATE: pa.date32()}


def rows_column(item: Item) -> str:
    """Column that counts the rows an enterprise has in an item: null = the item was never delivered."""
    return f"rows__{item.code.replace('.', '__')}"


def newest_column(item: Item) -> str:
    """Column of the day of the newest row that an enterprise has in an item; null when it has none with a day."""
    return f"newest__{item.code.replace('.', '__')}"


def columns_of(item: Item, names: Sequence[str], as_of: AsOf) -> pa.Table | None:
    """Stored columns of the standing rows of an item, with the enterprise; None if it was never delivered."""
    view = province_view(session(), item, as_of)
    return None if view is None else view.select(SUBJECT, *names).toArrow()


def score_enterprise(
    enterprise: str,
    items: Sequence[Item],
    indicators: Sequence[Declared],
    scoring: Scoring,
    as_of: AsOf,
    *,
    registry: str,
    peers: Peers,
    unsettled: Collection[str] = (),
) -> dict[str, Any] | None:
    """The scored row of one enterprise, by the same columns as the province; None when the registry has none.

    Its place among its peers is looked up in ``peers``, what a published run knows of them.
    """
    tables = read_enterprise(enterprise, items, known=as_of.known)
    delivered = [item for item in items if item.code in tables]
    passes = _passes.map(
        lambda item: _pass_of_one(tables[item.code], item, of_item(item, indicators), as_of), delivered
    )
    line: dict[str, Any] = {SUBJECT: enterprise}
    for item, passed in zip(delivered, passes, strict=True):
        if item.code == registry and not passed:
            return None
        line |= passed
    if registry not in tables:
        return None
    schema = [(SUBJECT, pa.string())]
    for item in delivered:
        schema += _pass_schema(item, of_item(item, indicators)).items()
    table = pa.Table.from_pylist([line], schema=pa.schema(schema))
    frame = local_frame(session(), table)
    placing = peers_among(indicators)
    known = _compared(frame, items, set(tables), placing, scoring, unsettled) if placing else None
    settled = settle(frame, items, set(tables), indicators, unsettled)
    values = with_derived(settled, in_order(indicators), scoring, known)
    if known is not None:
        values = place_of_one(values, known, placing, peers)
    [row] = scored(values, scoring).collect()
    return dict(row.asDict())


def _compared(
    frame: DataFrame,
    items: Sequence[Item],
    delivered: set[str],
    placing: Sequence[Peer],
    scoring: Scoring,
    unsettled: Collection[str],
) -> dict[str, Any]:
    """One enterprise's size, group and compared values: fetched first, and only these are computed for it."""
    read = [item for item in items if of_item(item, placing)]
    values = with_derived(settle(frame, read, delivered, placing, unsettled), in_order(placing), scoring)
    [known] = values.select(SIZE, GROUP, *dict.fromkeys(p.of.facts.column for p in placing)).collect()
    return dict(known.asDict())


def of_item(item: Item, indicators: Sequence[Declared]) -> list[Indicator]:
    """The indicators computed in the pass over an item, those that others are computed from included."""
    return [i for i in over_rows(in_order(indicators)) if i.facts.item == item.code]


def _pass_schema(item: Item, indicators: Sequence[Indicator]) -> dict[str, pa.DataType]:
    counted = {rows_column(item): pa.int64(), newest_column(item): pa.date32()}
    return counted | {i.facts.column: ARROW[i.facts.kind] for i in indicators}


def _pass_of_one(table: pa.Table, item: Item, indicators: Sequence[Indicator], as_of: AsOf) -> dict[str, Any]:
    """The pass over one enterprise's rows, by column; empty when no row stands."""
    if not table.num_rows:
        return {}
    view = as_of_view(local_frame(session(), table), item, as_of)
    rows = item_pass(view, item, indicators, as_of).collect()
    return dict(rows[0].asDict()) if rows else {}


def item_pass(view: DataFrame, item: Item, indicators: Sequence[Indicator], as_of: AsOf) -> DataFrame:
    """All indicators of one item in one grouped pass, with the count of rows they rest on."""
    day, stored = Day(as_of.valid), tuple(stored_schema(item).names)
    columns = [_aggregate(i, stored, day) for i in indicators]
    counted = F.count(F.lit(1)).alias(rows_column(item)), F.max("_occurred_on").alias(newest_column(item))
    return view.groupBy(SUBJECT).agg(*counted, *columns)


@lru_cache(maxsize=4096)
def _aggregate(indicator: Indicator, stored: tuple[str, ...], day: Day) -> Column:
    """An indicator's column; made once a day, because building it costs as much as computing one enterprise."""
    return indicator.aggregate(Row(stored), day)


def settle(
    frame: DataFrame,
    items: Sequence[Item],
    delivered: set[str],
    indicators: Sequence[Declared],
    unsettled: Collection[str],
) -> DataFrame:
    """Settle what is none and what is not known.

    A value is null when it is not known. An item that is a complete list and holds nothing about an enterprise
    gives the indicator's ``none``, unless its source leaves that unsettled; an item never delivered gives null, with a
    null count.
    """
    columns: list[Column] = []
    for item in items:
        if item.code in delivered:
            columns += _settled(item, of_item(item, indicators), item.code not in unsettled)
        else:
            columns += _unknown(item, of_item(item, indicators))
    return frame.select(SUBJECT, *columns)


def _unknown(item: Item, indicators: Sequence[Indicator]) -> list[Column]:
    nothing = [F.lit(None).cast(i.facts.kind.value).alias(i.facts.column) for i in indicators]
    newest = F.lit(None).cast("date").alias(newest_column(item))
    return [F.lit(None).cast("bigint").alias(rows_column(item)), newest, *nothing]


def _settled(item: Item, indicators: Sequence[Indicator], fresh: bool) -> list[Column]:
    rows = F.coalesce(F.col(rows_column(item)), F.lit(0)).cast("bigint")
    complete = item.absence is Absence.VERIFIED_NONE and fresh
    counted = [rows.alias(rows_column(item)), F.col(newest_column(item))]
    return [*counted, *[_value(i, rows_column(item), complete) for i in indicators]]


@lru_cache(maxsize=1024)
def _value(indicator: Indicator, counted: str, complete: bool) -> Column:
    column, facts = F.col(indicator.facts.column), indicator.facts
    if facts.none is None or not complete:
        return column.alias(facts.column)
    none = F.lit(facts.none).cast(facts.kind.value)
    return F.when(F.col(counted).isNull(), none).otherwise(column).alias(facts.column)
