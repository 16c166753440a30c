"""The marks themselves, under a key of each read that the node's secret gives: the same read has the same ones. Pure.

Nothing is hidden in spaces, invisible characters or metadata, which copying, printing and saving again lose. A page
chooses, item by item, between two equal words, two separators and two ways to write a date; JSON is sent with the names
of each object in an order of its own, which means nothing to a program and to the canonical form that is signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from xinqiao.tracing.types import BlockMark

ANCHORS = ("item", "code")  # what an object of a document names itself by


def choices(key: bytes, code: str) -> int:
    """Eight bits that a read has for the item of that list code; the lowest three are used."""
    return blake2b(f"text\n{code}".encode(), key=key, digest_size=1).digest()[0]


def block_mark(key: bytes, code: str) -> BlockMark:
    """The choices of a read above the item of that list code."""
    byte = choices(key, code)
    return BlockMark(bool(byte & 1), bool(byte & 2), bool(byte & 4))


def rank(key: bytes, place: str, name: str) -> bytes:
    """Where a name stands at a place: each has its own rank, so that some may be missing."""
    return blake2b(f"order\n{place}\n{name}".encode(), key=key, digest_size=8).digest()


def key_order(key: bytes, place: str, names: Iterable[str]) -> list[str]:
    """The names of an object at a place, in the read's order."""
    return sorted(names, key=lambda name: rank(key, place, name))


def agrees(key: bytes, place: str, names: Iterable[str]) -> bool:
    """Whether names stand in the read's order; of an unrelated read, two or three of them are enough to say no."""
    before = b""
    for name in names:
        here = rank(key, place, name)
        if here < before:
            return False
        before = here
    return True


def ordered(value: Any, key: bytes, place: str = "") -> Any:
    """A JSON value with the names of its objects in the read's order; equal to what was given."""
    if isinstance(value, Mapping):
        here = place_of(value, place)
        return {name: ordered(value[name], key, f"{here}/{name}") for name in key_order(key, here, value)}
    if isinstance(value, list | tuple):
        return [ordered(each, key, place) for each in value]
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
