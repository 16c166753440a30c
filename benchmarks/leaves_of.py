"""Leaves of a log out of its public files, some thousands at a time."""

from __future__ import annotations

from collections.abc import Iterator

from xinqiao.evidence.tiles import ENTRIES, WIDTH, TileFolder, tile_path, unpack_bundle


def leaves_of(tiles: TileFolder, start: int, stop: int, *, size: int) -> Iterator[tuple[int, bytes]]:
    """(index, leaf) of the leaves ``start`` to ``stop - 1`` of a log of ``size``."""
    for number in range(start // WIDTH, -(-stop // WIDTH)):
        width = min(WIDTH, size - number * WIDTH)
        data = tiles.read(tile_path(ENTRIES, number, width)) or tiles.read(tile_path(ENTRIES, number))
        assert data is not None
        for offset, leaf in enumerate(unpack_bundle(data)[:width]):
            index = number * WIDTH + offset
            if start <= index < stop:
                yield index, leaf
