"""Draws the columns of an item's rows from the ``sample`` table of each field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.sample.activity import Activity, distressed, paid_part
from xinqiao.catalogue.sample.firms import Firms
from xinqiao.catalogue.sample.history import branch_codes
from xinqiao.catalogue.sample.identity import Texts
from xinqiao.catalogue.sample.plan import by_archetype, placeholders
from xinqiao.catalogue.sample.rows import Rows
from xinqiao.catalogue.sample.spell import (
    blanked,
    choose,
    joined,
    spell_days,
    spell_decimal,
    spell_yuan,
    with_separators,
    words_at,
)
from xinqiao.catalogue.sample.types import Bools, FirmModel, Floats, Ints
from xinqiao.catalogue.types import Field, FieldType


@dataclass(slots=True)
class Drawing:
    """One item's rows of one chunk while its columns are drawn; ``money`` keeps fen for the fields that follow."""

    model: FirmModel
    rng: np.random.Generator
    firms: Firms
    texts: Texts
    activity: Activity
    rows: Rows
    until: date
    serial: int
    seed: int = 0
    money: dict[str, Ints] = field(default_factory=dict)
    _parts: Floats | None = None

    def column(self, fld: Field) -> pa.Array:
        """The field's values as they are written in the file; null = empty cell."""
        raw = fld.sample
        source = str(raw["from"])
        if source.startswith("firm."):
            texts = self.of_firm(source.removeprefix("firm."))
        else:
            texts = _DRAWERS[source](self, fld, raw)
        if "thousands" in raw:
            texts = with_separators(texts, self.rng.random(len(self.rows)) < raw["thousands"])
        if "fill" in raw:
            share = np.array(by_archetype(raw["fill"], self.model))[self.firms.kinds.archetype[self.rows.firm]]
            texts = blanked(texts, self.rng.random(len(self.rows)) < share)
        return texts

    def of_firm(self, name: str) -> pa.Array:
        """A text of each row's firm."""
        return self.texts[name].take(pa.array(self.rows.firm))

    def any_word(self, name: str) -> pa.Array:
        """A word of the named list for each row."""
        words = self.model.words[name]
        return words_at(words, self.rng.integers(0, len(words), len(self.rows)))

    def in_distress(self) -> Bools:
        """Whether each row's firm was in distress that day."""
        return distressed(self.firms, self.rows.firm, self.rows.day)

    def parts(self) -> Floats:
        """Each row's part of its firm, summing to one over the firm's rows; drawn once."""
        if self._parts is None:
            weight = self.rng.gamma(2.0, 1.0, len(self.rows)) + 0.05
            total = np.bincount(self.rows.firm, weights=weight, minlength=len(self.firms))
            self._parts = weight / total[self.rows.firm]
        return self._parts

    def written(self, fld: Field, values: Floats) -> pa.Array:
        """Numbers in the spelling of the field's type; money is given in yuan."""
        if fld.type is FieldType.MONEY:
            self.money[fld.code] = np.rint(values * 100).astype(np.int64)
            return spell_yuan(self.money[fld.code])
        if fld.type is FieldType.DECIMAL:
            return spell_decimal(values, fld.scale)
        return pa.array(np.rint(values).astype(np.int64)).cast(pa.string())


Raw = Mapping[str, Any]


def _date(drawing: Drawing, fld: Field, raw: Raw) -> pa.Array:
    day, rows, rng = drawing.rows.day, drawing.rows, drawing.rng
    keep = np.ones(len(rows), dtype=np.bool_)
    if "offset_days" in raw:
        low, high = raw["offset_days"]
        day = np.maximum(day + rng.integers(low, high + 1, len(rows)), drawing.firms.registered[rows.firm])
        keep &= (day <= np.datetime64(drawing.until, "D")) | bool(raw.get("future"))
    if "if_paid" in raw:
        keep &= drawing.money[raw["if_paid"]] > 0
    texts = spell_days(day, raw.get("spelled", "iso"), month=fld.type is FieldType.MONTH)
    return texts if keep.all() else blanked(texts, keep)


def _curve(drawing: Drawing, fld: Field, raw: Raw) -> pa.Array:
    rows = drawing.rows
    values = drawing.activity.curves[raw["curve"]][rows.firm, rows.month] * raw["times"]
    if "noise" in raw:
        values = values * np.maximum(drawing.rng.normal(1.0, raw["noise"], len(rows)), 0.0)
    return drawing.written(fld, values)


def _paid(drawing: Drawing, fld: Field, raw: Raw) -> pa.Array:
    part = paid_part(drawing.model, drawing.rng, drawing.firms, drawing.rows.firm, drawing.rows.day)
    drawing.money[fld.code] = np.rint(drawing.money[raw["of"]] * part).astype(np.int64)
    return spell_yuan(drawing.money[fld.code])


def _difference(drawing: Drawing, fld: Field, raw: Raw) -> pa.Array:
    more, less = raw["of"]
    drawing.money[fld.code] = np.maximum(drawing.money[more] - drawing.money[less], 0)
    return spell_yuan(drawing.money[fld.code])


def _number(drawing: Drawing, fld: Field, raw: Raw) -> pa.Array:
    spread, step = raw.get("spread", 1.0), raw.get("step", 1)
    values = raw["median"] * np.exp(drawing.rng.normal(0.0, spread, len(drawing.rows)))
    return drawing.written(fld, np.maximum(np.rint(values / step), 1.0) * step)


def _part(drawing: Drawing, fld: Field, raw: Raw) -> pa.Array:
    firm = drawing.rows.firm
    whole = drawing.firms.capital_fen[firm] / 100.0
    if raw["of"] == "paid_in":
        whole = whole * drawing.firms.paid_in[firm]
    elif raw["of"] == "hundred":
        whole = np.full(len(firm), 100.0)
    return drawing.written(fld, whole * drawing.parts())


def _pick(drawing: Drawing, fld: Field, raw: Raw) -> pa.Array:
    values = list(raw["values"])
    count = len(drawing.rows)
    chosen = choose(drawing.rng, list(raw["values"].values()), count)
    if "distressed" in raw:
        other = choose(drawing.rng, [raw["distressed"].get(v, 0.0) for v in values], count)
        chosen = np.where(drawing.in_distress(), other, chosen)
    return words_at(values, chosen)


def _words(drawing: Drawing, fld: Field, raw: Raw) -> pa.Array:
    return drawing.any_word(raw["words"])


def _template(drawing: Drawing, fld: Field, raw: Raw) -> pa.Array:
    template = str(raw["template"])
    pieces: list[pa.Array | str] = [template.partition("{")[0]]
    for name, part in zip(placeholders(template), template.split("{")[1:], strict=True):
        pieces += [_placeholder(drawing, name), part.partition("}")[2]]
    if all(isinstance(piece, str) for piece in pieces):
        return words_at([template], np.zeros(len(drawing.rows), np.int64))
    return joined(*pieces)


def _placeholder(drawing: Drawing, name: str) -> pa.Array:
    rows = drawing.rows
    if name == "n":
        numbers = pa.array(np.arange(drawing.serial, drawing.serial + len(rows))).cast(pa.string())
        return pc.utf8_lpad(numbers, width=6, padding="0")
    if name == "year":
        return pa.array(rows.day.astype("datetime64[Y]").astype(np.int64) + 1970).cast(pa.string())
    if name == "ordinal":
        ordinals = drawing.model.words["ordinals"]
        return words_at(ordinals, rows.ordinal % len(ordinals))
    if name in ("city", "district", "firm"):
        return drawing.of_firm({"city": "city_full", "firm": "name"}.get(name, name))
    return drawing.any_word(f"{name}s")


def _code(drawing: Drawing, fld: Field, raw: Raw) -> pa.Array:
    return branch_codes(drawing.serial, drawing.seed, drawing.of_firm("division"))


_DRAWERS: dict[str, Callable[[Drawing, Field, Raw], pa.Array]] = {
    "date": _date,
    "curve": _curve,
    "paid": _paid,
    "difference": _difference,
    "number": _number,
    "part": _part,
    "pick": _pick,
    "words": _words,
    "template": _template,
    "code": _code,
}
