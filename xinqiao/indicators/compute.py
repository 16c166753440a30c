"""Runs indicators: one grouped pass over each item's as-of view, joined to the enterprises asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from xinqiao.catalogue.types import Absence, Item
from xinqiao.indicators.authoring import AsOf as Day
from xinqiao.indicators.authoring import Indicator, Row
from xinqiao.indicators.engine import session
from xinqiao.records.queries import list_views, read_enterprise, stored_schema
from xinqiao.records.types import AsOf, Op

SUBJECT = "_enterprise"


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of one item for a computation; ``frame`` is None when the item was never delivered."""

    item: Item
    frame: DataFrame | None


def rows_column(item: Item) -> str:
    """Column that counts the rows an enterprise has in an item: null = the item was never delivered."""
    return f"rows__{item.code.replace('.', '__')}"


def batch_sources(items: Sequence[Item], as_of: AsOf) -> dict[str, Source]:
    """The province's rows of each item, true on ``as_of.valid`` as known at ``as_of.known``."""
    spark = session()
    return {item.code: Source(item, _read_view(spark, item, as_of)) for item in items}


def enterprise_sources(enterprise: str, items: Sequence[Item], as_of: AsOf) -> dict[str, Source]:
    """One enterprise's rows of each item, by the same view as the batch."""
    spark = session()
    found = read_enterprise(enterprise, items, known=as_of.known)
    return {
        item.code: Source(item, _as_of(_frame(spark, found[item.code]), item, as_of) if item.code in found else None)
        for item in items
    }


def _frame(spark: SparkSession, table: pa.Table) -> DataFrame:
    return spark.createDataFrame(table)


def _read_view(spark: SparkSession, item: Item, as_of: AsOf) -> DataFrame | None:
    views = list_views(item.code, known=as_of.known)
    if not views:
        return None
    frame = spark.read.option("mergeSchema", "true").parquet(*[view.url for view in views])
    for column in stored_schema(item):
        if column.name not in frame.columns:  # a field declared after every file was written
            frame = frame.withColumn(column.name, F.lit(None).cast(_spark_type(column.type)))
    # Within one delivery a key stands once, so a single delivery needs no search for the newest row.
    return _as_of(frame, item, as_of, unique=len(views) == 1 and views[0].unique)


def _spark_type(kind: pa.DataType) -> str:
    return {"date32[day]": "date", "int64": "bigint", "bool": "boolean"}.get(
        str(kind), str(kind).replace("decimal128", "decimal")
    )


def _as_of(frame: DataFrame, item: Item, as_of: AsOf, *, unique: bool = False) -> DataFrame:
    """Rows that stand: newest of each key known by then, not retracted, and occurred by the day."""
    known = F.lit(as_of.known.isoformat()).cast("timestamp")
    frame = frame.filter(F.col("_recorded_at") <= known)
    if not unique:
        key = [column for code in item.key for column in item.field(code).columns]
        newest = Window.partitionBy(SUBJECT, *key).orderBy(
            F.col("_recorded_at").desc(), F.col("_batch").desc(), F.col("_row").desc()
        )
        frame = frame.withColumn("_rank", F.row_number().over(newest)).filter(F.col("_rank") == 1).drop("_rank")
    occurred = F.col("_occurred_on").isNull() | (F.col("_occurred_on") <= F.lit(as_of.valid))
    return frame.filter((F.col("_op") == str(Op.PUT)) & occurred)


def item_pass(source: Source, indicators: Sequence[Indicator], as_of: AsOf) -> DataFrame:
    """All indicators of one item in one grouped pass, with the count of rows they rest on."""
    assert source.frame is not None
    row = Row([*source.frame.columns])
    day = Day(as_of.valid)
    columns = [F.count(F.lit(1)).alias(rows_column(source.item))]
    columns += [i.aggregate(row, day) for i in indicators]
    return source.frame.groupBy(SUBJECT).agg(*columns)


def values(
    population: DataFrame, sources: Mapping[str, Source], indicators: Sequence[Indicator], as_of: AsOf
) -> DataFrame:
    """One row per enterprise of ``population`` with every indicator's value and each item's count of rows.

    A value is null when it is not known. An item that is a complete list and holds nothing about an enterprise
    gives the indicator's ``none``; an item never delivered gives null, with a null count.
    """
    frame = population.select(SUBJECT)
    columns: list[Column] = []
    for code, source in sources.items():
        mine = [i for i in indicators if i.facts.item == code]
        if source.frame is not None:
            frame = frame.join(item_pass(source, mine, as_of), SUBJECT, "left")
        columns += _columns(source, mine)
    return frame.select(SUBJECT, *columns)


def _columns(source: Source, indicators: Sequence[Indicator]) -> list[Column]:
    counted = rows_column(source.item)
    if source.frame is None:
        return [
            F.lit(None).cast("bigint").alias(counted),
            *[F.lit(None).cast(i.facts.kind.value).alias(i.facts.column) for i in indicators],
        ]
    rows = F.coalesce(F.col(counted), F.lit(0)).cast("bigint")
    return [rows.alias(counted), *[_value(source.item, i) for i in indicators]]


def _value(item: Item, indicator: Indicator) -> Column:
    column, facts = F.col(indicator.facts.column), indicator.facts
    if facts.none is None or item.absence is not Absence.VERIFIED_NONE:
        return column.alias(facts.column)
    none = F.lit(facts.none).cast(facts.kind.value)
    absent = F.col(rows_column(item)).isNull()
    return F.when(absent, none).otherwise(column).alias(facts.column)
