"""The defects that real department tables have, put into a share of the rows.

Seen in deliveries: sentinel dates (1899/12/30, year 1950), region 999999, columns shifted so that an amount holds
a currency's name, exact duplicates, full-width characters, wrong check characters, two date formats, no code.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from xinqiao.catalogue.sample.plan import ItemPlan
from xinqiao.catalogue.sample.types import Bools, Ints
from xinqiao.catalogue.types import FieldType

Row = dict[str, str | None]
Generator = np.random.Generator
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
CHECKS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def soil(
    rng: Generator, plan: ItemPlan, table: pa.Table, years: Ints, *, share: float, spared: Bools
) -> tuple[pa.Table, Ints]:
    """The table with defects in about ``share`` of its rows, and the years of its rows (duplicates add some)."""
    chosen = np.flatnonzero((rng.random(table.num_rows) < share) & ~spared)
    if not len(chosen):
        return table, years
    dirty = [_spoil(rng, plan, dict(row)) for row in table.take(pa.array(chosen)).to_pylist()]
    spoilt = pa.Table.from_pylist([row for row, _ in dirty], schema=table.schema)
    place = np.arange(table.num_rows)
    place[chosen] = table.num_rows + np.arange(len(chosen))
    times = np.ones(table.num_rows, np.int64)
    times[chosen] += np.array([copied for _, copied in dirty])
    both = pa.concat_tables([table, spoilt])
    return both.take(pa.array(np.repeat(place, times))), np.repeat(years, times)


def _spoil(rng: Generator, plan: ItemPlan, row: Row) -> tuple[Row, bool]:
    """A row with one defect that its item can have, and whether it is delivered twice."""
    defects = [d for kind, d in _DEFECTS if kind is None or _headings(plan, kind)]
    number = int(rng.integers(0, len(defects) + 1))
    if number == len(defects):
        return row, True
    defects[number](rng, plan, row)
    return row, False


def _headings(plan: ItemPlan, kind: FieldType) -> list[str]:
    return [plan.header(f) for f in plan.fields if f.type is kind]


def _one(rng: Generator, headings: list[str]) -> str:
    return headings[int(rng.integers(0, len(headings)))]


def _sentinel(rng: Generator, plan: ItemPlan, row: Row) -> None:
    row[_one(rng, _headings(plan, FieldType.DATE))] = "1899/12/30" if rng.random() < 0.7 else "1950-01-01"


def _other_format(rng: Generator, plan: ItemPlan, row: Row) -> None:
    heading = _one(rng, _headings(plan, FieldType.DATE))
    row[heading] = (row[heading] or "").replace("-", "/") or None


def _unknown_division(rng: Generator, plan: ItemPlan, row: Row) -> None:
    row[_headings(plan, FieldType.DIVISION)[0]] = "999999"


def _shifted(rng: Generator, plan: ItemPlan, row: Row) -> None:
    """From an amount on, every value stands one column further right."""
    headings = list(row)
    start = headings.index(_one(rng, _headings(plan, FieldType.MONEY)))
    values = [row[h] for h in headings]
    for heading, value in zip(headings[start:], ["人民币", *values[start:-1]], strict=True):
        row[heading] = value


def _subject(plan: ItemPlan) -> str:
    return plan.header(plan.item.subject)


def _full_width(rng: Generator, plan: ItemPlan, row: Row) -> None:
    row[_subject(plan)] = (row[_subject(plan)] or "").translate(FULL_WIDTH)


def _lower_case(rng: Generator, plan: ItemPlan, row: Row) -> None:
    row[_subject(plan)] = (row[_subject(plan)] or "").lower()


def _wrong_check(rng: Generator, plan: ItemPlan, row: Row) -> None:
    code = row[_subject(plan)] or "?"
    row[_subject(plan)] = code[:-1] + CHECKS[(CHECKS.find(code[-1]) + 1) % len(CHECKS)]


def _no_code(rng: Generator, plan: ItemPlan, row: Row) -> None:
    row[_subject(plan)] = None


_DEFECTS: tuple[tuple[FieldType | None, Callable[[Generator, ItemPlan, Row], None]], ...] = (
    (FieldType.DATE, _sentinel),
    (FieldType.DATE, _other_format),
    (FieldType.DIVISION, _unknown_division),
    (FieldType.MONEY, _shifted),
    (None, _full_width),
    (None, _lower_case),
    (None, _wrong_check),
    (None, _no_code),
)
