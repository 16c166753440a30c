"""The texts of firms: invented names and codes, addresses, capital as it is written."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.sample.codes import Bytes, make_codes
from xinqiao.catalogue.sample.firms import Firms, Registered
from xinqiao.catalogue.sample.spell import choose, fixed_width, joined, words_at
from xinqiao.catalogue.sample.types import FirmModel, Ints

Texts = dict[str, pa.Array]
NAMES = frozenset(
    {"uscc", "name", "entity_type", "legal_person", "capital", "scope", "province", "city", "address"}
    | {"industry", "status", "division", "account_no"}
)
PLACE = ("division", "city", "city_full", "district")
STREETS = ("示例路", "示例大街", "示例巷", "示例一路", "示例北路")


def write_texts(
    model: FirmModel,
    rng: np.random.Generator,
    firms: Firms,
    *,
    first: int,
    seed: int,
    given: Registered | None = None,
) -> Texts:
    """Every text that fields may draw as ``firm.NAME``, and the parts that templates use.

    ``first`` numbers the chunk's first firm: codes depend on it and on the seed, and never repeat.
    """
    kinds, count = firms.kinds, len(firms)
    form = [words_at([getattr(f, part) for f in model.forms], kinds.form) for part in ("entity_type", "suffix")]
    texts = _place(model, kinds.place, given)
    texts["entity_type"] = form[0] if given is None else given.entity_type
    texts["industry"] = words_at([i.code for i in model.industries], kinds.industry)
    texts["scope"] = words_at([i.scope for i in model.industries], kinds.industry)
    texts["province"] = words_at([model.province], np.zeros(count, np.int64))
    texts["legal_person"] = joined(_any(rng, model.words["surnames"], count), "某")
    texts["status"] = _status(rng, firms)
    texts["capital"] = _capital(model, rng, firms) if given is None else given.capital
    number = pa.array(rng.integers(1, 400, count)).cast(pa.string())
    place = joined(texts["city_full"], texts["district"])
    texts["address"] = joined(model.province, "省", place, _any(rng, STREETS, count), number, "号")
    account = pa.array(np.arange(first, first + count) + 6_100_000_000).cast(pa.string())
    texts["account_no"] = account
    word = words_at([i.word for i in model.industries], kinds.industry)
    characters = [_any(rng, model.words["characters"], count) for _ in range(2)]
    # 示例 in every name: two random characters alone would sometimes spell a real company.
    texts["name"] = joined(texts["city"], "示例", *characters, word, form[1])
    texts["uscc"] = _codes(model, firms, texts["division"], first=first, seed=seed)
    return _with_demos(model, firms, texts)


def _any(rng: np.random.Generator, words: tuple[str, ...], count: int) -> pa.Array:
    return words_at(words, rng.integers(0, len(words), count))


def _place(model: FirmModel, place: Ints, given: Registered | None) -> Texts:
    """Division, city and district of the drawn places, or of the codes of the given registrations."""
    drawn = {part: words_at([getattr(p, part) for p in model.places], place) for part in PLACE}
    if given is None:
        return drawn
    encoded = given.division.dictionary_encode()
    named = [_named(model, code) for code in encoded.dictionary.to_pylist()]
    stated = {part: pa.array(texts, pa.string()) for part, texts in zip(PLACE, zip(*named, strict=True), strict=True)}
    texts = {part: pc.coalesce(stated[part].take(encoded.indices), drawn[part]) for part in PLACE}
    texts["city"] = pc.if_else(pc.is_valid(given.division), given.city, texts["city"])
    texts["city_full"] = pc.if_else(pc.equal(texts["city_full"], ""), texts["city"], texts["city_full"])
    return texts


def _named(model: FirmModel, code: str) -> tuple[str, str, str, str]:
    """A code with its city (short, full) and district; empty for a whole province or a code outside the table."""
    divisions = model.divisions
    full = "" if code.endswith("0000") or not divisions.is_known(code) else divisions.name(divisions.city(code))
    short = full.removesuffix("市")
    whole = code.endswith("00") or not divisions.is_known(code)
    return code, short, full, "" if whole else divisions.name(code).removeprefix(short)


def _status(rng: np.random.Generator, firms: Firms) -> pa.Array:
    """One failed firm in ten has lost its licence; the others exist."""
    failed = firms.default < np.datetime64("9999-01-01", "D")
    revoked = failed & (rng.random(len(firms)) < 0.1) & ~firms.demo
    return words_at(("存续", "吊销"), revoked.astype(np.int64))


def _capital(model: FirmModel, rng: np.random.Generator, firms: Firms) -> pa.Array:
    """The amount in one of the spellings that registries use; some with separators, some not stated."""
    spellings = model.capital_spellings
    drawn = choose(rng, list(spellings.values()), len(firms))
    drawn[firms.demo] = 0
    amounts = firms.capital_fen // 1_000_000
    style = drawn * 2 + (rng.random(len(firms)) < 0.2)
    unique, inverse = np.unique(amounts * (2 * len(spellings)) + style, return_inverse=True)
    texts = list(spellings)
    written = []
    for code in unique.tolist():
        amount, rest = divmod(code, 2 * len(spellings))
        written.append(texts[rest // 2].replace("#", f"{amount:,}" if rest % 2 else str(amount)))
    return words_at(written, inverse.astype(np.int64))


def _codes(model: FirmModel, firms: Firms, divisions: pa.Array, *, first: int, seed: int) -> pa.Array:
    classes = _letters(pa.array(list(model.classes)), 2)[firms.kinds.class_]
    serial = np.arange(first, first + len(firms), dtype=np.int64)
    return fixed_width(make_codes(serial, seed=seed, classes=classes, divisions=_letters(divisions, 6)))


def _letters(texts: pa.Array, width: int) -> Bytes:
    """Strings of one length as rows of bytes."""
    joined_bytes = "".join(texts.to_pylist()).encode("ascii")
    return np.frombuffer(joined_bytes, np.uint8).reshape(len(texts), width)


def _with_demos(model: FirmModel, firms: Firms, texts: Texts) -> Texts:
    """Put the fixed names and codes in place for the demonstration firms of this chunk."""
    demos = model.demo_firms[: int(firms.demo.sum())]
    if demos:
        where = pa.array(firms.demo)
        for part in ("uscc", "name"):
            values = pa.array([getattr(d, part) for d in demos], pa.string())
            texts[part] = pc.replace_with_mask(texts[part], where, values)
    return texts
