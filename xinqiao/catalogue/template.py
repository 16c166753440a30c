"""The upload template of an item: one xlsx sheet to fill in, one that explains each column."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import xlsxwriter

from xinqiao.catalogue.types import Field, FieldType, Item
from xinqiao.kernel.errors import Phrase

HINTS: dict[FieldType, str] = {
    FieldType.USCC: "18 位统一社会信用代码",
    FieldType.DATE: "日期，如 2025-03-01",
    FieldType.MONTH: "月份，如 2025-03",
    FieldType.INTEGER: "整数",
    FieldType.DECIMAL: "小数",
    FieldType.MONEY: "金额（元），如 1234.50",
    FieldType.CAPITAL: "金额与币种，如 100万人民币",
    FieldType.BOOLEAN: "是 或 否",
    FieldType.DIVISION: "6 位行政区划代码",
    FieldType.TEXT: "文字",
    FieldType.CODE: "代码",
    FieldType.CHOICE: "请从下拉列表选择",
}
ROWS_WITH_LISTS = 5000


def hint(fld: Field) -> str:
    """How a value of this field is written."""
    words = HINTS[fld.type]
    if fld.choices:
        words = Phrase("{words}：{choices}", words=words, choices=fld.choices)
    return Phrase("{words}。{note}", words=words, note=fld.note) if fld.note else words


def xlsx_template(item: Item) -> bytes:
    """An xlsx workbook with the item's header row, drop-down lists and a sheet of explanations.

    The same item always gives the same bytes.
    """
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"title": item.name, "created": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
    bold = book.add_format({"bold": True, "bottom": 1})
    need = book.add_format({"bold": True, "bottom": 1, "font_color": "#A8322A"})
    text = book.add_format({"num_format": "@"})
    sheet = book.add_worksheet(item.name[:31])
    sheet.freeze_panes(1, 0)
    for column, fld in enumerate(item.fields):
        sheet.write(0, column, fld.name, need if fld.required else bold)
        sheet.set_column(column, column, max(12, 2 * len(fld.name) + 4), text)
        if fld.choices:
            sheet.data_validation(1, column, ROWS_WITH_LISTS, column, {"validate": "list", "source": list(fld.choices)})
    _explain(book.add_worksheet("填写说明"), item, bold)
    book.close()
    return out.getvalue()


def _explain(sheet: xlsxwriter.worksheet.Worksheet, item: Item, bold: xlsxwriter.format.Format) -> None:
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 8)
    sheet.set_column(2, 2, 60)
    for column, title in enumerate(("列", "必填", "写法")):
        sheet.write(0, column, title, bold)
    for row, fld in enumerate(item.fields, 1):
        sheet.write_row(row, 0, (fld.name, "是" if fld.required else "", str(hint(fld))))
