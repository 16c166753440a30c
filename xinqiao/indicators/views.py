"""As-of views of items as engine frames: of the province from its files, of one enterprise from its few rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from xinqiao.catalogue.schema import key_columns
from xinqiao.catalogue.types import Item
from xinqiao.records.queries import list_views, stored_schema
from xinqiao.records.types import AsOf, Op

SUBJECT = "_enterprise"
SPARK_TYPES: dict[str, DataType] = {
    "string": StringType(),
    "date32[day]": DateType(),
    "int64": LongType(),
    "int32": IntegerType(),
    "bool": BooleanType(),
    "timestamp[us, tz=UTC]": TimestampType(),
}


def spark_type(kind: pa.DataType) -> DataType:
    """The engine's type of a stored column."""
    if pa.types.is_decimal(kind):
        return DecimalType(kind.precision, kind.scale)
    return SPARK_TYPES[str(kind)]


def province_view(
    spark: SparkSession, item: Item, as_of: AsOf, *, narrow: Callable[[DataFrame], DataFrame] = lambda frame: frame
) -> DataFrame | None:
    """The province's rows of an item, true on ``as_of.valid`` as known at ``as_of.known``; None if never delivered.

    ``narrow`` leaves out enterprises before anything else is done.
    """
    views = list_views(item.code, known=as_of.known)
    if not views:
        return None
    frame = narrow(spark.read.option("mergeSchema", "true").parquet(*[view.url for view in views]))
    present = set(frame.columns)
    for column in stored_schema(item):
        if column.name not in present:  # a field declared after every file was written
            frame = frame.withColumn(column.name, F.lit(None).cast(spark_type(column.type)))
    # Within one delivery a key stands once, so a single delivery needs no search for the newest row.
    return as_of_view(frame, item, as_of, unique=len(views) == 1 and views[0].unique)


def local_frame(spark: SparkSession, table: pa.Table) -> DataFrame:
    """A small table as an engine frame, also when it has no rows."""
    return spark.createDataFrame(table) if table.num_rows else spark.createDataFrame([], schema=_struct(table.schema))


@cache
def _struct(schema: pa.Schema) -> StructType:
    return StructType([StructField(f.name, spark_type(f.type)) for f in schema])


def as_of_view(frame: DataFrame, item: Item, as_of: AsOf, *, unique: bool = False) -> DataFrame:
    """Rows that stand: newest of each key known by then, not retracted, and occurred by the day."""
    known = F.lit(as_of.known.isoformat()).cast("timestamp")
    frame = frame.filter(F.col("_recorded_at") <= known)
    if not unique:
        key = [F.coalesce(F.col(first), F.col(other)) for first, other in key_columns(item)]
        newest = Window.partitionBy(SUBJECT, *key).orderBy(
            F.col("_recorded_at").desc(), F.col("_batch").desc(), F.col("_row").desc()
        )
        frame = frame.withColumn("_rank", F.row_number().over(newest)).filter(F.col("_rank") == 1).drop("_rank")
    occurred = F.col("_occurred_on").isNull() | (F.col("_occurred_on") <= F.lit(as_of.valid))
    return frame.filter((F.col("_op") == str(Op.PUT)) & occurred)
