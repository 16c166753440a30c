"""Conditions held to many enterprises at once: a column a condition, whatever number of products use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.matching.blur import Seeds, shifts
from xinqiao.matching.rules import PREFIXES
from xinqiao.matching.types import (
    Basis,
    Condition,
    Guarantee,
    Outcome,
    Product,
)

Codes = npt.NDArray[np.int8]
Ranks = npt.NDArray[np.int64]
PASSED, OPEN, FAILED = 0, 1, 2
OUTCOMES = (Outcome.PASSED, Outcome.OPEN, Outcome.FAILED)
ROWS = 20_000  # firms at a time when all products are ranked: what is held beside the columns stays small
COLUMNS = {
    Basis.SCORE: "score",
    Basis.GRADE: "grade",
    Basis.COVERAGE: "coverage",
    Basis.SIZE: "size_class",
    Basis.INDUSTRY: "industry",
    Basis.DIVISION: "division",
    Basis.AMOUNT: "need_amount_fen",
    Basis.MONTHS: "need_months",
}


@dataclass(frozen=True, slots=True)
class Matched:
    """A product over all firms: the worst outcome of each, and the place of the first condition not met (-1: none)."""

    outcome: Codes
    first: Codes


@dataclass(slots=True)
class Many:
    """Enterprises as columns, with a need each: ``need_amount_fen``, ``need_months``, ``need_guarantees`` (bits)."""

    table: pa.Table
    columns: Mapping[str, str]  # indicator code → column
    blurred: Seeds | None = None  # for counts that are told: numbers are shifted (see ``blur``)
    _found: dict[Condition, Codes] = field(default_factory=dict)

    def outcomes(self, condition: Condition) -> Codes:
        """What a condition says of every firm: 0 passed, 1 open, 2 failed. Worked out once."""
        if condition not in self._found:
            self._found[condition] = self._outcomes(condition)
        return self._found[condition]

    def match(self, product: Product) -> Matched:
        """A product over all firms."""
        worst = np.zeros(self.table.num_rows, np.int8)
        first = np.full(self.table.num_rows, -1, np.int8)
        for place, condition in enumerate(product.all_conditions):
            said = self.outcomes(condition)
            first[said > worst] = place
            np.maximum(worst, said, out=worst)
        return Matched(worst, first)

    def _outcomes(self, condition: Condition) -> Codes:
        if condition.basis is Basis.GUARANTEE:
            bits = self.table.column("need_guarantees").to_numpy()
            return np.where(bits & guarantee_bits(condition.values), PASSED, FAILED).astype(np.int8)
        if condition.basis is Basis.VETO:
            return self._vetoed(condition.values)
        name = self.columns[condition.indicator] if condition.indicator else COLUMNS[condition.basis]
        column = self.table.column(name)
        if condition.basis in PREFIXES:
            checks = [pc.starts_with(column, pattern=value) for value in condition.values]
            holds = checks[0]
            for one in checks[1:]:
                holds = pc.or_kleene(holds, one)
        elif condition.values:
            texts = column.cast(pa.string())
            known = pc.and_(pc.is_valid(texts), pc.not_equal(pc.fill_null(texts, ""), ""))
            holds = pc.if_else(known, pc.is_in(texts, value_set=pa.array(condition.values)), None)
        else:
            holds = _between(self._shifted(column, name), condition)
        return _codes(holds)

    def _shifted(self, column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
        if self.blurred is None:
            return column
        return pc.multiply(column.cast(pa.float64()), pa.array(shifts(self.blurred, name)))

    def _vetoed(self, codes: Sequence[str]) -> Codes:
        failed = np.zeros(self.table.num_rows, np.bool_)
        for code in codes:
            if f"veto__{code}" in self.table.column_names:
                failed |= _booleans(self.table.column(f"veto__{code}"))
        return np.where(failed, FAILED, PASSED).astype(np.int8)


def best(many: Many, products: Sequence[Product], *, most: int) -> Iterator[tuple[int, npt.NDArray[np.int32]]]:
    """For part after part of the firms: the first row of the part, and each firm's best products as places in
    ``products``, which stand in the order of ``rules.in_order``; the order is that of ``rules.ranked``."""
    for start in range(0, many.table.num_rows, ROWS):
        part = slice(start, start + ROWS)
        size = min(ROWS, many.table.num_rows - start)
        ranks = np.empty((len(products), size), np.int64)
        for place, product in enumerate(products):
            ranks[place] = _ranks(many, product, part, place)
        wanted = min(most, len(products))
        chosen = np.argpartition(ranks, wanted - 1, axis=0)[:wanted] if wanted < len(products) else None
        if chosen is None:
            order = np.argsort(ranks, axis=0)
        else:
            order = np.take_along_axis(chosen, np.argsort(np.take_along_axis(ranks, chosen, 0), axis=0), 0)
        yield start, order.T.astype(np.int32)


def _ranks(many: Many, product: Product, part: slice, place: int) -> Ranks:
    """One number that orders a product as ``rules.ranked`` does, smaller is better."""
    failed: Ranks | int = 0
    missing: Ranks | int = 0
    for condition in product.all_conditions:
        said = many.outcomes(condition)[part]
        failed = failed + (said == FAILED)
        missing = missing + (said == OPEN)
    worst = np.where(np.asarray(failed) > 0, FAILED, np.where(np.asarray(missing) > 0, OPEN, PASSED)).astype(np.int64)
    return (worst << 40) + (np.asarray(failed, np.int64) << 30) + (np.asarray(missing, np.int64) << 20) + place


def guarantee_bits(values: Sequence[str]) -> int:
    """Guarantees as bits of a number."""
    return sum(1 << place for place, one in enumerate(Guarantee) if str(one) in values)


def _between(column: pa.ChunkedArray, condition: Condition) -> pa.ChunkedArray:
    holds = None
    for bound, compare in ((condition.at_least, pc.greater_equal), (condition.below, pc.less)):
        if bound is None:
            continue
        exact = not pa.types.is_decimal(column.type) and not pa.types.is_floating(column.type)
        limit = pa.scalar(bound, pa.int64())
        if pa.types.is_decimal(column.type):
            limit = limit.cast(pa.decimal128(38, 4))
        one = compare(column.cast(pa.int64()) if exact else column, limit)
        holds = one if holds is None else pc.and_kleene(holds, one)
    return holds


def _codes(holds: pa.ChunkedArray) -> Codes:
    codes = pc.if_else(holds, pa.scalar(PASSED, pa.int8()), pa.scalar(FAILED, pa.int8()))
    return np.asarray(pc.fill_null(codes, pa.scalar(OPEN, pa.int8())).to_numpy(), np.int8)


def _booleans(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(column.cast(pa.int8()), pa.scalar(0, pa.int8())).to_numpy() != 0, np.bool_)
