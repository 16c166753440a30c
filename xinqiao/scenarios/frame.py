"""Observations in columns: exact integers or words, with what is not known marked. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from xinqiao.kernel.canonical import canonical_bytes, sha256_hex

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Column:
    """One candidate: numbers as whole multiples of ``10 ** -places``, or words (``places`` None)."""

    code: str
    places: int | None
    values: npt.NDArray[Any]
    known: Bools

    @property
    def is_number(self) -> bool:
        """Whether the values can be put in order."""
        return self.places is not None

    def at(self, rows: Ints) -> Column:
        """The same column of some rows."""
        return Column(self.code, self.places, self.values[rows], self.known[rows])


@dataclass(frozen=True, slots=True)
class Frame:
    """Columns of equal length, and the outcome of each row (True = the event)."""

    columns: tuple[Column, ...]
    failed: Bools

    def at(self, rows: Ints) -> Frame:
        """The frame of some rows."""
        return Frame(tuple(c.at(rows) for c in self.columns), self.failed[rows])

    @property
    def by_code(self) -> Mapping[str, Column]:
        """Code → column."""
        return {c.code: c for c in self.columns}

    @property
    def digest(self) -> str:
        """SHA-256 of every value, what is not known and the outcomes: equal for equal data only."""
        parts = [
            [c.code, -1 if c.places is None else c.places, _digest(c.values, c.known), sha256_hex(c.known.tobytes())]
            for c in self.columns
        ]
        return sha256_hex(canonical_bytes([parts, sha256_hex(self.failed.tobytes()), len(self.failed)]))


def _digest(values: npt.NDArray[Any], known: Bools) -> str:
    if values.dtype == np.int64:
        return sha256_hex(np.where(known, values, 0).astype("<i8").tobytes())
    return sha256_hex("\x1f".join(v if k else "" for v, k in zip(values, known, strict=True)).encode())


def numbers(code: str, values: Sequence[int | Decimal | None], places: int) -> Column:
    """A column of exact numbers; None = not known."""
    known = np.array([v is not None for v in values], np.bool_)
    whole = [0 if v is None else whole_units(v, places) for v in values]
    return Column(code, places, np.array(whole, np.int64), known)


def words(code: str, values: Sequence[str | None]) -> Column:
    """A column of words; None = not known."""
    known = np.array([v is not None for v in values], np.bool_)
    return Column(code, None, np.array([v or "" for v in values], object), known)


def measured(code: str, values: Floats, places: int) -> Column:
    """A column of measured numbers, rounded to ``places``; not a number = not known."""
    known = np.isfinite(values)
    bounded = np.clip(np.where(known, values, 0.0) * 10.0**places, -(2.0**52), 2.0**52)
    return Column(code, places, np.rint(bounded).astype(np.int64), known)


def whole_units(value: int | Decimal | str, places: int) -> int:
    """A number as a whole multiple of ``10 ** -places``."""
    return int((Decimal(value) * 10**places).to_integral_value(ROUND_HALF_EVEN))
