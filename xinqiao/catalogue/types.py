"""An item of the sharing list and its fields, as declared in one TOML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from xinqiao.kernel.errors import Invalid, NotFound


class Method(StrEnum):
    """Sharing method (共享方式) of the national list."""

    COLLECT = "collect"  # 物理归集
    CALL = "call"  # 系统接口调用
    VERIFY = "verify"  # 数据核验


class Openness(StrEnum):
    """Whether anyone may see a thing by law, or only with the enterprise's authorisation."""

    PUBLIC = "public"
    NON_PUBLIC = "non_public"
    MIXED = "mixed"  # then said per field (openness) or per value (public_when)


class Absence(StrEnum):
    """What it means when a delivered item holds no row for an enterprise."""

    VERIFIED_NONE = "verified_none"  # the list is complete: no row = there is none
    NOT_KNOWN = "not_known"  # no row = nothing was said


class FieldType(StrEnum):
    """How a field is spelled, checked and stored."""

    USCC = "uscc"
    TEXT = "text"
    CODE = "code"
    DATE = "date"
    MONTH = "month"
    INTEGER = "integer"
    DECIMAL = "decimal"
    MONEY = "money"
    CAPITAL = "capital"
    CHOICE = "choice"
    BOOLEAN = "boolean"
    DIVISION = "division"


class Role(StrEnum):
    """What a field is to the engine."""

    ENTERPRISE = "enterprise"  # the subject: exactly one per item
    OCCURRED_ON = "occurred_on"  # when it happened: at most one per item


@dataclass(frozen=True, slots=True)
class Field:
    """One column. ``money`` is stored in fen; ``month`` as its first day; ``capital`` as amount and currency."""

    code: str
    type: FieldType
    name: str
    name_en: str
    role: Role | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    public_when: tuple[str, ...] = ()
    openness: Openness | None = None
    aliases: tuple[str, ...] = ()
    personal: bool = False
    minimum: int | None = None
    maximum: int | None = None
    scale: int = 2
    unit: str = ""
    pattern: str = ""
    note: str = ""
    sample: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the stored columns: one, except that capital has an amount and a currency."""
        if self.type is FieldType.CAPITAL:
            return (f"{self.code}_fen", f"{self.code}_currency")
        return (self.code,)


class UnknownField(NotFound):
    """An item has no such field."""

    code = "catalogue.unknown_field"
    title = "数据项 {item} 没有字段 {field}"
    next_step = "请在数据字典中查看该数据项的字段"


class UnknownItem(NotFound):
    """The sharing list has no such item."""

    code = "catalogue.unknown_item"
    title = "共享清单中没有数据项 {item}"
    next_step = "请运行 xinqiao items 查看清单，或检查编号拼写"


class InvalidContent(Invalid):
    """A content file contradicts itself or the engine; lists every problem found."""

    code = "catalogue.invalid_content"
    title = "内容文件有 {count} 处错误"
    next_step = "请按所列文件和字段改正后重新加载"


@dataclass(frozen=True, slots=True)
class Example:
    """A row in the spelling of a delivery and what the checks must say: ``ok`` or ``field: problem.code``."""

    row: Mapping[str, str]
    expect: str


@dataclass(frozen=True, slots=True)
class Due:
    """Deadline of an item: how often, and how many days after the period ends."""

    period: str  # daily | weekly | monthly | yearly | workdays
    days: int = 0


@dataclass(frozen=True, slots=True)
class Department:
    """A responsible department or utility (责任部门)."""

    code: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the sharing list with its four attributes: content, method, department, deadline."""

    code: str
    list_code: str
    name: str
    name_en: str
    department: Department
    method: Method
    due: Due
    openness: Openness
    personal: bool
    absence: Absence
    basis: str
    draft: bool
    key: tuple[str, ...]
    retention: str
    fields: tuple[Field, ...]
    examples: tuple[Example, ...] = ()
    sample: Mapping[str, Any] = field(default_factory=dict)
    since: date | None = None
    standards: tuple[str, ...] = ()  # national standards whose rules its fields follow
    lists: tuple[str, ...] = ()  # the superior lists it comes from; none = the province's own
    note: str = ""  # how an item shared by call or verification is delivered, and other advice

    def __hash__(self) -> int:
        """By its code, so that what is made of a declaration can be kept beside it."""
        return hash(self.code)

    @property
    def row(self) -> str:
        """Row of the list that the item stands in: items that share one are told apart by a letter (E03a, E03b)."""
        return self.list_code[:3]

    def field(self, code: str) -> Field:
        """The field of that code; raises UnknownField."""
        for candidate in self.fields:
            if candidate.code == code:
                return candidate
        raise UnknownField(item=self.code, field=code)

    def role(self, role: Role) -> Field | None:
        """The field that plays ``role``, if any."""
        return next((f for f in self.fields if f.role is role), None)

    @property
    def subject(self) -> Field:
        """The field that names the enterprise."""
        return next(f for f in self.fields if f.role is Role.ENTERPRISE)

    def openness_of(self, fld: Field, value: object = None) -> Openness:
        """Openness of one value: the field's own word, else public for a listed value, else the item's."""
        if self.openness is not Openness.MIXED:
            return self.openness
        if fld.public_when:
            return Openness.PUBLIC if value in fld.public_when else Openness.NON_PUBLIC
        return fld.openness or Openness.NON_PUBLIC


@dataclass(frozen=True, slots=True)
class Standard:
    """A national standard that the list has to do with; ``read`` says whether its text was at hand."""

    code: str
    name: str
    name_en: str
    read: bool
    use: str


@dataclass(frozen=True, slots=True)
class SourceList:
    """A list that the province's own is built on: the items it names are owed to whoever made it."""

    code: str
    name: str
    name_en: str
    basis: str
    draft: bool = True


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The whole sharing list as loaded from content. ``sha256`` names exactly this version of it."""

    items: tuple[Item, ...]
    departments: tuple[Department, ...]
    sha256: str = ""
    standards: tuple[Standard, ...] = ()
    sources: tuple[SourceList, ...] = ()

    def item(self, code: str) -> Item:
        """The item of that code or list code (``tax.credit_rating`` or ``E01``); raises UnknownItem."""
        for candidate in self.items:
            if code in (candidate.code, candidate.list_code):
                return candidate
        raise UnknownItem(item=code)

    def of_department(self, code: str) -> tuple[Item, ...]:
        """Items that department must provide."""
        return tuple(i for i in self.items if i.department.code == code)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)
