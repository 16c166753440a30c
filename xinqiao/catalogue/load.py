"""Reads the item files of a content folder and refuses the whole list with every problem named."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.types import (
    Absence,
    Catalogue,
    Department,
    Due,
    Example,
    Field,
    FieldType,
    InvalidContent,
    Item,
    Method,
    Openness,
    Role,
    SourceList,
    Standard,
)
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Problem

ITEMS = "items/"
DEPARTMENTS = "items/departments.toml"
STANDARDS = "standards.toml"
SOURCES = "lists.toml"
ITEM_FILE = re.compile(r"items/[a-z0-9_]+/[a-z0-9_.]+\.toml")
NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
CODE = re.compile(r"[a-z][a-z0-9_]{0,29}\.[a-z][a-z0-9_]{0,28}")  # names folders, columns and addresses
LIST_CODE = re.compile(r"[A-Z][0-9]{2}[a-z]?")
TEXTS: tuple[str, ...] = ("code", "list_code", "name", "name_en", "department", "method", "due")
TEXTS += ("openness", "absence", "basis", "retention")
FIELD_TEXTS = ("type", "name", "name_en")
TYPES: Mapping[str, type] = {
    **dict.fromkeys(("draft", "personal", "required"), bool),
    **dict.fromkeys(("key", "lists", "standards", "choices", "public_when", "aliases"), list),
    **dict.fromkeys(("minimum", "maximum", "scale"), int),
    **dict.fromkeys(("pattern", "unit", "note"), str),
    "sample": dict,
}
Kind = TypeVar("Kind", Standard, SourceList)
UNREADABLE = (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, AttributeError, RecursionError)
DUE = re.compile(r"(daily|weekly|monthly|yearly)(?:\+(\d+)d)?|(\d+)wd")
FIELD_KEYS = frozenset(Field.__dataclass_fields__) - {"code"}
ITEM_KEYS = frozenset(Item.__dataclass_fields__)
RESERVED = frozenset({"_enterprise", "_occurred_on", "_recorded_at", "_batch", "_row", "_op", "_flags"})


@cache
def load_catalogue(folder: Path) -> Catalogue:
    """The sharing list under ``folder/items``; raises InvalidContent with every problem at once.

    ``folder/items/departments.toml`` names the providers; each ``folder/items/<department>/<item>.toml`` is
    one item (DESIGN §4).
    """
    return parse_catalogue(list_files(folder))


def list_files(folder: Path) -> dict[str, str]:
    """The files of a list in a content folder: name relative to it → text. All that the list is."""
    paths = [*folder.glob("items/*.toml"), *folder.glob("items/*/*.toml")]
    paths += [folder / name for name in (STANDARDS, SOURCES) if (folder / name).exists()]
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(paths)}


def parse_catalogue(files: Mapping[str, str]) -> Catalogue:
    """A list from its files, wherever they lie; raises InvalidContent with every problem at once."""
    departments, problems = _departments(files.get(DEPARTMENTS))
    items: list[Item] = []
    for name in sorted(files):
        if ITEM_FILE.fullmatch(name):
            item, found = _read_item(name.removeprefix(ITEMS), files[name], departments)
            problems += found
            if item:
                items.append(item)
        elif name not in (DEPARTMENTS, STANDARDS, SOURCES):
            problems.append(Problem(field=name, code="file", message=f"{name}：清单里没有这样的文件"))
    standards, found = _rows(STANDARDS, files.get(STANDARDS), "standards", Standard)
    sources, more = _rows(SOURCES, files.get(SOURCES), "lists", SourceList)
    problems += _duplicates(items)
    problems += found or _unread(items, standards)  # what cannot be read says nothing of the items
    problems += more or _unlisted(items, sources)
    if problems:
        raise InvalidContent(problems)
    return Catalogue(
        items=tuple(sorted(items, key=lambda i: i.list_code)),
        departments=tuple(departments.values()),
        sha256=list_digest(files),
        standards=standards,
        sources=sources,
    )


def _departments(text: str | None) -> tuple[dict[str, Department], list[Problem]]:
    if text is None:
        return {}, [Problem(field=DEPARTMENTS, code="file", message=f"{DEPARTMENTS}：缺少责任部门文件")]
    try:
        rows = tomllib.loads(text)
    except UNREADABLE as error:
        return {}, [Problem(field=DEPARTMENTS, code="unreadable", message=f"{DEPARTMENTS}: {error!r}")]
    found, problems = dict[str, Department](), list[Problem]()
    for code, row in rows.items():
        named = row if isinstance(row, dict) else {}
        wrong = [f"{code}: {text}" for text in _text_faults(named, ("name", "name_en"))]
        wrong += [] if NAME.fullmatch(code) else [f"{code}: name must be lower case ASCII of at most 30 characters"]
        problems += [Problem(field=DEPARTMENTS, code="department", message=f"{DEPARTMENTS}: {text}") for text in wrong]
        # Also a department that is wrong is known, so that its items are not told to have none.
        found[code] = Department(code, str(named.get("name", code)), str(named.get("name_en", code)))
    return found, problems


def _rows(name: str, text: str | None, table: str, kind: type[Kind]) -> tuple[tuple[Kind, ...], list[Problem]]:
    """What a file beside the items lists, none when there is no such file: standards, superior lists."""
    if text is None:
        return (), []
    try:
        return tuple(kind(**row) for row in tomllib.loads(text)[table]), []
    except UNREADABLE as error:
        return (), [Problem(field=name, code="unreadable", message=f"{name}: {error!r}")]


def _text_faults(raw: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """What is missing, empty or no text among the texts that a declaration must have."""
    return [f"{name} must be a text" for name in names if not isinstance(raw.get(name), str) or not raw[name].strip()]


def _type_faults(raw: Mapping[str, Any]) -> list[str]:
    """Values of another kind than their key says; a list holds texts."""
    found = []
    for name, wanted in TYPES.items():
        value = raw.get(name)
        texts = not isinstance(value, list) or all(isinstance(one, str) for one in value)
        if value is not None and (type(value) is not wanted or not texts):
            found.append(f"{name} must be a {'list of texts' if wanted is list else wanted.__name__}")
    return found


def _raw_faults(raw: Mapping[str, Any]) -> list[str]:
    """What keeps a declaration from being read at all, item and fields together."""
    found = [*_text_faults(raw, TEXTS), *_type_faults(raw)]
    found += [] if isinstance(raw.get("key"), list) else ["key must be a list of texts"]
    fields = raw.get("fields")
    if not isinstance(fields, dict) or not fields:
        return [*found, "fields must be a table"]
    for code, spec in fields.items():
        named = spec if isinstance(spec, dict) else {}
        found += [f"fields.{code}: {text}" for text in (*_text_faults(named, FIELD_TEXTS), *_type_faults(named))]
    return found


def _unlisted(items: Iterable[Item], sources: Iterable[SourceList]) -> list[Problem]:
    """An item may only say that it comes from a list that is named."""
    known = {s.code for s in sources}
    return [
        Problem(field=item.code, code="list", message=f"{item.code}：{SOURCES} 里没有清单 {code}")
        for item in items
        for code in item.lists
        if code not in known
    ]


def _unread(items: Iterable[Item], standards: Iterable[Standard]) -> list[Problem]:
    """An item may only say that it follows a standard whose text was read."""
    read = {s.code for s in standards if s.read}
    return [
        Problem(field=item.code, code="standard", message=f"{item.code}：{code} 不在已读到文本的标准之中，不能宣称遵循")
        for item in items
        for code in item.standards
        if code not in read
    ]


def list_digest(files: Mapping[str, str]) -> str:
    """SHA-256 over the name and digest of each item file, by name: what ``sha256sum`` prints for them in ``items``."""
    names = sorted(name.removeprefix(ITEMS) for name in files if name.startswith(ITEMS))
    lines = (f"{sha256_hex(files[ITEMS + name].encode())}  {name}\n" for name in names)
    return sha256_hex("".join(lines).encode("utf-8"))


def _duplicates(items: Iterable[Item]) -> list[Problem]:
    seen: set[str] = set()
    found = []
    for item in items:
        for code in (item.code, item.list_code):
            if code in seen:
                found.append(Problem(field=code, code="duplicate", message=f"编号 {code} 出现两次"))
            seen.add(code)
    return found


def _read_item(where: str, text: str, departments: Mapping[str, Department]) -> tuple[Item | None, list[Problem]]:
    try:
        raw = tomllib.loads(text)
        if faults := _raw_faults(raw):
            return None, [Problem(field=where, code="declaration", message=f"{where}: {fault}") for fault in faults]
        return parse_item(raw, departments, where=where)
    except UNREADABLE as error:
        return None, [Problem(field=where, code="unreadable", message=f"{where}: {error!r}")]


def parse_item(
    raw: Mapping[str, Any], departments: Mapping[str, Department], *, where: str
) -> tuple[Item | None, list[Problem]]:
    """One item from parsed TOML, and the problems of its declaration."""
    fields = tuple(_field(code, spec) for code, spec in raw["fields"].items())
    item = Item(
        code=raw["code"],
        list_code=raw["list_code"],
        name=raw["name"],
        name_en=raw["name_en"],
        department=departments[raw["department"]],
        method=Method(raw["method"]),
        due=parse_due(raw["due"]),
        openness=Openness(raw["openness"]),
        personal=raw.get("personal", False),
        absence=Absence(raw["absence"]),
        basis=raw["basis"],
        draft=raw.get("draft", False),
        key=tuple(raw["key"]),
        retention=raw["retention"],
        fields=fields,
        examples=tuple(Example(row=e["row"], expect=e["expect"]) for e in raw.get("examples", ())),
        sample=raw.get("sample", {}),
        since=raw.get("since"),
        standards=tuple(raw.get("standards", ())),
        lists=tuple(raw.get("lists", ())),
        note=raw.get("note", ""),
    )
    faults = [*_faults(item, raw), *_code_faults(item)]
    problems = [Problem(field=where, code="declaration", message=f"{where}: {text}") for text in faults]
    return (None if problems else item), problems


def parse_due(text: str) -> Due:
    """``daily``, ``monthly+15d``, ``yearly+120d`` or ``7wd`` (working days after the event)."""
    match = DUE.fullmatch(text)
    if not match:
        raise ValueError(f"due = {text!r} is not daily, weekly, monthly+15d, yearly+120d or 7wd")
    if match[3]:
        return Due(period="workdays", days=int(match[3]))
    return Due(period=match[1], days=int(match[2] or 0))


def _field(code: str, spec: Mapping[str, Any]) -> Field:
    role = Role(spec["role"]) if "role" in spec else None
    return Field(
        code=code,
        type=FieldType(spec["type"]),
        name=spec["name"],
        name_en=spec["name_en"],
        role=role,
        required=spec.get("required", role is not None),
        choices=tuple(spec.get("choices", ())),
        public_when=tuple(spec.get("public_when", ())),
        openness=Openness(spec["openness"]) if "openness" in spec else None,
        aliases=tuple(spec.get("aliases", ())),
        personal=spec.get("personal", False),
        minimum=spec.get("minimum"),
        maximum=spec.get("maximum"),
        scale=spec.get("scale", 2),
        unit=spec.get("unit", ""),
        pattern=spec.get("pattern", ""),
        note=spec.get("note", ""),
        sample=spec.get("sample", {}),
    )


def _faults(item: Item, raw: Mapping[str, Any]) -> list[str]:
    """What contradicts itself in a declaration, as sentences."""
    faults = [f"unknown key {key!r}" for key in raw.keys() - ITEM_KEYS]
    codes = {f.code for f in item.fields}
    for role in Role:
        count = sum(f.role is role for f in item.fields)
        if count > 1 or (role is Role.ENTERPRISE and count == 0):
            faults.append(f"{count} fields have role {role}")
    faults += [f"key names unknown field {k!r}" for k in item.key if k not in codes]
    for fld in item.fields:
        faults += [f"fields.{fld.code}: {text}" for text in _field_faults(item, fld, raw["fields"][fld.code])]
    for example in item.examples:
        faults += [f"example names unknown field {k!r}" for k in example.row.keys() - codes]
    return faults


def _code_faults(item: Item) -> list[str]:
    """What is wrong with the codes of an item."""
    checks = [
        (not CODE.fullmatch(item.code), f"code {item.code!r} is not like tax.payment, in lower case ASCII"),
        (not LIST_CODE.fullmatch(item.list_code), f"list_code {item.list_code!r} is not like E03a"),
    ]
    return [text for wrong, text in checks if wrong]


def _compiles(pattern: str) -> bool:
    """Whether the engine that checks columns can read a pattern."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern=f"^(?:{pattern})$")
    except pa.ArrowInvalid:
        return False
    return True


def _field_faults(item: Item, fld: Field, spec: Mapping[str, Any]) -> list[str]:
    checks = [
        (not NAME.fullmatch(fld.code), "name must be lower case ASCII of at most 30 characters"),
        (fld.code in RESERVED, "name is reserved"),
        (
            fld.personal and fld.type not in (FieldType.TEXT, FieldType.CODE),
            "a personal field is stored sealed, so it is text or code",
        ),
        (fld.type is FieldType.CHOICE and not fld.choices, "choice without choices"),
        (not _compiles(fld.pattern), "the pattern cannot be read"),
        (not 0 <= fld.scale <= 18, "scale is from 0 to 18"),
        (
            fld.type is FieldType.MONEY and not fld.code.endswith("_fen"),
            "a money field is stored in fen: end its name in _fen",
        ),
        (
            bool(fld.public_when) and not set(fld.public_when) <= set(fld.choices),
            "public_when names an unknown choice",
        ),
        (
            (fld.openness is not None or bool(fld.public_when)) and item.openness is not Openness.MIXED,
            "openness per field needs openness = 'mixed' on the item",
        ),
        (fld.role is Role.ENTERPRISE and fld.type is not FieldType.USCC, "the enterprise is named by a uscc"),
        (
            fld.role is Role.OCCURRED_ON and fld.type not in (FieldType.DATE, FieldType.MONTH),
            "occurred_on is a date or a month",
        ),
    ]
    return [text for wrong, text in checks if wrong] + [f"unknown key {k!r}" for k in spec.keys() - FIELD_KEYS]


def content_date(value: object) -> date:
    """A TOML date, or a clear ValueError."""
    if not isinstance(value, date):
        raise ValueError(f"{value!r} is not a date (write 2025-03-01 without quotes)")
    return value
