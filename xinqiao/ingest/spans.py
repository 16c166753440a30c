"""Rows in the order of their enterprises' codes, span by span, with at most so many of them in memory.

A code of 18 characters out of 31 is packed into two integers that compare as the text does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.ingest.columns import USCC_LENGTH, code_values
from xinqiao.ingest.spill import Place, Spill

Packed = npt.NDArray[np.uint64]
FAN = 16  # into so many spans rows are parted at first
SAMPLE = 32  # one code of so many is kept, to part a span again
BITS = np.uint64(5)
_HEAD, _TAIL = 12, 6


@dataclass(frozen=True, slots=True)
class Codes:
    """Packed codes: the first twelve characters and the other six; a missing code is before all others."""

    head: Packed
    tail: Packed

    def __len__(self) -> int:
        return len(self.head)

    def take(self, places: npt.NDArray[np.int64] | slice) -> Codes:
        """The codes of some places."""
        return Codes(self.head[places], self.tail[places])

    def order(self) -> npt.NDArray[np.int64]:
        """Places in the order of the codes; equal ones as they stand."""
        if not len(self):
            return np.zeros(0, np.int64)
        head = self.head - self.head.min()
        if int(head.max()) < 1 << 64 - _TAIL * 5:
            return np.argsort((head << np.uint64(_TAIL * 5)) | self.tail, kind="stable")
        return np.lexsort((self.tail, head))

    def starts(self) -> npt.NDArray[np.bool_]:
        """Of codes in order: where another one begins."""
        new = np.ones(len(self), bool)
        new[1:] = (self.head[1:] != self.head[:-1]) | (self.tail[1:] != self.tail[:-1])
        return new

    def span_of(self, cuts: Codes) -> npt.NDArray[np.uint8]:
        """How many of the cuts, fewer than 256, are not after each code."""
        found = np.zeros(len(self), np.uint8)
        for head, tail in zip(cuts.head, cuts.tail, strict=True):
            found += (self.head > head) | ((self.head == head) & (self.tail >= tail))
        return found

    def cuts(self, count: int) -> Codes:
        """Codes that part these into about ``count`` spans of as many each, the least one not among them."""
        ordered = self.take(self.order())
        chosen = ordered.take(np.unique(np.arange(1, count) * len(self) // count))
        different = (chosen.head != ordered.head[0]) | (chosen.tail != ordered.tail[0])
        return chosen.take(np.flatnonzero(different & chosen.starts()))


def pack(codes: pa.Array) -> Codes:
    """Well-formed codes as they compare; a null is like a code of nothing but zeros."""
    codes = pc.fill_null(codes, "0" * USCC_LENGTH)
    if not len(codes):
        return Codes(np.zeros(0, np.uint64), np.zeros(0, np.uint64))
    values = code_values(codes)
    return Codes(_joined(values[:_HEAD]), _joined(values[_HEAD:]))


def _joined(values: npt.NDArray[np.uint8]) -> Packed:
    found = values[0].astype(np.uint64)
    for column in values[1:]:
        found <<= BITS
        found |= column
    return found


class Parted:
    """Rows handed over in any order of their codes, given back span after span.

    Few rows stay in memory and are one span. Once there are more than ``most``, they are parted by codes as they come,
    each span on disk; a span of too many is parted again. Of one enterprise all rows are in memory, however many.
    """

    def __init__(self, subject: str, most: int, spill: Spill, cuts: Codes | None = None) -> None:
        self._subject, self._most, self._spill, self._cuts = subject, most, spill, cuts
        self._held: list[pa.Table] = []
        self._places: list[list[Place]] = []
        self._samples: list[list[Codes]] = []
        if cuts is not None:
            self._begin(cuts)

    def add(self, table: pa.Table) -> None:
        """Hand over rows; of one enterprise they are given back in this order."""
        if self._cuts is not None:
            self._part(table)
            return
        self._held.append(table)
        if sum(t.num_rows for t in self._held) > self._most:
            sample = [self._codes(t).take(slice(None, None, SAMPLE)) for t in self._held]
            self._begin(_together(sample).cuts(FAN))
            for held in self._held:
                self._part(held)
            self._held = []

    def _begin(self, cuts: Codes) -> None:
        self._cuts = cuts
        self._places = [[] for _ in range(len(cuts) + 1)]
        self._samples = [[] for _ in range(len(cuts) + 1)]

    def _codes(self, table: pa.Table) -> Codes:
        return pack(table.column(self._subject).combine_chunks())

    def _part(self, table: pa.Table) -> None:
        assert self._cuts is not None
        codes = self._codes(table)
        of_row = codes.span_of(self._cuts)
        order = np.argsort(of_row, kind="stable")
        parted, codes = table.take(pa.array(order)), codes.take(order)
        ends = np.cumsum(np.bincount(of_row, minlength=len(self._places))).tolist()
        for span, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            if end > start:
                self._places[span].append(self._spill.put(parted.slice(start, end - start)))
                self._samples[span].append(codes.take(slice(start, end, SAMPLE)))

    def spans(self) -> Iterator[pa.Table]:
        """All rows, each enterprise's in one table; the codes of a table are after those of the one before."""
        if self._cuts is None:
            if self._held:
                yield pa.concat_tables(self._held).combine_chunks()
            return
        for places, samples in zip(self._places, self._samples, strict=True):
            rows = sum(place.rows for place in places)
            cuts = _together(samples).cuts(min(255, -(-rows // self._most))) if rows > self._most else None
            if cuts is not None and len(cuts):
                inner = Parted(self._subject, self._most, self._spill, cuts)
                for place in places:
                    inner.add(self._spill.get(place))
                yield from inner.spans()
            elif places:
                yield pa.concat_tables([self._spill.get(place) for place in places]).combine_chunks()


def _together(parts: list[Codes]) -> Codes:
    return Codes(*(cast(Packed, np.concatenate([getattr(p, n) for p in parts])) for n in ("head", "tail")))
