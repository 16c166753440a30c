"""What is different between two versions of the sharing list, item by item, and what may never be different. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from xinqiao.catalogue.types import Catalogue, Due, Field, Item, Openness
from xinqiao.kernel.errors import Phrase, Problem


class ChangeKind(StrEnum):
    """What happens to an item from one version to the next."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"

    @property
    def label(self) -> str:
        """The word a person reads."""
        return {"added": "增加", "removed": "删除", "changed": "修改"}[self]


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute of an item, or of a field of it (``field`` is its code), before and after; "" = there is none."""

    attribute: str
    before: str
    after: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class ItemChange:
    """What happens to one item. ``item`` is its newest declaration: of a removed one the last.

    ``wider`` are the fields some values of which become public: they need a basis in law.
    """

    kind: ChangeKind
    item: Item
    differences: tuple[Difference, ...] = ()
    wider: tuple[str, ...] = ()


ATTRIBUTES = {
    "name": "名称",
    "list_code": "清单编号",
    "department": "责任部门",
    "method": "共享方式",
    "due": "时限",
    "openness": "公开属性",
    "absence": "没有记录的含义",
    "key": "主键",
    "basis": "依据",
    "retention": "留存",
    "since": "起始日期",
    "lists": "上级清单",
    "type": "类型",
    "required": "必填",
    "choices": "可选值",
    "public_when": "公开的取值",
    "personal": "个人信息",
    "unit": "单位",
    "pattern": "格式",
    "minimum": "最小值",
    "maximum": "最大值",
    "scale": "小数位",
    "field": "字段",
}
OF_ITEM: tuple[str, ...] = (
    "name",
    "list_code",
    "department",
    "method",
    "due",
    "openness",
    "personal",
    "absence",
    "key",
)
OF_ITEM += ("basis", "retention", "since", "lists")
OF_FIELD: tuple[str, ...] = (
    "name",
    "type",
    "required",
    "choices",
    "openness",
    "public_when",
    "personal",
    "unit",
    "pattern",
)
OF_FIELD += ("minimum", "maximum", "scale")
STORED = ("type", "scale")  # rows already recorded are spelled so


def changes(before: Catalogue, after: Catalogue) -> tuple[ItemChange, ...]:
    """Every item that is different, by the number it has in the list."""
    old, new = {i.code: i for i in before}, {i.code: i for i in after}
    found = [ItemChange(ChangeKind.REMOVED, old[code]) for code in old.keys() - new.keys()]
    for code, item in new.items():
        if code not in old:
            found.append(ItemChange(ChangeKind.ADDED, item))
        elif differences := tuple(_differences(old[code], item)):
            found.append(ItemChange(ChangeKind.CHANGED, item, differences, tuple(_wider(old[code], item))))
    return tuple(sorted(found, key=lambda change: (change.item.list_code, change.kind)))


def faults(
    before: Catalogue, after: Catalogue, *, needed: Iterable[str] = (), earlier: Iterable[Item] = ()
) -> list[Problem]:
    """What a new version may not do: respell rows that are recorded, or drop an item that the node cannot be without.

    An item that must be spelled otherwise is taken off the list and listed anew under another code. ``earlier`` are
    declarations from before: an item or field that was taken off and comes back must be spelled as it was.
    """
    old, new = {i.code: i for i in before}, {i.code: i for i in after}
    missing = [
        Problem(field=code, code="needed", message=Phrase("{item}：节点识别企业离不开它，不能删除", item=code))
        for code in needed
        if code in old and code not in new
    ]
    stored = [*(old[code] for code in sorted(old)), *earlier]
    respelled = (fault for item in stored if item.code in new for fault in _respelled(item, new[item.code]))
    return [*missing, *{(fault.field, fault.code): fault for fault in respelled}.values()]


def carries(listed: Item, declared: Item) -> bool:
    """Whether what is written over ``declared`` can be computed from rows of the item as ``listed``."""
    fields = {f.code: f for f in listed.fields}
    return all(f.code in fields and fields[f.code].type is f.type for f in declared.fields)


def _respelled(old: Item, new: Item) -> Iterator[Problem]:
    if old.key != new.key:
        message = Phrase("{item}：已有记录按原主键去重，主键不能改；请删除该项，用新编号列入", item=new.code)
        yield Problem(field=new.code, code="key", message=message)
    fields = {f.code: f for f in new.fields}
    for field in old.fields:
        after = fields.get(field.code)
        opened = after and field.personal and not after.personal  # what is sealed stays so
        if after and (opened or any(getattr(field, name) != getattr(after, name) for name in STORED)):
            message = Phrase("{item}：字段 {field} 的存储方式不能改；请用新的字段名", item=new.code, field=field.code)
            yield Problem(field=f"{new.code}.{field.code}", code="stored", message=message)


def _differences(old: Item, new: Item) -> Iterator[Difference]:
    yield from _compared(old, new, OF_ITEM, "")
    before, after = {f.code: f for f in old.fields}, {f.code: f for f in new.fields}
    for code in (*before, *(c for c in after if c not in before)):
        if code in before and code in after:
            yield from _compared(before[code], after[code], OF_FIELD, code)
        else:
            yield Difference("field", _named(before.get(code)), _named(after.get(code)), code)


def _compared(old: Item | Field, new: Item | Field, names: Iterable[str], field: str) -> Iterator[Difference]:
    for name in names:
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield Difference(name, _said(was), _said(now), field)


def _wider(old: Item, new: Item) -> Iterator[str]:
    """Fields some value of which was not public before and is now."""
    fields = {f.code: f for f in old.fields}
    for field in new.fields:
        before = fields.get(field.code)
        if before and _open(new, field) - _open(old, before):
            yield field.code


def _open(item: Item, field: Field) -> set[str]:
    """The values of a field that are public: all of them as ``*``."""
    if field.public_when and item.openness is Openness.MIXED:
        return set(field.public_when)
    return {*field.choices, "*"} if item.openness_of(field) is Openness.PUBLIC else set()


def _named(field: Field | None) -> str:
    return field.name if field else ""


def _said(value: object) -> str:
    """An attribute as a person reads it."""
    if isinstance(value, Due):
        return due_text(value)
    if isinstance(value, tuple):
        return "、".join(map(str, value))
    if isinstance(value, bool):
        return "是" if value else "否"
    return "" if value is None else str(getattr(value, "name", None) if hasattr(value, "name_en") else value)


def due_text(due: Due) -> str:
    """A deadline as a content file writes it."""
    if due.period == "workdays":
        return f"{due.days}wd"
    return f"{due.period}+{due.days}d" if due.days else due.period
