"""Reads the item files of a content folder and refuses the whole list with every problem named."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

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
    standards, sources = _standards(files.get(STANDARDS)), _sources(files.get(SOURCES))
    problems += [*_duplicates(items), *_unread(items, standards), *_unlisted(items, sources)]
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
        found = {code: Department(code=code, name=row["name"], name_en=row["name_en"]) for code, row in rows.items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        return {}, [Problem(field=DEPARTMENTS, code="unreadable", message=f"{DEPARTMENTS}: {error!r}")]
    return found, []


def _standards(text: str | None) -> tuple[Standard, ...]:
    """The standards that a list knows of, none when it has no such file."""
    return tuple(Standard(**row) for row in tomllib.loads(text)["standards"]) if text is not None else ()


def _sources(text: str | None) -> tuple[SourceList, ...]:
    """The superior lists that the items come from, none when it has no such file."""
    return tuple(SourceList(**row) for row in tomllib.loads(text)["lists"]) if text is not None else ()


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
        return parse_item(tomllib.loads(text), departments, where=where)
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
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
    problems = [Problem(field=where, code="declaration", message=f"{where}: {text}") for text in _faults(item, raw)]
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


def _field_faults(item: Item, fld: Field, spec: Mapping[str, Any]) -> list[str]:
    checks = [
        (not NAME.fullmatch(fld.code), "name must be lower case ASCII of at most 30 characters"),
        (fld.code in RESERVED, "name is reserved"),
        (
            fld.personal and fld.type not in (FieldType.TEXT, FieldType.CODE),
            "a personal field is stored sealed, so it is text or code",
        ),
        (fld.type is FieldType.CHOICE and not fld.choices, "choice without choices"),
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
