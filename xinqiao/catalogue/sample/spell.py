"""Texts in bulk: choosing words, joining columns, and spelling days and money as departments do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.sample.types import Bools, Days, Floats, Ints

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2079, 12, 31)
DAY_STYLES = {"iso": "%Y-%m-%d", "slash": "%Y/%-m/%-d", "compact": "%Y%m%d", "chinese": "%Y年%-m月%-d日"}
MONTH_STYLES = {"iso": "%Y-%m", "slash": "%Y/%m", "compact": "%Y%m", "chinese": "%Y年%-m月"}
_CENTS = pa.array([f".{cent:02d}" for cent in range(100)])


def choose(rng: np.random.Generator, weights: Sequence[float], count: int) -> Ints:
    """``count`` indices drawn by weight; raises ValueError when no weight is positive."""
    total = np.cumsum(np.asarray(weights, dtype=np.float64))
    if not len(total) or total[-1] <= 0:
        raise ValueError("no positive weight")
    found = np.searchsorted(total, rng.random(count) * total[-1], side="right")
    return cast(Ints, found.astype(np.int64))


def words_at(words: Sequence[str], index: Ints) -> pa.Array:
    """The word of each index."""
    return pa.array(words, pa.string()).take(pa.array(index))


def joined(*parts: pa.Array | str) -> pa.Array:
    """Columns and constants joined row by row; null where any part is null."""
    return pc.binary_join_element_wise(*parts, "")


def blanked(texts: pa.Array, keep: Bools) -> pa.Array:
    """Null where ``keep`` is false, which is an empty cell in the file."""
    return pc.if_else(pa.array(keep), texts, pa.scalar(None, pa.string()))


def fixed_width(letters: npt.NDArray[np.uint8]) -> pa.Array:
    """Rows of ASCII bytes as strings, without a Python object for each."""
    rows, width = letters.shape
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(letters)))


@cache
def _calendar(pattern: str) -> pa.Array:
    days = (LAST_DAY - FIRST_DAY).days
    return pa.array([(FIRST_DAY + timedelta(days=d)).strftime(pattern) for d in range(days + 1)])


def spell_days(days: Days, style: str, *, month: bool = False) -> pa.Array:
    """Days (or their months) in one of the styles."""
    offset = (days - np.datetime64(FIRST_DAY, "D")).astype(np.int64)
    pattern = (MONTH_STYLES if month else DAY_STYLES)[style]
    calendar = _calendar(pattern)
    return calendar.take(pa.array(np.clip(offset, 0, len(calendar) - 1)))


def spell_yuan(fen: Ints) -> pa.Array:
    """Non-negative fen as yuan with two decimals."""
    return joined(pa.array(fen // 100).cast(pa.string()), _CENTS.take(pa.array(fen % 100)))


def with_separators(texts: pa.Array, chosen: Bools) -> pa.Array:
    """The chosen numbers written with thousands separators: ``1,234.50``."""
    where = pa.array(chosen)
    written = [
        f"{int(whole):,}.{cents}" for whole, _, cents in (t.partition(".") for t in texts.filter(where).to_pylist())
    ]
    return pc.replace_with_mask(texts, where, pa.array(written, pa.string()))


def spell_decimal(values: Floats, scale: int) -> pa.Array:
    """Non-negative numbers with a fixed number of decimals."""
    unit = 10**scale
    whole = np.rint(values * unit).astype(np.int64)
    rest = pc.utf8_lpad(pa.array(whole % unit).cast(pa.string()), width=scale, padding="0")
    return joined(pa.array(whole // unit).cast(pa.string()), ".", rest)
