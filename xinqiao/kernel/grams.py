"""Which texts hold a piece of text: an index of n-grams over a column of many short texts. Pure: numpy and Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int32]
Keys = npt.NDArray[np.uint64]

BITS = 21  # a code point of Unicode
FEW = 200_000  # so many candidates are all looked at; of more, as many as are wanted
BLOCK = 8_192


@dataclass(frozen=True, slots=True)
class Grams:
    """For each n-gram the rows that hold it, ascending: ``rows[starts[k]:starts[k + 1]]`` belong to ``keys[k]``."""

    size: int
    keys: Keys
    starts: npt.NDArray[np.int64]
    rows: Ints

    def save(self, folder: Path, name: str) -> None:
        """As files that can be mapped into memory."""
        for part in ("keys", "starts", "rows"):
            np.save(folder / f"{name}.{part}.npy", getattr(self, part))

    @classmethod
    def load(cls, folder: Path, name: str, *, size: int) -> Grams:
        """Mapped, not read: a search touches only what it needs."""
        keys, starts, rows = (
            np.load(folder / f"{name}.{part}.npy", mmap_mode="r") for part in ("keys", "starts", "rows")
        )
        return cls(size, keys, starts, rows)

    def holding(self, text: str) -> Ints | None:
        """Rows that hold the rarest n-gram of ``text``; None when the text is shorter than an n-gram."""
        points = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
        if len(points) < self.size:
            return None
        found: Ints | None = None
        for key in np.unique(gram_keys(points, self.size)):
            at = int(np.searchsorted(self.keys, key))
            if at == len(self.keys) or self.keys[at] != key:
                return np.empty(0, np.int32)
            rows = self.rows[self.starts[at] : self.starts[at + 1]]
            found = rows if found is None or len(rows) < len(found) else found
        return found


def gram_keys(points: Keys, size: int) -> Keys:
    """Every n-gram of a run of code points as one number, BITS of it a character."""
    count = len(points) - size + 1
    keys = points[:count].copy()
    for step in range(1, size):
        keys = (keys << np.uint64(BITS)) | points[step : step + count]
    return keys


def build(texts: pa.Array, *, size: int) -> Grams:
    """The index of a column of texts without nulls; ``size`` is 2 or 3."""
    points, row = code_points(texts)
    count = max(0, len(points) - size + 1)
    if not count:
        return Grams(size, np.empty(0, np.uint64), np.zeros(1, np.int64), np.empty(0, np.int32))
    whole = row[:count] == row[size - 1 :]  # no n-gram reaches into the next text
    keys, rows = gram_keys(points.astype(np.uint64), size)[whole], row[:count][whole]
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    fresh = np.ones(len(keys), np.bool_)
    fresh[1:] = (keys[1:] != keys[:-1]) | (rows[1:] != rows[:-1])  # twice in one text is once
    keys, rows = keys[fresh], rows[fresh]
    first = np.ones(len(keys), np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    starts = np.append(np.flatnonzero(first), len(keys)).astype(np.int64)
    return Grams(size, keys[first], starts, rows)


def code_points(texts: pa.Array) -> tuple[npt.NDArray[np.uint32], Ints]:
    """All characters of a column one after the other, and the row of each."""
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    joined = "".join(texts.to_pylist())
    return np.frombuffer(joined.encode("utf-32-le"), np.uint32), np.repeat(
        np.arange(len(texts), dtype=np.int32), lengths
    )


@dataclass(frozen=True, slots=True)
class Hits:
    """Rows in order; ``total`` is None when there are more than were counted."""

    rows: Ints
    total: int | None


def search(grams: Grams, texts: pa.Array, words: Sequence[str], *, most: int) -> Hits | None:
    """The first ``most`` rows that hold every one of the words; None when no word is long enough for the index."""
    held = [rows for word in words if (rows := grams.holding(word)) is not None]
    if not held:
        return None
    candidates = min(held, key=len)
    if len(words) == 1 and len(words[0]) == grams.size:
        return Hits(np.asarray(candidates[:most]), len(candidates))
    if len(candidates) <= FEW:
        rows = candidates[_holds(texts, candidates, words)]
        return Hits(rows[:most], len(rows))
    found: list[Ints] = []
    for start in range(0, len(candidates), BLOCK):
        block = candidates[start : start + BLOCK]
        found.append(block[_holds(texts, block, words)])
        if sum(map(len, found)) >= most:
            return Hits(np.concatenate(found)[:most], None)
    rows = np.concatenate(found)
    return Hits(rows[:most], len(rows))


def _holds(texts: pa.Array, rows: Ints, words: Sequence[str]) -> npt.NDArray[np.bool_]:
    chosen = texts.take(pa.array(rows))
    holds = np.ones(len(rows), np.bool_)
    for word in words:
        holds &= pc.match_substring(chosen, pattern=word).to_numpy(zero_copy_only=False)
    return holds
