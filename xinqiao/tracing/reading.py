"""Reading a found copy: its text whatever it came in, and the marks that are left in it."""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from xinqiao.kernel.errors import Problem
from xinqiao.kernel.identifiers import USCC_CHARS, uscc_check_character
from xinqiao.tracing.marks import objects_of
from xinqiao.tracing.types import Copy, Seen, UnreadableCopy

LARGEST = 20 * 1024 * 1024
MOST_TRIES = 20_000  # openings of an object that are tried in a text
# What a page says before the day of an item's last delivery: the plain word and the marked one, in both languages.
LABELS = {"最近归集": False, "最新归集": True, "lastcollected": False, "latestcollected": True}
REACH = 160  # characters between an item's list code and that word
_LABEL = re.compile(rf"(?P<sep>[·|])?(?P<label>{'|'.join(LABELS)})(?P<stamp>\d{{4}}[-/]\d{{2}}[-/]\d{{2}})?", re.I)
_ACCESS = re.compile(r"(?<![0-9A-Za-z])A20\d{6}-[0-9a-f]{10}(?![0-9a-f])")
_USCC = re.compile(rf"(?<![0-9A-Za-z])[{USCC_CHARS}]{{18}}(?![0-9A-Za-z])")
_SPACE = re.compile(r"\s+")


def read_copy(data: bytes, *, name: str) -> Copy:
    """The copy in a file; raises UnreadableCopy."""
    if len(data) > LARGEST:
        raise _unreadable(f"{len(data):,} bytes")
    text = _text_of(data, name)
    values = tuple(_json_in(text))
    plain = _without_tags(text) if re.search(r"<(html|body|div|section|p|table)\b", text, re.I) else text
    joined = _SPACE.sub("", plain)
    return Copy(joined, values, frozenset(_usccs(plain)), tuple(sorted(set(_ACCESS.findall(plain)))))


def _usccs(text: str) -> Iterator[str]:
    """Codes in a text whose check character is right."""
    yield from (code for code in set(_USCC.findall(text)) if uscc_check_character(code[:17]) == code[17])


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


def _bits(text: str, codes: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Each item's choices: which are seen, and how; what stands there twice and differs is not counted."""
    known = re.compile("|".join(sorted(map(re.escape, codes), key=len, reverse=True)) or r"(?!)")
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    end = 0
    for match in _LABEL.finditer(text):
        before = known.findall(text, max(end, match.start() - REACH), match.start())
        end = match.end()
        if before:
            found[before[-1]].append(_choices(match))
    return {code: _agreed(several) for code, several in found.items()}


def _choices(match: re.Match[str]) -> tuple[int, int]:
    """Which of the three bits a line shows, and their values."""
    sep, stamp = match["sep"], match["stamp"]
    mask = 1 | (2 if sep else 0) | (4 if stamp else 0)
    value = int(LABELS[match["label"].lower()]) | (2 if sep == "|" else 0) | (4 if stamp and "/" in stamp else 0)
    return mask, value


def _agreed(several: list[tuple[int, int]]) -> tuple[int, int]:
    mask, value = several[0]
    for other, said in several[1:]:
        mask &= other & ~(value ^ said)
    return mask, value & mask


def _orders(values: Iterable[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """One order of names for each place, so that no two say the same: the longest, unless there are several."""
    found: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for value in values:
        for place, each in objects_of(value):
            if len(each) > 1:
                found[place].add(tuple(each))
    for place, orders in found.items():
        longest = max(map(len, orders))
        wholes = [names for names in orders if len(names) == longest]
        if len(wholes) == 1:
            yield place, wholes[0]
