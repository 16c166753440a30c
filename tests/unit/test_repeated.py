"""Repeated parts of columns come before them as columns of their own, and only what is always computed."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.connect import proto

from xinqiao.indicators.engine import session
from xinqiao.indicators.prepared import in_steps
from xinqiao.indicators.repeated import in_levels

A, B = F.col("a"), F.col("b")


def large(column: Column) -> Column:
    """A part that is worth lifting."""
    for n in range(8):
        column = column * (n + 2) + 1
    return column


def levels(*columns: Column) -> tuple[list[list[str]], list[str]]:
    """The names of every level, and the names that the columns are left to read."""
    session()
    found, rest = in_levels([c.to_plan(None) for c in columns], "p")  # type: ignore[operator]
    return [[str(part.alias.name[0]) for part in level] for level in found], sorted({n for r in rest for n in reads(r)})


def reads(message: proto.Expression) -> set[str]:
    text = str(message)
    return {part.split('"')[1] for part in text.split("unparsed_identifier:")[1:]}


def test_a_part_that_stands_twice_is_computed_once() -> None:
    assert levels((large(A) + large(A)).alias("x")) == ([["p0"]], ["p0"])
    assert levels((large(A) + 1).alias("x"), (large(A) + B).alias("y")) == ([["p0"]], ["b", "p0"])
    assert levels((large(A) + large(B)).alias("x")) == ([], ["a", "b"])
    assert levels((A * 2 + A * 2).alias("x")) == ([], ["a"])  # not worth it


def test_a_part_within_a_repeated_part_comes_a_level_before() -> None:
    outer = large(large(A) + B)
    assert levels((outer + outer + large(A)).alias("x")) == ([["p0"], ["p1"]], ["p0", "p1"])
    assert levels((outer + outer).alias("x")) == ([["p0"]], ["p0"])  # it stands in one part only


def test_what_a_condition_guards_stays_behind_it() -> None:
    share = large(B / A)
    guarded = F.when(A > 0, share + share)
    assert levels(guarded.alias("x"))[0] == []
    assert levels((F.coalesce(B, share) + F.coalesce(A, share)).alias("x"))[0] == []
    assert levels((F.when(share > 1, share)).alias("x"))[0] == [["p0"]]


def test_a_guarded_division_by_zero_is_not_computed() -> None:
    share = large(F.sum(B) / F.sum(A))
    column = F.when(F.sum(A) > 0, share + share).alias("x")
    frame = session().createDataFrame(pa.table({"g": [1, 1, 2], "a": [0, 0, 1], "b": [1, 2, 2]}))
    found = in_steps([column], "p").of(frame, "g").toArrow().sort_by("g")["x"].to_pylist()
    assert found[0] is None and found[1] > 0
