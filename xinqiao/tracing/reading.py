"""Reading a found copy: its text whatever it came in, and the marks that are left in it."""

from __future__ import annotations

import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from xinqiao.kernel.errors import Problem
from xinqiao.kernel.identifiers import find_usccs
from xinqiao.tracing.marks import objects_of
from xinqiao.tracing.types import Copy, Seen, UnreadableCopy

LARGEST = 20 * 1024 * 1024
MOST_TRIES = 20_000  # openings of an object that are tried in a text
# What a page says before the day of an item's last delivery: the plain word and the marked one, in both languages.
LABELS = {"最近归集": False, "最新归集": True, "lastcollected": False, "latestcollected": True}
REACH = 160  # characters between an item's list code and that word
_LABEL = re.compile(rf"(?P<sep>[·|])?(?P<label>{'|'.join(LABELS)})(?P<stamp>\d{{4}}[-/]\d{{2}}[-/]\d{{2}})?", re.I)
_ACCESS = re.compile(r"(?<![0-9A-Za-z])A20\d{6}-[0-9a-f]{10}(?![0-9a-f])")
_SPACE = re.compile(r"\s+")


def read_copy(data: bytes, *, name: str) -> Copy:
    """The copy in a file; raises UnreadableCopy."""
    if len(data) > LARGEST:
        raise _unreadable(f"{len(data):,} bytes")
    text = _text_of(data, name)
    values = tuple(_json_in(text))
    plain = _without_tags(text) if re.search(r"<(html|body|div|section|p|table)\b", text, re.I) else text
    joined = _SPACE.sub("", plain)
    return Copy(joined, values, frozenset(find_usccs(plain)), tuple(sorted(set(_ACCESS.findall(plain)))))


def _text_of(data: bytes, name: str) -> str:
    if data[:5] == b"%PDF-":
        try:
            return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
        except (PyPdfError, ValueError, KeyError, RecursionError) as error:
            raise _unreadable(f"{name}: {error}") from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unreadable(name)


def _unreadable(why: str) -> UnreadableCopy:
    return UnreadableCopy([Problem("file", "tracing.file", why[:200])])


class _Words(HTMLParser):
    """The text between tags, style and script left out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._hidden += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if self._hidden <= 0:
            self.texts.append(data)


def _without_tags(text: str) -> str:
    words = _Words()
    words.feed(text)
    return "\n".join(words.texts)


def _json_in(text: str) -> Iterator[Any]:
    """The JSON values in a text: the whole of it, or objects that stand somewhere in it."""
    decoder, at, tries = json.JSONDecoder(), 0, 0
    while (at := text.find("{", at)) >= 0 and tries < MOST_TRIES:
        tries += 1
        try:
            value, at = decoder.raw_decode(text, at)
            yield value
        except (ValueError, RecursionError):
            at += 1


def seen_in(copy: Copy, *, codes: Iterable[str]) -> Seen:
    """The marks left in a copy; ``codes`` are the list codes of items."""
    return Seen(_bits(copy.text, codes), frozenset(_orders(copy.values)))


def _bits(text: str, codes: Iterable[str]) -> dict[str, tuple[bool | None, ...]]:
    """Each item's three choices; what stands there twice and differs is not counted."""
    known = re.compile("|".join(sorted(map(re.escape, codes), key=len, reverse=True)) or r"(?!)")
    found: dict[str, list[tuple[bool | None, ...]]] = defaultdict(list)
    end = 0
    for match in _LABEL.finditer(text):
        before = known.findall(text, max(end, match.start() - REACH), match.start())
        end = match.end()
        if before:
            stamp, sep = match["stamp"], match["sep"]
            bar = None if sep is None else sep == "|"
            found[before[-1]].append((LABELS[match["label"].lower()], bar, "/" in stamp if stamp else None))
    return {code: _agreed(several) for code, several in found.items()}


def _agreed(several: list[tuple[bool | None, ...]]) -> tuple[bool | None, ...]:
    first = several[0]
    return tuple(bit if all(one[n] == bit for one in several) else None for n, bit in enumerate(first))


def _orders(values: Iterable[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The orders of names by place; objects sorted by name, as a program writes them anew, say nothing."""
    orders = {(place, tuple(each)) for value in values for place, each in objects_of(value) if len(each) > 1}
    tidy = sum(list(names) == sorted(names) for _, names in orders)
    if tidy * 2 > len(orders):
        return
    places = Counter((place, frozenset(names)) for place, names in orders)
    yield from ((place, names) for place, names in orders if places[place, frozenset(names)] == 1)
