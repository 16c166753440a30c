"""By what names and codes firms were known before: invented like the rest, drawn apart so that nothing else changes.

Former codes come from the far end of the unissued blocks; registration numbers begin with 6199, under which no
registry of the province ever gave one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xinqiao.catalogue.sample.codes import CAPACITY, make_codes
from xinqiao.catalogue.sample.firms import Firms
from xinqiao.catalogue.sample.identity import Texts
from xinqiao.catalogue.sample.spell import blanked, fixed_width, joined, words_at
from xinqiao.catalogue.sample.types import Bools, FirmModel, Ints

NAMES = frozenset({"registration_no", "former_name", "former_code", "converted_from", "former_division"})
OLD_NUMBERS_UNTIL = np.datetime64("2015-10-01", "D")  # from then on there is one number only
RENAMED, RECODED, CONVERTED, MOVED = 0.12, 0.04, 0.03, 0.05
BRANCH_SERIAL = CAPACITY // 2


def write_history(
    model: FirmModel, rng: np.random.Generator, firms: Firms, texts: Texts, *, first: int, seed: int
) -> Texts:
    """The texts of NAMES for firms whose other texts are drawn; blank where a firm has none."""
    count = len(firms)
    free = ~firms.demo
    moved = (rng.random(count) < MOVED) & free
    places = [p.division for p in model.places]
    before = words_at(places, rng.integers(0, len(places), count))
    company = np.array([code == "91" for code in model.classes])[firms.kinds.class_]
    old_number = firms.registered < OLD_NUMBERS_UNTIL
    return {
        "registration_no": blanked(fixed_width(_numbers(firms, model, first)), old_number),
        "former_name": blanked(_former_names(model, rng, firms, texts), (rng.random(count) < RENAMED) & free),
        "former_code": blanked(
            _codes(model, texts, firms, first=first, seed=seed, back=1), (rng.random(count) < RECODED) & free
        ),
        "converted_from": blanked(
            _codes(model, texts, firms, first=first, seed=seed, back=2, class_="92"),
            (rng.random(count) < CONVERTED) & free & company,
        ),
        "former_division": blanked(before, moved),
    }


def _former_names(model: FirmModel, rng: np.random.Generator, firms: Firms, texts: Texts) -> pa.Array:
    """Another name of the same trade and place."""
    count, characters = len(firms), model.words["characters"]
    drawn = [words_at(characters, rng.integers(0, len(characters), count)) for _ in range(2)]
    word = words_at([i.word for i in model.industries], firms.kinds.industry)
    suffix = words_at([f.suffix for f in model.forms], firms.kinds.form)
    return joined(texts["city"], "示例", *drawn, word, suffix)


def _codes(
    model: FirmModel, texts: Texts, firms: Firms, *, first: int, seed: int, back: int, class_: str = ""
) -> pa.Array:
    """Codes that no firm of the sample has, counted from the end of the blocks: odd and even places in turn."""
    serial = CAPACITY - back - 2 * np.arange(first, first + len(firms), dtype=np.int64)
    own = [class_ or code for code in model.classes]
    classes = _letters(words_at(own, firms.kinds.class_), 2)
    return fixed_width(make_codes(serial, seed=seed, classes=classes, divisions=_letters(texts["division"], 6)))


def branch_codes(serial: int, seed: int, divisions: pa.Array) -> pa.Array:
    """A code for each branch, from the middle of the blocks."""
    count = len(divisions)
    classes = np.tile(np.frombuffer(b"91", np.uint8), (count, 1))
    places = BRANCH_SERIAL + np.arange(serial, serial + count, dtype=np.int64)
    return fixed_width(make_codes(places, seed=seed, classes=classes, divisions=_letters(divisions, 6)))


def _letters(texts: pa.Array, width: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer("".join(texts.to_pylist()).encode("ascii"), np.uint8).reshape(len(texts), width)


def _numbers(firms: Firms, model: FirmModel, first: int) -> npt.NDArray[np.uint8]:
    """15 digits: 6199, nine of a running number with the kind of subject in the middle, a check digit."""
    serial: Ints = np.arange(first, first + len(firms), dtype=np.int64)
    individual: Bools = np.array([code == "92" for code in model.classes])[firms.kinds.class_]
    digits = np.empty((len(serial), 15), np.int64)
    digits[:, :4] = (6, 1, 9, 9)
    digits[:, 6] = np.where(individual, 6, 0)
    for column in (13, 12, 11, 10, 9, 8, 7, 5, 4):
        digits[:, column] = serial % 10
        serial = serial // 10
    check = np.full(len(digits), 10, np.int64)
    for column in range(14):  # ISO 7064 MOD 11,10 (GS 15-2006)
        total = (check + digits[:, column]) % 10
        check = np.where(total == 0, 10, total) * 2 % 11
    digits[:, 14] = (1 - check) % 10
    return (digits + ord("0")).astype(np.uint8)
