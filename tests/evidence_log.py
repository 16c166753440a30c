"""Writes an evidence log from its pure parts, as the sequencer does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xinqiao.evidence.notes import LogKey, TreeHead, sign_note
from xinqiao.evidence.tiles import TileFolder
from xinqiao.kernel.crypto import SigningKey

ORIGIN = "log.example/evidence"
KEY = SigningKey(bytes(range(32)))
LOG = LogKey(ORIGIN, KEY.public)


def leaf_of(number: int) -> bytes:
    """A short leaf."""
    return b'{"id":%d}' % number


def write_log(folder: Path, sizes: Sequence[int], *, keep_partials: bool = True) -> list[str]:
    """A log that was signed at each of ``sizes``; returns the checkpoints."""
    tiles, notes, last = TileFolder(folder), [], 0
    for size in sizes:
        tiles.extend(last, size, lambda start, stop: [leaf_of(number) for number in range(start, stop)])
        notes.append(sign_note(TreeHead(ORIGIN, size, tiles.root(size)).text, name=ORIGIN, key=KEY))
        tiles.write("checkpoint", notes[-1].encode())
        tiles.write("vkey", f"{LOG.vkey}\n".encode())
        if not keep_partials:
            tiles.drop_partials(last, size)
        last = size
    return notes
