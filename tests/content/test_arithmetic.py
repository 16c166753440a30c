"""Arithmetic that indicators share, by the engine, against the same said plainly in Python over drawn rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from shaanxi.indicators.arithmetic import latest, newest, slope_percent, streak
from xinqiao.indicators.authoring import AsOf
from xinqiao.indicators.engine import session
from xinqiao.kernel.dated import add_months

DAY = date(2026, 11, 27)
FIRMS = 300


def _back(month: date) -> int:
    return (DAY.year - month.year) * 12 + DAY.month - month.month


def _drawn(*, once: bool) -> list[tuple[int, date, int | None]]:
    """Rows of some firms: months missing, values missing, and unless ``once`` several rows of a month."""
    pick = random.Random(7)
    rows: list[tuple[int, date, int | None]] = []
    for firm in range(FIRMS):
        for back in range(-2, 40):
            for _ in range(0 if pick.random() < 0.3 else 1 if once else pick.choice((1, 1, 2, 3))):
                value = None if pick.random() < 0.1 else pick.choice((0, pick.randrange(10), pick.randrange(10**12)))
                rows.append((firm, add_months(DAY.replace(day=1), -back), value))
    pick.shuffle(rows)
    return rows


def _answers(rows: Sequence[tuple[int, date, int | None]], column: object) -> dict[int, object]:
    columns = zip(
        ("firm", "month", "value"), zip(*rows, strict=True), (pa.int64(), pa.date32(), pa.int64()), strict=True
    )
    frame = session().createDataFrame(pa.table({name: pa.array(held, kind) for name, held, kind in columns}))
    table = frame.groupBy("firm").agg(column.alias("answer")).toArrow()  # type: ignore[attr-defined]
    return dict(zip(table["firm"].to_pylist(), table["answer"].to_pylist(), strict=True))


def _slope(rows: Sequence[tuple[date, int | None]], months: int) -> Decimal | None:
    sums: dict[int, int] = {}
    for month, value in rows:
        if 0 <= _back(month) < months and value is not None:
            sums[_back(month)] = sums.get(_back(month), 0) + value
    if len(sums) < 3 or not sum(sums.values()):
        return None
    mean_back, mean = Fraction(sum(sums), len(sums)), Fraction(sum(sums.values()), len(sums))
    slope = sum((mean_back - b) * (v - mean) for b, v in sums.items()) / sum((b - mean_back) ** 2 for b in sums)
    share = min(slope / mean * 100, Fraction(99_999))
    return (Decimal(share.numerator) / Decimal(share.denominator)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


@pytest.mark.parametrize("months", [12, 24, 36])
@pytest.mark.parametrize("once", [True, False])
def test_slopes_are_least_squares_over_the_sums_of_months(months: int, once: bool) -> None:
    rows = _drawn(once=once)
    as_of = AsOf(DAY, months)
    column = slope_percent(F.col("value"), F.col("month"), as_of, months=months, once=once).cast("decimal(12,4)")
    found = _answers(rows, column)
    said = {firm: _slope([(m, v) for f, m, v in rows if f == firm], months) for firm in range(FIRMS)}
    assert found == said
    assert sum(answer is not None for answer in said.values()) > FIRMS * 0.9


def _streak(rows: Sequence[tuple[date, int | None]], months: int) -> int | None:
    good: dict[int, bool] = {}
    for month, value in rows:
        if 0 <= _back(month) < months:
            good[_back(month)] = good.get(_back(month), True) and value is not None and value > 0
    if not good:
        return None
    back = min(good)
    while good.get(back):
        back += 1
    return back - min(good)


def test_streaks_end_at_a_bad_month_and_at_a_missing_one() -> None:
    rows = [row for row in _drawn(once=False) if row[0] % 10 or row[1] > DAY]  # every tenth firm has nothing by the day
    as_of = AsOf(DAY, 24)
    month = F.col("month")
    column = streak(as_of.months_before(month), good=F.col("value") > 0, within=as_of.within(month, months=24))
    found = _answers(rows, column)
    said = {firm: _streak([(m, v) for f, m, v in rows if f == firm], 24) for firm in {f for f, _, _ in rows}}
    assert found == said
    assert {None, 0, 1, 2, 3, 4} <= set(said.values())


def test_the_newest_number_is_exact_and_of_two_of_a_day_the_greater() -> None:
    day, earlier, least, most = date(2026, 11, 1), date(1899, 1, 1), -(2**63), 2**63 - 1
    rows = [
        (0, day, 5), (0, day, 7), (0, earlier, 9),
        (1, day, None), (1, earlier, 3),
        (2, earlier, least),
        (3, day, most), (3, earlier, 1),
        (4, date(2027, 1, 1), 1),
        (5, day, None), (5, day, -4),
        (6, day, 0),
    ]  # fmt: skip
    by_then = F.col("month") <= F.lit(DAY)
    value, month = F.col("value"), F.col("month")
    same = {0: 7, 2: least, 3: most, 4: None, 5: -4, 6: 0}
    assert _answers(rows, newest(value, month, within=by_then)) == same | {1: None}
    assert _answers(rows, latest(value, month, within=by_then)) == same | {1: 3}
