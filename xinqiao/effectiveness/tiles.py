"""The tile grid of counties: equal tiles by reporting unit, no boundary drawn. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from xinqiao.effectiveness.types import Rows

SIZE, GAP, LABEL, ACROSS = 44, 4, 96, 14
STEPS = (1, 10, 100, 1000)  # from how many enterprises a tile takes the next step


@dataclass(frozen=True, slots=True)
class Tile:
    """A county's tile: where it lies, its name, its number, its step of colour and pattern (0 none … 4)."""

    x: int
    y: int
    code: str
    name: str
    count: int
    step: int


@dataclass(frozen=True, slots=True)
class Grid:
    """All tiles with the names of their rows, in the pixels of the picture."""

    width: int
    height: int
    tiles: tuple[Tile, ...]
    labels: tuple[tuple[int, str], ...]


def grid(counties: Rows) -> Grid:
    """Counties by reporting unit, one unit below the other, each in rows of tiles."""
    units: dict[str, list[dict[str, object]]] = {}
    for row in counties:
        units.setdefault(str(row["unit"]), []).append(dict(row))
    tiles: list[Tile] = []
    labels: list[tuple[int, str]] = []
    y = GAP
    for unit, rows in units.items():
        labels.append((y + SIZE // 2, unit))
        for number, row in enumerate(rows):
            count = int(str(row["registered"]))
            tiles.append(
                Tile(
                    x=LABEL + number % ACROSS * (SIZE + GAP),
                    y=y + number // ACROSS * (SIZE + GAP),
                    code=str(row["county"]),
                    name=str(row["name"]),
                    count=count,
                    step=sum(count >= least for least in STEPS),
                )
            )
        y += ((len(rows) - 1) // ACROSS + 1) * (SIZE + GAP) + GAP
    return Grid(LABEL + ACROSS * (SIZE + GAP), y, tuple(tiles), tuple(labels))
