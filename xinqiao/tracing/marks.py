"""The marks themselves, keyed by a secret of the node: the same read always gives the same ones. Pure.

Nothing is hidden in spaces, invisible characters or metadata, which copying, printing and saving again lose. A page
chooses, item by item, between two equal words, two separators and two ways to write a date; JSON is sent with the names
of each object in an order of its own, which means nothing to a program and to the canonical form that is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from xinqiao.tracing.types import BlockMark

Keyed = Callable[[str], bytes]  # a keyed digest of a text, at least 8 bytes
ANCHORS = ("item", "code")  # what an object of a document names itself by


def choices(keyed: Keyed, access: str, code: str) -> int:
    """Eight bits that a read has for the item of that list code; the lowest three are used."""
    return keyed(f"{access}\ntext\n{code}")[0]


def block_mark(keyed: Keyed, access: str, code: str) -> BlockMark:
    """The choices of a read above the item of that list code."""
    byte = choices(keyed, access, code)
    return BlockMark(bool(byte & 1), bool(byte & 2), bool(byte & 4))


def key_order(keyed: Keyed, access: str, place: str, names: Iterable[str]) -> list[str]:
    """The names of an object at a place, in the read's order: each has its own rank, so that some may be missing."""
    return sorted(names, key=lambda name: keyed(f"{access}\norder\n{place}\n{name}"))


def agrees(keyed: Keyed, access: str, place: str, names: Iterable[str]) -> bool:
    """Whether names stand in the read's order; of an unrelated read, two or three of them are enough to say no."""
    before = b""
    for name in names:
        rank = keyed(f"{access}\norder\n{place}\n{name}")
        if rank < before:
            return False
        before = rank
    return True


def ordered(value: Any, keyed: Keyed, access: str, place: str = "") -> Any:
    """A JSON value with the names of its objects in the read's order; equal to what was given."""
    if isinstance(value, Mapping):
        here = place_of(value, place)
        return {
            name: ordered(value[name], keyed, access, f"{here}/{name}")
            for name in key_order(keyed, access, here, list(value))
        }
    if isinstance(value, list | tuple):
        return [ordered(each, keyed, access, place) for each in value]
    return value


def place_of(value: Mapping[str, Any], place: str) -> str:
    """Where an object stands: by its own name if it has one, so that a piece cut out is still known."""
    for anchor in ANCHORS:
        if isinstance(value.get(anchor), str):
            return f"{anchor}:{value[anchor]}"
    return place


def objects_of(value: Any, place: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object of a JSON value with its place."""
    if isinstance(value, Mapping):
        here = place_of(value, place)
        yield here, value
        for name, each in value.items():
            yield from objects_of(each, f"{here}/{name}")
    elif isinstance(value, list | tuple):
        for each in value:
            yield from objects_of(each, place)
