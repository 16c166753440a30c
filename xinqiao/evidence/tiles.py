"""The log as files in the layout of C2SP tlog-tiles (tile height 8). Knows no database.

Every file is a function of the leaves before it, so writing it again after a crash gives the same bytes. Files
are written beside their place, synced, then renamed: a reader sees the old file, the new one, or none.
"""

from __future__ import annotations

import os
import secrets
import shutil
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

from xinqiao.evidence.merkle import EMPTY_ROOT, HASH_BYTES, SubtreeHash, leaf_hash, node_hash, root_of
from xinqiao.kernel.durable import sync_folder
from xinqiao.kernel.errors import Corrupt

HEIGHT = 8
WIDTH = 1 << HEIGHT
ENTRIES = "entries"
LONGEST_LEAF = 0xFFFF
REMEMBERED = 16  # tiles
REMEMBERED_HASHES = 8 * WIDTH  # of subtrees; the proofs of a tile's leaves have some 2 * WIDTH siblings between them
Leaves = Callable[[int, int], Sequence[bytes]]


class DamagedLog(Corrupt):
    """A file of the log is missing or cannot be read; ``what`` names it."""

    code = "evidence.damaged_log"
    title = "存证日志文件损坏或缺失：{what}"
    next_step = "请运行存证修复；数据库中的存证会重新写出同样的文件"


def tile_path(level: int | str, number: int, width: int = WIDTH) -> str:
    """Path of tile ``number`` of a level (or of ``entries``): ``tile/0/x001/067`` or ``….p/<width>``."""
    digits = f"{number % 1000:03d}"
    while number := number // 1000:
        digits = f"x{number % 1000:03d}/{digits}"
    return f"tile/{level}/{digits}" + ("" if width == WIDTH else f".p/{width}")


def tiles_of(size: int, *, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """(level, number, width) of every hash tile of a log of ``size`` that one of ``start`` lacks or has narrower."""
    level, known = 0, start
    while size:
        for number in range(known // WIDTH, -(-size // WIDTH)):
            width = min(WIDTH, size - number * WIDTH)
            if number * WIDTH + width > known:
                yield level, number, width
        level, known, size = level + 1, known // WIDTH, size // WIDTH


def pack_bundle(leaves: Sequence[bytes]) -> bytes:
    """An entry bundle: each leaf after its length (big-endian uint16). Raises ValueError for one too long."""
    if any(len(leaf) > LONGEST_LEAF for leaf in leaves):
        raise ValueError(f"a leaf holds at most {LONGEST_LEAF} bytes")
    return b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in leaves)


def unpack_bundle(data: bytes) -> list[bytes]:
    """The leaves of an entry bundle; raises ValueError when the lengths do not add up."""
    leaves, position = [], 0
    while position < len(data):
        if position + 2 > len(data):
            raise ValueError("the bundle ends inside a length")
        (length,) = struct.unpack_from(">H", data, position)
        leaf = data[position + 2 : position + 2 + length]
        if len(leaf) != length:
            raise ValueError("the bundle ends inside a leaf")
        leaves.append(leaf)
        position += 2 + length
    return leaves


def unpack_tile(data: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]


class TileFolder:
    """A folder that holds one log: ``checkpoint``, ``vkey`` and ``tile/…``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[str, list[bytes]] = {}  # a proof asks the same few tiles for many hashes

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, None when it is absent."""
        try:
            return (self.folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, name: str, data: bytes) -> bool:
        """Write a file durably and all at once; False when the same bytes are already there."""
        return bool(self.write_all([(name, data)]))

    def write_all(self, files: Iterable[tuple[str, bytes]]) -> list[str]:
        """Write files, each all at once, durably when this returns; the paths whose bytes changed.

        A folder is synced once, after the last file that it takes.
        """
        written = [name for name, data in files if self._place(name, data)]
        for folder in {(self.folder / name).parent for name in written}:
            sync_folder(folder)
        return written

    def _place(self, name: str, data: bytes) -> bool:
        if self.read(name) == data:
            return False
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        self._seen.clear()
        return True

    def extend(self, start: int, stop: int, leaves: Leaves) -> list[str]:
        """Write every tile and bundle that a log of ``stop`` leaves has beyond one of ``start``.

        ``leaves(a, b)`` gives the leaf bytes ``a`` to ``b - 1``. Returns the paths whose bytes changed. Raises
        DamagedLog when a tile of the first ``start`` leaves is needed and absent.
        """
        return self.write_all(self._files(start, stop, leaves))

    def _files(self, start: int, stop: int, leaves: Leaves) -> Iterator[tuple[str, bytes]]:
        for level, number, width in tiles_of(stop, start=start):
            first = number * WIDTH
            if level == 0:
                data = leaves(first, first + width)
                yield tile_path(ENTRIES, number, width), pack_bundle(data)
                hashes = [leaf_hash(leaf) for leaf in data]
            else:
                hashes = self._upper_hashes(level, first, first + width, known=start // WIDTH**level)
            yield tile_path(level, number, width), b"".join(hashes)

    def _upper_hashes(self, level: int, first: int, stop: int, *, known: int) -> list[bytes]:
        """Hashes of an upper tile: those already published, then the roots of newly full tiles below."""
        done = min(max(known - first, 0), WIDTH)
        hashes = self.hashes(level, first // WIDTH, done) if done else []
        full = (self.hashes(level - 1, number, WIDTH) for number in range(first + done, stop))
        return hashes + [root_of(tile) for tile in full]

    def hashes(self, level: int, number: int, width: int) -> list[bytes]:
        """The first ``width`` hashes of a tile, also out of the full one; raises DamagedLog when absent."""
        path = tile_path(level, number, width)
        if path not in self._seen:
            if len(self._seen) >= REMEMBERED:
                self._seen.clear()
            self._seen[path] = self._read_hashes(level, number, width)
        return self._seen[path]

    def _read_hashes(self, level: int, number: int, width: int) -> list[bytes]:
        for candidate in dict.fromkeys((width, WIDTH)):
            data = self.read(tile_path(level, number, candidate))
            if data is not None and len(data) == candidate * HASH_BYTES:
                return unpack_tile(data)[:width]
        raise DamagedLog(what=tile_path(level, number, width))

    def root(self, size: int) -> bytes:
        """Root of the first ``size`` leaves; raises DamagedLog."""
        return self.subtree_hash(0, size, size=size) if size else EMPTY_ROOT

    def subtree_hash(self, start: int, stop: int, *, size: int) -> bytes:
        """Hash of leaves ``start`` to ``stop - 1``, read from few tiles of a log of ``size``."""
        span = stop - start
        level = 0
        while span >= WIDTH ** (level + 1) and start % WIDTH ** (level + 1) == 0:
            level += 1
        unit = WIDTH**level
        whole = span // unit
        left = root_of(self._row(level, start // unit, start // unit + whole, size=size))
        if start + whole * unit == stop:
            return left
        # RFC 6962 divides at the largest power of two, so peaks are joined from the right.
        return self._join_peaks(start, stop, size=size)

    def hash_of(self, size: int) -> SubtreeHash:
        """:meth:`subtree_hash` in a log of ``size``, with a memory: for the proofs of leaves that lie close together.

        Neighbours share nearly all their siblings, so that a proof in a run costs some ten hashes instead of hundreds.
        """
        return lru_cache(REMEMBERED_HASHES)(partial(self.subtree_hash, size=size))

    def _join_peaks(self, start: int, stop: int, *, size: int) -> bytes:
        middle = start + (1 << (stop - start - 1).bit_length() - 1)
        left = self.subtree_hash(start, middle, size=size)
        return node_hash(left, self.subtree_hash(middle, stop, size=size))

    def _row(self, level: int, first: int, stop: int, *, size: int) -> list[bytes]:
        """Hashes ``first`` to ``stop - 1`` of a level, which lie in one tile or fill whole ones."""
        row: list[bytes] = []
        across = size // WIDTH**level
        for number in range(first // WIDTH, -(-stop // WIDTH)):
            width = min(WIDTH, across - number * WIDTH)
            tile = self.hashes(level, number, width)
            row += tile[max(first - number * WIDTH, 0) : stop - number * WIDTH]
        return row

    def missing(self, size: int) -> list[str]:
        """Files that a log of ``size`` leaves should have and has not."""
        paths = []
        for level, number, width in tiles_of(size):
            paths.append(tile_path(level, number, width))
            if level == 0:
                paths.append(tile_path(ENTRIES, number, width))
        return [path for path in paths if not (self.folder / path).is_file()]

    def rebuild(self, size: int, leaves: Leaves) -> list[str]:
        """Write every file of a log of ``size`` again, older partial tiles too; returns what had changed."""
        written = self.extend(0, size, leaves)
        self.drop_partials(0, size)
        return written + self.write_all(self._older_partials(size))

    def _older_partials(self, size: int) -> Iterator[tuple[str, bytes]]:
        """Partial tiles of earlier checkpoints beside the last ones: each is the beginning of the present one."""
        for level, number, width in tiles_of(size):
            for name in (level, ENTRIES) if level == 0 else (level,):
                path = tile_path(name, number, width)
                current = self.read(path) or b""
                for older in (self.folder / f"{tile_path(name, number)}.p").glob("[0-9]*"):
                    if int(older.name) < width:
                        start = _beginning(current, int(older.name), bundle=name == ENTRIES)
                        yield tile_path(name, number, int(older.name)), start

    def drop_partials(self, start: int, stop: int) -> None:
        """Remove partial tiles whose full tile came between ``start`` and ``stop`` (the format allows it)."""
        for level, number, width in tiles_of(stop, start=start):
            if width == WIDTH:
                for name in (level, ENTRIES) if level == 0 else (level,):
                    shutil.rmtree(self.folder / f"{tile_path(name, number)}.p", ignore_errors=True)


def _beginning(data: bytes, count: int, *, bundle: bool) -> bytes:
    return pack_bundle(unpack_bundle(data)[:count]) if bundle else data[: count * HASH_BYTES]
