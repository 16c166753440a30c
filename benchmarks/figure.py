"""What a benchmark answers: a table of measurements and one last line that says whether the bar is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from unicodedata import east_asian_width

Rows = Sequence[Sequence[object]]


class Absent(Exception):
    """Something the measurement needs is not on this machine; the message says what and where it belongs."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure. ``table`` starts with its headings; ``against`` is the floor or rival, named."""

    name: str
    table: Rows
    ours: str
    against: str
    ratio: str
    bar: str
    met: bool
    scale: float = 1.0

    @property
    def line(self) -> str:
        """The last line: what was measured, against what, and the verdict."""
        parts = [f"ours {self.ours}", self.against, f"ratio {self.ratio}", f"bar {self.bar}"]
        if self.scale != 1.0:
            parts.append(f"scale {self.scale:g}")
        return f"{self.name}: {' | '.join([*parts, 'met' if self.met else 'short'])}"

    @property
    def text(self) -> str:
        """The table, aligned, then the last line."""
        cells = [[str(cell) for cell in row] for row in self.table]
        widths = [max(_width(row[n]) for row in cells) for n in range(len(cells[0]))]
        rows = ["  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        return "\n".join([*(row.rstrip() for row in rows), self.line])


def _width(text: str) -> int:
    """Columns a text takes on a terminal: Chinese characters take two."""
    return sum(2 if east_asian_width(character) in "FW" else 1 for character in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def spread(values: Sequence[float], *, digits: int = 2) -> str:
    """Median of some measurements with the least and the greatest."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of the measurements do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]
