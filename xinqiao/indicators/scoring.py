"""Points, score, coverage, grade and size class as columns of the engine, from a declared scoring."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache, reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from xinqiao.indicators.prepared import prepare
from xinqiao.indicators.types import Bin, Scoring, SizeRow, VetoRule

CLASSES = ("large", "medium", "small")
UNKNOWN_SIZE = "unknown"


def points_column(code: str) -> str:
    """Name of the column of an indicator's points."""
    return f"points__{code.replace('.', '__')}"


def veto_column(code: str) -> str:
    """Name of the column that says whether a veto holds (0 or 1)."""
    return f"veto__{code}"


def value_column(code: str) -> Column:
    """The column of an indicator's value."""
    return F.col(value_name(code))


def value_name(code: str) -> str:
    """Name of the column of an indicator's value."""
    return code.replace(".", "__")


def scored(values: DataFrame, scoring: Scoring) -> DataFrame:
    """``values`` with points per indicator, vetoes, score, coverage in percent and grade.

    A value that is not known gives no points (null) and lowers coverage; it never counts as zero.
    """
    points = [_points(value_column(code), bins).alias(points_column(code)) for code, bins in scoring.bins.items()]
    vetoes = [_holds(veto).cast("bigint").alias(veto_column(veto.code)) for veto in scoring.vetoes]
    return values.select("*", *points, *vetoes).select("*", *_results(scoring)).select("*", _grade_column(scoring))


def _holds(veto: VetoRule) -> Column:
    return F.coalesce(value_column(veto.indicator) >= veto.at_least, F.lit(False))


def _results(scoring: Scoring) -> list[Column]:
    """Score and coverage, from the points."""
    total = sum(_maximum(bins) for bins in scoring.bins.values())
    known = [
        F.when(F.col(points_column(code)).isNotNull(), F.lit(_maximum(bins))).otherwise(F.lit(0))
        for code, bins in scoring.bins.items()
    ]
    score = _sum([F.coalesce(F.col(points_column(code)), F.lit(0)) for code in scoring.bins])
    coverage = F.floor(_sum(known) * F.lit(100) / F.lit(total))
    return [score.cast("bigint").alias("score"), coverage.cast("bigint").alias("coverage")]


def _maximum(bins: tuple[Bin, ...]) -> int:
    return max(b.points for b in bins)


def _sum(columns: list[Column]) -> Column:
    """The sum as a balanced tree: a chain of seventy is deeper than the engine's messages may nest."""
    if len(columns) == 1:
        return columns[0]
    half = len(columns) // 2
    return _sum(columns[:half]) + _sum(columns[half:])


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


def _grade_column(scoring: Scoring) -> Column:
    """The grade, from score, coverage and vetoes: a veto, else too little coverage, else the first band reached."""
    worst = scoring.grades[-1][0]
    band: Column = F.lit(worst)
    for grade, at_least in reversed(scoring.grades):
        band = F.when(F.col("score") >= at_least, F.lit(grade)).otherwise(band)
    band = F.when(F.col("coverage") < scoring.minimum_coverage, F.lit(scoring.unrated)).otherwise(band)
    for veto in reversed(scoring.vetoes):
        band = F.when(F.col(veto_column(veto.code)) == 1, F.lit(veto.grade)).otherwise(band)
    return band.alias("grade")


def scored_line(values: Mapping[str, Any], scoring: Scoring) -> dict[str, Any]:
    """Points, vetoes, score, coverage and grade of one line of values: :func:`scored` of one enterprise.

    The same rules a second time, because an engine needs a hundred times as long to plan the columns as they take to
    follow; the tests hold both equal, over values drawn and over the province.
    """
    points = {code: _points_of(values[value_name(code)], bins) for code, bins in scoring.bins.items()}
    vetoes = {v.code: int((values[value_name(v.indicator)] or 0) >= v.at_least) for v in scoring.vetoes}
    score = sum(found for found in points.values() if found is not None)
    known = sum(_maximum(bins) for code, bins in scoring.bins.items() if points[code] is not None)
    coverage = known * 100 // sum(map(_maximum, scoring.bins.values()))
    named = {points_column(code): found for code, found in points.items()}
    named |= {veto_column(code): held for code, held in vetoes.items()}
    return named | {"score": score, "coverage": coverage, "grade": _grade(score, coverage, vetoes, scoring)}


def _points_of(value: Any, bins: tuple[Bin, ...]) -> int | None:
    if value is None:
        return None
    fits = (b.points for b in bins if (value in b.values if b.values else b.below is None or value < b.below))
    return next(fits, None)


def _grade(score: int, coverage: int, vetoes: Mapping[str, int], scoring: Scoring) -> str:
    for veto in scoring.vetoes:
        if vetoes[veto.code]:
            return veto.grade
    if coverage < scoring.minimum_coverage:
        return scoring.unrated
    return next((grade for grade, least in scoring.grades if score >= least), scoring.grades[-1][0])


@cache
def size_column(scoring: Scoring) -> Column:
    """The highest class whose every bound holds; ``unknown`` when a missing figure could change the answer."""
    industry, *figures = map(value_column, scoring.size_inputs)
    division = division_of(industry)
    answer: Column = F.lit(UNKNOWN_SIZE)
    for row in reversed(scoring.sizes):
        answer = F.when(_starts_with_any(division, row.industries), _class_of(row, figures)).otherwise(answer)
    return prepare(F.when(industry.isNull(), F.lit(UNKNOWN_SIZE)).otherwise(answer))


def division_of(industry: Column) -> Column:
    """The digits of a GB/T 4754 code, with or without the letter of its section."""
    section = F.substring(industry, 1, 1).between("A", "Z")
    return F.when(section, F.substring(industry, 2, 8)).otherwise(industry)


def _starts_with_any(text: Column, beginnings: Collection[str]) -> Column:
    """Whether a text begins with one of some beginnings: a set of each length, not a comparison with each of them."""
    lengths = sorted({len(beginning) for beginning in beginnings})
    by_length = ([b for b in beginnings if len(b) == length] for length in lengths)
    found = [F.substring(text, 1, n).isin(*same) for n, same in zip(lengths, by_length, strict=True)]
    return reduce(lambda a, b: a | b, found)


def _class_of(row: SizeRow, figures: list[Column]) -> Column:
    """From the top class down: all bounds hold → that class; one surely fails → the next; else unknown.

    ``figures`` are persons, sales and, where the card names them, total assets; a row that asks for assets can only be
    answered downwards without them.
    """
    answer: Column = F.lit("micro")
    for name in reversed(CLASSES):
        holds, fails = F.lit(True), F.lit(False)
        for place, least in enumerate(row.bounds[name]):
            if least is None:
                continue
            if place == len(figures):
                holds = F.lit(False)
                continue
            holds = holds & F.coalesce(figures[place] >= least, F.lit(False))
            fails = fails | F.coalesce(figures[place] < least, F.lit(False))
        answer = F.when(holds, F.lit(name)).when(fails, answer).otherwise(F.lit(UNKNOWN_SIZE))
    return answer
