"""Which column of a file is which field: by remembered choice, by name, by alias."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from xinqiao.catalogue.types import Field, FieldType, Item
from xinqiao.ingest.types import ColumnsMissing
from xinqiao.kernel.errors import Phrase, Problem

Columns = dict[str, str]
# Columns of any item's file by which an enterprise is found when its unified code is missing; they are not stored.
IDENTIFYING = (
    Field(
        "subject.organisation_code",
        FieldType.CODE,
        "组织机构代码",
        "organisation code",
        aliases=("机构代码", "组织机构代码证号"),
    ),
    Field(
        "subject.registration_no",
        FieldType.CODE,
        "注册号",
        "registration number",
        aliases=("工商注册号", "营业执照注册号", "营业执照号"),
    ),
    Field(
        "subject.former_code",
        FieldType.CODE,
        "曾用代码",
        "former code",
        aliases=("原统一社会信用代码", "原代码", "旧代码"),
    ),
    Field(
        "subject.name",
        FieldType.TEXT,
        "企业名称",
        "enterprise name",
        aliases=("name", "单位名称", "主体名称", "纳税人名称", "公司名称", "当事人名称", "用户名称"),
    ),
    Field(
        "subject.division",
        FieldType.TEXT,
        "行政区划",
        "division",
        aliases=("行政区划代码", "区县", "所在区县", "所属区县", "登记区县"),
    ),
    Field(
        "subject.address",
        FieldType.TEXT,
        "住所",
        "address",
        aliases=("地址", "注册地址", "企业地址", "经营场所", "用电地址", "用水地址", "用气地址"),
    ),
)


def fold(header: str) -> str:
    """A header without what departments vary: width, case, spaces, underscores, brackets."""
    text = unicodedata.normalize("NFKC", header).casefold()
    return "".join(ch for ch in text if ch not in " _-*()[]（）　\t\r\n")


def map_columns(item: Item, headers: Sequence[str], remembered: Mapping[str, str]) -> dict[str, str]:
    """Field code → header. ``remembered`` (header → field code) goes first; raises ColumnsMissing with all gaps."""
    known = {fold(name): f.code for f in reversed(item.fields) for name in _names(f)}
    chosen: dict[str, str] = {}
    for header in headers:
        code = remembered.get(header) or known.get(fold(header))
        if code and code not in chosen:
            chosen[code] = header
    named = identifying_columns(headers, remembered)
    missing = [f for f in item.fields if f.required and f.code not in chosen and not (f is item.subject and named)]
    if missing:
        raise ColumnsMissing([_gap(f, headers) for f in missing])
    return chosen


def identifying_columns(headers: Sequence[str], remembered: Mapping[str, str]) -> Columns:
    """Which columns help to find an enterprise: ``subject.…`` → header. A column may be a field of the item too."""
    known = {fold(name): f.code for f in IDENTIFYING for name in _names(f)}
    chosen: Columns = {}
    for header in sorted(headers, key=lambda h: not h.startswith("subject.")):  # said outright goes before a likeness
        code = remembered.get(header, "")
        code = code if code.startswith("subject.") else known.get(fold(header), "")
        if code and code not in chosen:
            chosen[code] = header
    return chosen


def _names(fld: Field) -> tuple[str, ...]:
    return (fld.code, fld.name, fld.name_en, *fld.aliases)


def _gap(fld: Field, headers: Sequence[str]) -> Problem:
    found = tuple(headers) or (Phrase("（没有表头）"),)
    message = Phrase("缺少“{field}”；文件里有：{headers}", field=fld.name, headers=found)
    return Problem(field=fld.code, code="column.missing", message=message)
