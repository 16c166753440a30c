"""Checks the ``[sample]`` tables of a catalogue and turns them into plans; every mistake is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from xinqiao.catalogue.sample.activity import CURVES
from xinqiao.catalogue.sample.history import NAMES as HISTORY
from xinqiao.catalogue.sample.identity import NAMES
from xinqiao.catalogue.sample.spell import DAY_STYLES
from xinqiao.catalogue.sample.types import FirmModel
from xinqiao.catalogue.types import Catalogue, Field, FieldType, InvalidContent, Item
from xinqiao.kernel.errors import Problem

PATTERNS = frozenset({"once", "several", "monthly", "yearly", "events"})
FORMATS = frozenset({"csv", "csv.gz", "xlsx"})
ENCODINGS = frozenset({"utf-8", "gb18030"})
ITEM_KEYS = frozenset(
    {"rows", "count", "years", "on", "has", "classes", "gap", "window_months", "per_year", "at_most"}
    | {"after", "delay_months", "until", "delivery"}
)
VERBATIM = ("rows", "years", "on", "gap", "at_most", "after", "until")
COMMON = frozenset({"from", "header", "fill", "spelled", "thousands"})
# Keys of each way to draw a value; the first named one is required where it is marked.
KINDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "date": (frozenset(), frozenset({"offset_days", "future", "if_paid"})),
    "curve": (frozenset({"curve", "times"}), frozenset({"noise"})),
    "paid": (frozenset({"of"}), frozenset()),
    "difference": (frozenset({"of"}), frozenset()),
    "number": (frozenset({"median"}), frozenset({"spread", "step"})),
    "part": (frozenset({"of"}), frozenset()),
    "pick": (frozenset({"values"}), frozenset({"distressed"})),
    "words": (frozenset({"words"}), frozenset()),
    "template": (frozenset({"template"}), frozenset()),
    "code": (frozenset(), frozenset()),
}
PARTS = frozenset({"capital", "paid_in", "hundred"})
PLACEHOLDERS = frozenset({"city", "district", "firm", "year", "n", "ordinal", "surname", "bureau"})


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a department hands in the item: file format, text encoding, one file or one a year."""

    format: str = "csv"
    encoding: str = "utf-8"
    split: str = "none"


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """What to draw for one item; ``has`` and ``per_year`` hold one number for each archetype of the model."""

    item: Item
    rows: str
    has: tuple[float, ...]
    per_year: tuple[float, ...]
    classes: tuple[str, ...]
    delivery: Delivery
    count: tuple[int, int] = (1, 1)
    years: int = 3
    on: str = "04-15"
    gap: float = 0.0
    window_months: int = 36
    at_most: int = 5
    after: str = ""
    delay_months: tuple[float, float] = (0.0, 0.0)
    until: str = ""
    fields: tuple[Field, ...] = field(default=())

    def header(self, fld: Field) -> str:
        """Column heading of a field in the delivered file."""
        return str(fld.sample.get("header", fld.name))


def make_plans(catalogue: Catalogue, model: FirmModel) -> tuple[ItemPlan, ...]:
    """A plan for each item that has a ``[sample]`` table; raises InvalidContent with every problem at once."""
    items = [item for item in catalogue if item.sample]
    problems = [
        Problem(field=item.code, code="sample", message=f"{item.code}：{text}")
        for item in items
        for text in _faults(item, model)
    ]
    if problems:
        raise InvalidContent(problems)
    return tuple(_plan(item, model) for item in items)


def _plan(item: Item, model: FirmModel) -> ItemPlan:
    raw = item.sample
    given: dict[str, Any] = {key: raw[key] for key in VERBATIM if key in raw}
    given |= {key: tuple(raw[key]) for key in ("count", "delay_months") if key in raw}
    return ItemPlan(
        item=item,
        has=by_archetype(raw.get("has", 1.0), model),
        per_year=by_archetype(raw.get("per_year", 0.0), model),
        classes=tuple(raw.get("classes", model.classes)),
        delivery=Delivery(**raw.get("delivery", {})),
        window_months=raw.get("window_months", model.months),
        fields=tuple(f for f in item.fields if f.sample),
        **given,
    )


def by_archetype(value: float | Mapping[str, float], model: FirmModel) -> tuple[float, ...]:
    """One number for each archetype, from a number or a table with ``default``."""
    if isinstance(value, Mapping):
        return tuple(float(value.get(a.code, value.get("default", 0.0))) for a in model.archetypes)
    return tuple(float(value) for _ in model.archetypes)


def _faults(item: Item, model: FirmModel) -> Iterator[str]:
    raw = item.sample
    yield from (f"sample 有不认识的键 {key}" for key in sorted(raw.keys() - ITEM_KEYS))
    if raw.get("rows") not in PATTERNS:
        yield f"sample.rows 应为 {'、'.join(sorted(PATTERNS))} 之一"
    yield from _delivery_faults(raw.get("delivery", {}))
    for key, among in (("after", {"distress", "default"}), ("until", {"distress"})):
        if key in raw and raw[key] not in among:
            yield f"sample.{key} 应为 {'、'.join(sorted(among))} 之一"
    for key in ("has", "per_year"):
        yield from (f"sample.{key}：{text}" for text in _share_faults(raw.get(key, 0), model))
    yield from (f"sample.classes 没有 {c}" for c in raw.get("classes", ()) if c not in model.classes)
    if not item.subject.sample:
        yield "企业代码字段没有 sample，送来的数据无主体"
    for fld in item.fields:
        if fld.sample:
            yield from (f"fields.{fld.code}.sample：{text}" for text in _field_faults(item, fld, model))


def _delivery_faults(raw: Mapping[str, Any]) -> Iterator[str]:
    allowed = {"format": FORMATS, "encoding": ENCODINGS, "split": frozenset({"none", "year"})}
    for key, value in raw.items():
        if key not in allowed:
            yield f"sample.delivery 有不认识的键 {key}"
        elif value not in allowed[key]:
            yield f"sample.delivery.{key} 应为 {'、'.join(sorted(allowed[key]))} 之一"


def _share_faults(value: object, model: FirmModel) -> Iterator[str]:
    known = {"default", *(a.code for a in model.archetypes)}
    numbers: Iterable[object] = value.values() if isinstance(value, Mapping) else (value,)
    if isinstance(value, Mapping):
        yield from (f"没有企业类型 {key}" for key in value.keys() - known)
    yield from (f"{number!r} 不是非负数" for number in numbers if not _is_share(number))


def _is_share(number: object) -> bool:
    return isinstance(number, (int, float)) and number >= 0


def _field_faults(item: Item, fld: Field, model: FirmModel) -> Iterator[str]:
    raw = fld.sample
    source = str(raw.get("from", ""))
    needed, optional = KINDS.get(source, (frozenset(), frozenset()))
    if source.startswith("firm."):
        if source.removeprefix("firm.") not in NAMES | HISTORY:
            yield f"企业没有 {source}"
    elif source not in KINDS:
        yield f"from 应为 firm.名称 或 {'、'.join(KINDS)} 之一"
    yield from (f"缺少 {key}" for key in sorted(needed - raw.keys()))
    yield from (f"不认识的键 {key}" for key in sorted(raw.keys() - needed - optional - COMMON))
    yield from _share_faults(raw.get("fill", 1), model)
    if raw.get("spelled", "iso") not in DAY_STYLES:
        yield f"spelled 应为 {'、'.join(DAY_STYLES)} 之一"
    if needed <= raw.keys():
        yield from _reference_faults(item, fld, source, model)


def _reference_faults(item: Item, fld: Field, source: str, model: FirmModel) -> Iterator[str]:
    """What a field's sample names must exist, and stand before it where it is computed from it."""
    raw = fld.sample
    codes = [f.code for f in item.fields]
    before = {f.code for f in item.fields[: codes.index(fld.code)] if f.type is FieldType.MONEY and f.sample}
    named = {"paid": [raw.get("of")], "difference": raw.get("of"), "date": [raw.get("if_paid", None)]}.get(source, [])
    yield from (f"{name} 不是前面的金额字段" for name in named or () if name is not None and name not in before)
    if source == "curve" and raw["curve"] not in CURVES:
        yield f"curve 应为 {'、'.join(CURVES)} 之一"
    if source == "part" and raw["of"] not in PARTS:
        yield f"of 应为 {'、'.join(sorted(PARTS))} 之一"
    if source == "words" and raw["words"] not in model.words:
        yield f"sample.toml 没有词表 {raw['words']}"
    if source == "pick":
        values = {*raw["values"], *raw.get("distressed", {})}
        yield from (f"{v} 不在字段的取值中" for v in sorted(values) if fld.choices and v not in fld.choices)
    if source == "template":
        yield from (f"不认识的占位符 {{{name}}}" for name in placeholders(raw["template"]) if name not in PLACEHOLDERS)


def placeholders(template: str) -> list[str]:
    """Names in braces, in order."""
    return [part.partition("}")[0] for part in template.split("{")[1:]]
