"""Runs indicators: one grouped pass over each item's as-of view, and what its values come to.

The province (:mod:`xinqiao.indicators.province`) and one enterprise (:mod:`xinqiao.indicators.enterprise`) are computed
by these columns alike.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from functools import lru_cache

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from xinqiao.catalogue.schema import key_columns
from xinqiao.catalogue.types import Absence, Item, Role
from xinqiao.indicators.authoring import AsOf as Day
from xinqiao.indicators.authoring import Declared, Indicator, Row
from xinqiao.indicators.derive import in_order, over_rows
from xinqiao.indicators.engine import session
from xinqiao.indicators.prepared import Steps, in_steps, prepare
from xinqiao.indicators.types import Kind
from xinqiao.indicators.views import SUBJECT, province_view
from xinqiao.records.queries import stored_schema
from xinqiao.records.types import AsOf

ARROW = {Kind.INTEGER: pa.int64(), Kind.DECIMAL: pa.decimal128(12, 4), Kind.TEXT: pa.string(), Kind.DATE: pa.date32()}


def rows_column(item: Item) -> str:
    """Column that counts the rows an enterprise has in an item: null = the item was never delivered."""
    return f"rows__{_flat(item.code)}"


def newest_column(item: Item) -> str:
    """Column of the day of the newest row that an enterprise has in an item; null when it has none with a day."""
    return f"newest__{_flat(item.code)}"


def columns_of(item: Item, names: Sequence[str], as_of: AsOf) -> pa.Table | None:
    """Stored columns of the standing rows of an item, with the enterprise; None if it was never delivered."""
    view = province_view(session(), item, as_of)
    return None if view is None else view.select(SUBJECT, *names).toArrow()


def of_item(item: Item, indicators: Sequence[Declared]) -> list[Indicator]:
    """The indicators computed in the pass over an item, those that others are computed from included."""
    return _by_item(tuple(indicators)).get(item.code, [])


@lru_cache(maxsize=256)
def _by_item(indicators: tuple[Declared, ...]) -> dict[str, list[Indicator]]:
    found: dict[str, list[Indicator]] = {}
    for one in over_rows(in_order(indicators)):
        found.setdefault(one.facts.item, []).append(one)
    return found


def item_pass(view: DataFrame, item: Item, indicators: Sequence[Indicator], as_of: AsOf) -> DataFrame:
    """All indicators of one item in one grouped pass, with the count of rows they rest on."""
    return pass_steps(item, indicators, as_of).of(view, SUBJECT)


def pass_steps(item: Item, indicators: Sequence[Indicator], as_of: AsOf) -> Steps:
    """The columns of a pass, in steps."""
    return _steps(item.code, item_row(item, stored_schema(item).names), tuple(indicators), as_of.valid)


@lru_cache(maxsize=512)
def _steps(item: str, row: Row, indicators: tuple[Indicator, ...], valid: date) -> Steps:
    """Made once a day: making an indicator's column costs as much as computing it for one enterprise."""
    counted = F.count(F.lit(1)).alias(f"rows__{_flat(item)}"), F.max("_occurred_on").alias(f"newest__{_flat(item)}")
    columns = [i.aggregate(row, Day(valid)) for i in indicators]
    return in_steps([*counted, *columns], f"of__{_flat(item)}__")


def item_row(item: Item, columns: Sequence[str]) -> Row:
    """The columns of an item's rows as a formula is given them."""
    subject = item.role(Role.ENTERPRISE)
    return Row(columns, [column for _, column in key_columns(item) if subject is None or column not in subject.columns])


def _flat(code: str) -> str:
    return code.replace(".", "__")


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
        return prepare(column.alias(facts.column))
    none = F.lit(facts.none).cast(facts.kind.value)
    return prepare(F.when(F.col(counted).isNull(), none).otherwise(column).alias(facts.column))
