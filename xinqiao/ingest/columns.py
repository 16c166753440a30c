"""Reads one column of texts as its declared type, the whole batch at once.

Each reader answers the typed columns and, per rule, the rows that break it. A repeated spelling is read once:
columns are dictionary-encoded first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.schema import arrow_type
from xinqiao.catalogue.types import Field, FieldType, Role
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.kernel.money import InvalidMoney, parse_capital

Mask = npt.NDArray[np.bool_]

NULL_WORDS = pa.array(["", "N/A", "NA", "NULL", "null", "None", "nan", "-", "--", "—", "——", "/", "\\N", "无", "不详"])
USCC_CHARS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_LENGTH = 18
USCC_WEIGHTS = [pow(3, i, 31) for i in range(17)]
NOT_PERMITTED = 255
USCC_VALUE = np.full(256, NOT_PERMITTED, dtype=np.uint8)
USCC_VALUE[[ord(c) for c in USCC_CHARS]] = range(31)
EARLIEST = np.datetime64("1900-01-01")
MAX_TEXT = 4000
DIGITS = 16  # a number of so many is read without further ado
SPELLED_FREELY = (FieldType.CODE, FieldType.TEXT)
LOOKED_AT = 1000
TRUE_WORDS = pa.array(["是", "有", "1", "true", "TRUE", "Y", "y", "yes"])
FALSE_WORDS = pa.array(["否", "没有", "0", "false", "FALSE", "N", "n", "no"])


@dataclass(frozen=True, slots=True)
class Parsed:
    """Typed columns and, per rule code, which rows break it."""

    columns: tuple[pa.Array, ...]
    broken: dict[str, Mask] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """What readers need to know besides the column: today's date and the division table."""

    today: date
    divisions: DivisionTable


def clean(column: pa.Array) -> pa.Array:
    """Trim every value and turn the words departments write for *nothing* into null."""
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(trimmed, value_set=NULL_WORDS), pa.scalar(None, pa.string()), trimmed)


def read_written(fld: Field, column: pa.Array, context: Context) -> Parsed:
    """One column of texts as they were written, as the field's type; what stands for *nothing* is null.

    The words are cleaned, not the rows: most columns repeat theirs.
    """
    if fld.type is FieldType.USCC:
        return read_column(fld, clean(column), context)
    if fld.type in SPELLED_FREELY and _seldom_repeats(column):
        cleaned = clean(column)
        if not cleaned.null_count:
            parsed = _read_different(fld, cleaned, context)
            return Parsed(parsed.columns, {code: mask for code, mask in parsed.broken.items() if mask.any()})
    encoded = column.dictionary_encode()
    cleaned = clean(cast(pa.Array, encoded.dictionary))
    indices = encoded.indices
    if cleaned.null_count:
        known = _numpy(pc.is_valid(cleaned))
        numbers = pa.array(np.cumsum(known, dtype=np.int32) - 1, mask=~known)
        cleaned, indices = cleaned.drop_null(), numbers.take(indices)
    return _with_required(fld, _read_words(fld, cleaned, indices, context), indices)


def read_column(fld: Field, column: pa.Array, context: Context) -> Parsed:
    """One cleaned column of texts as the field's type; nulls stay null and break nothing but ``required``."""
    if fld.type is FieldType.USCC:
        return _with_required(fld, _read_codes(column), column)
    encoded = column.dictionary_encode()
    parsed = _read_words(fld, cast(pa.Array, encoded.dictionary), encoded.indices, context)
    return _with_required(fld, parsed, encoded.indices)


def _with_required(fld: Field, parsed: Parsed, values: pa.Array) -> Parsed:
    if fld.required and values.null_count:
        parsed.broken["required"] = _numpy(pc.is_null(values))
    return parsed


def _seldom_repeats(column: pa.Array) -> bool:
    """Whether the first values of a long column are nearly all different, so that a dictionary would spare nothing."""
    first = column.slice(0, LOOKED_AT)
    return len(column) > 4 * LOOKED_AT and len(first.unique()) > LOOKED_AT * 9 // 10


def _read_words(fld: Field, words: pa.Array, indices: pa.Array, context: Context) -> Parsed:
    """Different words, none null, and which of them stands in each row."""
    parsed = _read_different(fld, words, context)
    broken = {code: _spread(mask, indices) for code, mask in parsed.broken.items() if mask.any()}
    return Parsed(tuple(values.take(indices) for values in parsed.columns), broken)


def _read_different(fld: Field, words: pa.Array, context: Context) -> Parsed:
    if fld.type not in (FieldType.TEXT, FieldType.CHOICE) and not pc.all(pc.string_is_ascii(words)).as_py():
        words = pc.utf8_trim_whitespace(pc.utf8_normalize(words, form="NFKC"))
    return _READERS[fld.type](fld, words, context)


def _numpy(mask: pa.Array) -> Mask:
    return cast(Mask, pc.fill_null(mask, False).to_numpy(zero_copy_only=False))


def _spread(mask: Mask, indices: pa.Array) -> Mask:
    """A verdict per distinct value, as a verdict per row."""
    at = pc.fill_null(indices, 0).to_numpy()
    return cast(Mask, mask[at] & ~_numpy(pc.is_null(indices)))


def _blank(values: pa.Array, broken: Mask) -> pa.Array:
    """Broken values become null, so that nothing unreadable is stored."""
    return pc.if_else(pa.array(broken), pa.scalar(None, values.type), values) if broken.any() else values


def _text(fld: Field, words: pa.Array, context: Context) -> Parsed:
    too_long = _numpy(pc.greater(pc.utf8_length(words), MAX_TEXT))
    return Parsed((_blank(words, too_long),), {"text.too_long": too_long})


def _code(fld: Field, words: pa.Array, context: Context) -> Parsed:
    words = pc.utf8_upper(words)
    if not fld.pattern:
        return _text(fld, words, context)
    wrong = ~_numpy(pc.match_substring_regex(words, pattern=f"^(?:{fld.pattern})$"))
    return Parsed((_blank(words, wrong),), {"pattern": wrong})


def _choice(fld: Field, words: pa.Array, context: Context) -> Parsed:
    wrong = ~_numpy(pc.is_in(words, value_set=pa.array(fld.choices, pa.string())))
    return Parsed((_blank(words, wrong),), {"choice.unknown": wrong})


def formed_codes(codes: pa.Array) -> tuple[Mask, Mask]:
    """Which codes have 18 permitted characters, and which of those the right check character (GB 32100-2015)."""
    formed = _numpy(pc.equal(pc.binary_length(codes), USCC_LENGTH))
    values = code_values(codes if formed.all() else codes.filter(pa.array(formed)))
    permitted = (values != NOT_PERMITTED).all(axis=0)
    total = values[17].astype(np.int16)
    for weight, column in zip(USCC_WEIGHTS, values, strict=False):
        total += column * np.int16(weight)
    holds = np.zeros(len(codes), dtype=bool)
    holds[formed] = permitted & (total % 31 == 0)
    formed = formed.copy()
    formed[formed] = permitted
    return formed, holds


def code_values(codes: pa.Array) -> npt.NDArray[np.uint8]:
    """The value of each character of codes of 18 bytes, a row for each place in the code."""
    codes = pa.concat_arrays([codes])
    if not len(codes):
        return np.zeros((USCC_LENGTH, 0), np.uint8)
    start = int(np.frombuffer(codes.buffers()[1], np.int32, 1, codes.offset * 4)[0])
    letters = np.frombuffer(codes.buffers()[2], np.uint8, len(codes) * USCC_LENGTH, start)
    return np.ascontiguousarray(USCC_VALUE[letters].reshape(-1, USCC_LENGTH).T)


def spelled_codes(column: pa.Array) -> tuple[pa.Array, Mask, Mask]:
    """Codes as they are compared, without width, case, blanks and hyphens; then as :func:`formed_codes` says of them.

    Most are written so and are left as they are.
    """
    formed, holds = formed_codes(column)
    other = ~formed & _numpy(pc.is_valid(column))
    if not other.any():
        return column, formed, holds
    where = pa.array(other)
    words = pc.utf8_trim_whitespace(pc.utf8_normalize(column.filter(where), form="NFKC"))
    words = pc.utf8_upper(pc.replace_substring_regex(words, pattern=r"[\s\-]", replacement=""))
    formed[other], holds[other] = formed_codes(words)
    return pc.replace_with_mask(column, where, words), formed, holds


def _read_codes(column: pa.Array) -> Parsed:
    """Unified codes, nearly all of them different from each other, so that none is looked up in a dictionary."""
    codes, formed, holds = spelled_codes(column)
    broken = {"uscc.form": ~formed & _numpy(pc.is_valid(column)), "uscc.check_digit": formed & ~holds}
    return Parsed((_blank(codes, ~formed),), {code: mask for code, mask in broken.items() if mask.any()})


def _days(words: pa.Array, pattern: str) -> tuple[npt.NDArray[np.datetime64], Mask]:
    """Dates by a pattern with groups y, m and maybe d; the mask says which could be read and exist."""
    parts = pc.extract_regex(words, pattern=pattern)
    ok = _numpy(pc.is_valid(parts))

    def number(name: str, default: int) -> npt.NDArray[np.int64]:
        if f"<{name}>" not in pattern:
            return np.full(len(words), default, dtype=np.int64)
        return cast(
            npt.NDArray[np.int64],
            pc.fill_null(pc.struct_field(parts, name).cast(pa.int64()), default).to_numpy(),
        )

    year, month, day = number("y", 1970), number("m", 1), number("d", 1)
    first = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    days = first.astype("datetime64[D]") + (day - 1)
    ok &= (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("datetime64[M]") == first)
    return days, ok


DATE = (
    r"^(?P<y>\d{4})(?:[-/.年]?)(?P<m>\d{1,2})(?:[-/.月]?)(?P<d>\d{1,2})日?(?:[ T]\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)?$"
)
MONTH = r"^(?P<y>\d{4})(?:[-/.年]?)(?P<m>\d{1,2})月?(?:[-/.]0?1)?$"


def _dates(fld: Field, words: pa.Array, context: Context, pattern: str) -> Parsed:
    days, ok = _days(words, pattern)
    old = ok & (days < EARLIEST)
    late = ok & (days > np.datetime64(context.today)) & (fld.role is Role.OCCURRED_ON)
    bad = ~ok | old | late
    values = pa.array(days.astype("datetime64[D]"), pa.date32())
    return Parsed((_blank(values, bad),), {"date.form": ~ok, "date.too_old": old, "date.future": late})


def _date(fld: Field, words: pa.Array, context: Context) -> Parsed:
    return _dates(fld, words, context, DATE)


def _month(fld: Field, words: pa.Array, context: Context) -> Parsed:
    return _dates(fld, words, context, MONTH)


def _bounds(fld: Field, values: pa.Array) -> dict[str, Mask]:
    none = np.zeros(len(values), dtype=bool)

    def bound(limit: int) -> pa.Scalar:
        return pa.scalar(Decimal(limit) if pa.types.is_decimal(values.type) else limit, values.type)

    below = none if fld.minimum is None else _numpy(pc.less(values, bound(fld.minimum)))
    above = none if fld.maximum is None else _numpy(pc.greater(values, bound(fld.maximum)))
    return {"number.below": below, "number.above": above}


def _numbers(
    fld: Field, words: pa.Array, pattern: str, kind: pa.DataType, rule: str
) -> tuple[pa.Array, dict[str, Mask]]:
    bare = pc.replace_substring_regex(words, pattern=r"[,\s¥￥元]", replacement="")
    ok = _numpy(pc.match_substring_regex(bare, pattern=pattern))
    readable = pc.if_else(pa.array(ok), bare, pa.scalar(None, pa.string()))
    return readable.cast(kind), {rule: ~ok}


def _plain(words: pa.Array, places: int) -> tuple[Mask, npt.NDArray[np.int64]]:
    """Which words are digits alone, or with a point and so many digits after it, and their value in units of those.

    Nearly all numbers are written so; they need no pattern and no decimals.
    """
    words = pa.concat_arrays([words])
    offsets = np.frombuffer(words.buffers()[1], np.int32)[words.offset : words.offset + len(words) + 1].astype(np.int64)
    data = np.frombuffer(words.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    offsets -= offsets[0]
    point = data == ord(".")
    points, others = (np.concatenate([[0], np.cumsum(m)])[offsets] for m in (point, (data - ord("0") > 9) & ~point))
    length, pointed = np.diff(offsets), np.diff(points) == 1
    before = np.clip(offsets[1:] - places - 1, 0, max(0, len(data) - 1))
    placed = pointed & (length > places + 1) & (places > 0) & point[before] if len(data) else pointed
    digits = length - pointed + np.where(pointed, 0, places)
    plain = (np.diff(others) == 0) & (length > 0) & (digits <= DIGITS) & (placed | (np.diff(points) == 0))
    bare = pa.StringArray.from_buffers(
        len(words), pa.py_buffer((offsets - points).astype(np.int32)), pa.py_buffer(np.ascontiguousarray(data[~point]))
    )
    values = np.zeros(len(words), np.int64)
    values[plain] = bare.filter(pa.array(plain)).cast(pa.int64()).to_numpy()
    values[plain & ~pointed] *= 10**places
    return plain, values


def _whole(
    words: pa.Array, places: int, rule: str, read: Callable[[pa.Array], tuple[pa.Array, dict[str, Mask]]]
) -> tuple[pa.Array, dict[str, Mask]]:
    """Whole numbers: plainly written ones at once, the others by ``read``, which judges how they are written."""
    plain, values = _plain(words, places)
    if plain.all():
        return pa.array(values), {rule: ~plain}
    other = pa.array(~plain)
    found, broken = read(words.filter(other))
    wrong = ~plain
    wrong[wrong] = broken[rule]
    return pc.replace_with_mask(pa.array(values, mask=~plain), other, found), {rule: wrong}


def _integer(fld: Field, words: pa.Array, context: Context) -> Parsed:
    def read(others: pa.Array) -> tuple[pa.Array, dict[str, Mask]]:
        pattern = r"^[+-]?\d{1,18}(?:\.0+)?$"
        values, broken = _numbers(fld, others, pattern, pa.decimal128(24, 4), "number.form")
        return values.cast(pa.int64(), safe=False), broken

    whole, broken = _whole(words, 0, "number.form", read)
    broken |= _bounds(fld, whole)
    return Parsed((_blank(whole, _any(broken)),), broken)


def _decimal(fld: Field, words: pa.Array, context: Context) -> Parsed:
    kind = arrow_type(fld)
    pattern = rf"^[+-]?\d{{1,14}}(?:\.\d{{0,{fld.scale}}}0*)?$"
    values, broken = _numbers(fld, words, pattern, pa.decimal128(38, 12), "number.form")
    rounded = values.cast(kind, safe=False)
    broken |= _bounds(fld, rounded)
    return Parsed((_blank(rounded, _any(broken)),), broken)


def _money(fld: Field, words: pa.Array, context: Context) -> Parsed:
    scale, digits = (1_000_000, 6) if fld.unit == "wan_yuan" else (100, 2)

    def read(others: pa.Array) -> tuple[pa.Array, dict[str, Mask]]:
        pattern = rf"^[+-]?\d{{1,14}}(?:\.\d{{0,{digits}}}0{{0,6}})?$"
        values, broken = _numbers(fld, others, pattern, pa.decimal128(28, 12), "money.form")
        exact = values.cast(pa.decimal128(22, 6), safe=False)
        return pc.multiply(exact, pa.scalar(scale, pa.int32())).cast(pa.int64(), safe=False), broken

    fen, broken = _whole(words, digits, "money.form", read)
    broken |= _bounds(fld, fen)
    return Parsed((_blank(fen, _any(broken)),), broken)


def _any(broken: dict[str, Mask]) -> Mask:
    return cast(Mask, np.logical_or.reduce(list(broken.values())))


def _capital(fld: Field, words: pa.Array, context: Context) -> Parsed:
    amounts: list[int | None] = []
    currencies: list[str | None] = []
    wrong = np.zeros(len(words), dtype=bool)
    for index, word in enumerate(words.to_pylist()):
        try:
            capital = parse_capital(word)
        except InvalidMoney:
            capital, wrong[index] = None, True
        amounts.append(capital.amount_fen if capital else None)
        currencies.append(capital.currency if capital else None)
    return Parsed((pa.array(amounts, pa.int64()), pa.array(currencies, pa.string())), {"capital.form": wrong})


def _boolean(fld: Field, words: pa.Array, context: Context) -> Parsed:
    yes, no = _numpy(pc.is_in(words, value_set=TRUE_WORDS)), _numpy(pc.is_in(words, value_set=FALSE_WORDS))
    wrong = ~(yes | no)
    return Parsed((_blank(pa.array(yes), wrong),), {"choice.unknown": wrong})


def _division(fld: Field, words: pa.Array, context: Context) -> Parsed:
    formed = _numpy(pc.match_substring_regex(words, pattern=r"^\d{6}$"))
    known = np.array([bool(w) and context.divisions.is_known(w) for w in words.to_pylist()], dtype=bool)
    return Parsed((_blank(words, ~formed),), {"division.form": ~formed, "division.unknown": formed & ~known})


_READERS: dict[FieldType, Callable[[Field, pa.Array, Context], Parsed]] = {
    FieldType.TEXT: _text,
    FieldType.CODE: _code,
    FieldType.DATE: _date,
    FieldType.MONTH: _month,
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.MONEY: _money,
    FieldType.CAPITAL: _capital,
    FieldType.CHOICE: _choice,
    FieldType.BOOLEAN: _boolean,
    FieldType.DIVISION: _division,
}
