"""Points, score, coverage, grade and size class as columns of the engine, from a declared scoring."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from xinqiao.indicators.types import Bin, IndicatorFacts, Scoring, SizeRow

CLASSES = ("large", "medium", "small")
UNKNOWN_SIZE = "unknown"


def points_column(code: str) -> str:
    """Name of the column of an indicator's points."""
    return f"points__{code.replace('.', '__')}"


def veto_column(code: str) -> str:
    """Name of the column that says whether a veto holds (0 or 1)."""
    return f"veto__{code}"


def scored(values: DataFrame, scoring: Scoring, facts: Mapping[str, IndicatorFacts]) -> DataFrame:
    """``values`` with points per indicator, vetoes, score, coverage in percent, grade and size class.

    A value that is not known gives no points (null) and lowers coverage; it never counts as zero.
    """
    points = {code: _points(F.col(facts[code].column), bins) for code, bins in scoring.bins.items()}
    vetoes = {
        v.code: F.coalesce(F.col(facts[v.indicator].column) >= v.at_least, F.lit(False)).cast("bigint")
        for v in scoring.vetoes
    }
    frame = values.select(
        "*",
        *[column.alias(points_column(code)) for code, column in points.items()],
        *[column.alias(veto_column(code)) for code, column in vetoes.items()],
    )
    total = sum(_maximum(bins) for bins in scoring.bins.values())
    known = [
        F.when(F.col(points_column(code)).isNotNull(), F.lit(_maximum(bins))).otherwise(F.lit(0))
        for code, bins in scoring.bins.items()
    ]
    frame = frame.select(
        "*",
        _sum([F.coalesce(F.col(points_column(code)), F.lit(0)) for code in points]).cast("bigint").alias("score"),
        F.floor(_sum(known) * F.lit(100) / F.lit(total)).cast("bigint").alias("coverage"),
        _size(scoring, facts).alias("size_class"),
    )
    return frame.withColumn("grade", _grade(scoring))


def _maximum(bins: tuple[Bin, ...]) -> int:
    return max(b.points for b in bins)


def _sum(columns: list[Column]) -> Column:
    return reduce(lambda a, b: a + b, columns)


def _points(value: Column, bins: tuple[Bin, ...]) -> Column:
    chosen: Column | None = None
    for rule in bins:
        if rule.values:
            condition = value.isin(*rule.values)
        elif rule.below is not None:
            condition = value < F.lit(rule.below)
        else:
            condition = F.lit(True)
        points = F.lit(rule.points).cast("bigint")
        chosen = F.when(condition, points) if chosen is None else chosen.when(condition, points)
    assert chosen is not None
    return F.when(value.isNotNull(), chosen)


def _grade(scoring: Scoring) -> Column:
    """A veto first, then too little coverage, then the first band the score reaches."""
    worst = scoring.grades[-1][0]
    band: Column = F.lit(worst)
    for grade, at_least in reversed(scoring.grades):
        band = F.when(F.col("score") >= at_least, F.lit(grade)).otherwise(band)
    band = F.when(F.col("coverage") < scoring.minimum_coverage, F.lit(scoring.unrated)).otherwise(band)
    for veto in reversed(scoring.vetoes):
        band = F.when(F.col(veto_column(veto.code)) == 1, F.lit(veto.grade)).otherwise(band)
    return band


def _size(scoring: Scoring, facts: Mapping[str, IndicatorFacts]) -> Column:
    """The highest class whose every bound holds; ``unknown`` when a missing figure could change the answer."""
    industry, persons, sales = (F.col(facts[code].column) for code in scoring.size_inputs)
    division = F.regexp_replace(industry, "^[A-Z]", "")
    answer: Column = F.lit(UNKNOWN_SIZE)
    for row in reversed(scoring.sizes):
        here = reduce(lambda a, b: a | b, [division.startswith(code) for code in row.industries])
        answer = F.when(here, _class_of(row, persons, sales)).otherwise(answer)
    return F.when(industry.isNull(), F.lit(UNKNOWN_SIZE)).otherwise(answer)


def _class_of(row: SizeRow, persons: Column, sales: Column) -> Column:
    """From the top class down: all bounds hold → that class; one surely fails → the next; else unknown.

    Total assets are in no item of the list, so a row that asks for them can only be answered downwards.
    """
    answer: Column = F.lit("micro")
    for name in reversed(CLASSES):
        least_persons, least_sales, least_assets = row.bounds[name]
        holds, fails = F.lit(True), F.lit(False)
        for figure, least in ((persons, least_persons), (sales, least_sales)):
            if least is not None:
                holds = holds & F.coalesce(figure >= least, F.lit(False))
                fails = fails | F.coalesce(figure < least, F.lit(False))
        if least_assets is not None:
            holds = F.lit(False)
        answer = F.when(holds, F.lit(name)).when(fails, answer).otherwise(F.lit(UNKNOWN_SIZE))
    return answer
