"""Initials of Chinese names: 西安示例商贸 → xaslsm, polyphonic characters read by the word they stand in."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xinqiao.kernel.grams import BITS, code_points, gram_keys

CODE_POINTS = 0x110000
# pypinyin is imported where a character is read: its dictionary is large, and most programs of a node read none.


def initials(texts: pa.Array) -> pa.Array:
    """For each text the letters by which it is asked for; what is neither Chinese, letter nor digit is left out."""
    points, row = code_points(texts)
    letters = _by_character(points)
    _by_word(points, row, letters)
    kept = letters != 0
    lengths = np.bincount(row[kept], minlength=len(texts))
    offsets = np.zeros(len(texts) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(letters[kept].tobytes()))


def _by_character(points: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    present = np.zeros(CODE_POINTS, np.bool_)
    present[points] = True
    table = np.zeros(CODE_POINTS, np.uint8)
    for point in np.flatnonzero(present):
        table[point] = _letter(chr(point))
    return table[points]


@cache
def _letter(character: str) -> int:
    if character.isascii():
        return ord(character.lower()) if character.isalnum() else 0
    from pypinyin import Style, lazy_pinyin

    found = lazy_pinyin(character, style=Style.FIRST_LETTER, errors="ignore")
    return ord(found[0][0]) if found and found[0][:1].isascii() and found[0] else 0


def _by_word(points: npt.NDArray[np.uint32], row: npt.NDArray[np.int32], letters: npt.NDArray[np.uint8]) -> None:
    """Correct polyphonic characters where a word of two characters says how they are read (重庆, 长安, 银行)."""
    if len(points) < 2:
        return
    pairs = gram_keys(points.astype(np.uint64), 2)
    words = _words()
    at = np.minimum(np.searchsorted(words, pairs), len(words) - 1)
    here = np.flatnonzero((words[at] == pairs) & (row[:-1] == row[1:]))
    table = np.zeros((len(words), 2), np.uint8)
    for word in np.unique(at[here]):
        pair = int(words[word])
        table[word] = _reading(chr(pair >> BITS) + chr(pair & (1 << BITS) - 1))
    said = table[at[here]]
    heard = said[:, 0] != 0
    letters[here[heard]] = said[heard, 0]
    letters[here[heard] + 1] = said[heard, 1]


@cache
def _words() -> npt.NDArray[np.uint64]:
    """Every word of two characters that the dictionary knows, sorted."""
    from pypinyin.constants import PHRASES_DICT

    words = np.frombuffer("".join(w for w in PHRASES_DICT if len(w) == 2).encode("utf-32-le"), np.uint32)
    return np.sort(gram_keys(words.astype(np.uint64), 2)[::2])


@cache
def _reading(word: str) -> tuple[int, int]:
    """The initials of a word of the dictionary of which one character is polyphonic; zeros for one of none."""
    if not any(len({p[:1] for p in _readings(c)}) > 1 for c in word):
        return 0, 0
    from pypinyin import Style, lazy_pinyin

    first, second = lazy_pinyin(word, style=Style.FIRST_LETTER)
    return ord(first[0]), ord(second[0])


@cache
def _readings(character: str) -> tuple[str, ...]:
    from pypinyin import Style, pinyin

    return tuple(pinyin(character, style=Style.NORMAL, heteronym=True)[0])
