"""The table of loans as a file: a template to fill in, and what comes back, read as it was typed."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import Any

import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook

from xinqiao.kernel.errors import Invalid, Problem
from xinqiao.lending.papers import HEADINGS, OPTIONAL

MOST_BYTES = 20_000_000
CODES = {title: code for code, title in HEADINGS.items()} | {code: code for code in HEADINGS}


class UnreadableLoans(Invalid):
    """The file is no table of loans."""

    code = "lending.unreadable_file"
    title = "读不出贷款表：{why}"
    next_step = "请下载模板填写，保存为 xlsx 或 UTF-8 的 csv 后再提交"


def loan_template() -> bytes:
    """An empty table with its headings; those that must be filled in are marked."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("贷款")
        must, may = book.add_format({"bold": True}), book.add_format({"font_color": "#4B5563"})
        for place, (code, title) in enumerate(HEADINGS.items()):
            sheet.write_string(0, place, title, may if code in OPTIONAL else must)
            sheet.set_column(place, place, max(12, len(title) * 2))
    return out.getvalue()


def read_sheet(name: str, data: bytes) -> list[dict[str, Any]]:
    """Rows of an xlsx or csv file by field code; raises UnreadableLoans. Unknown headings stay and are named later."""
    if len(data) > MOST_BYTES:
        raise _unreadable("文件过大")
    rows = _xlsx(data) if name.lower().endswith(".xlsx") else _csv(data)
    if not rows:
        raise _unreadable("没有内容")
    heads = [CODES.get(str(cell).strip(), str(cell).strip()) for cell in rows[0]]
    if not set(heads) & set(HEADINGS):
        raise _unreadable("第一行没有认识的列名")
    return [
        {head: _plain(cell) for head, cell in zip(heads, row, strict=False) if head}
        for row in rows[1:]
        if any(str(cell).strip() for cell in row)
    ]


def _xlsx(data: bytes) -> list[list[Any]]:
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    except (CalamineError, ValueError, IndexError) as error:
        raise _unreadable("不是 xlsx 文件") from error


def _csv(data: bytes) -> list[list[Any]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return list(csv.reader(io.StringIO(data.decode(encoding), newline="")))
        except (UnicodeDecodeError, csv.Error):
            continue
    raise _unreadable("不是 csv 文件")


def _plain(cell: Any) -> Any:
    """A cell as it would have been typed: whole numbers without a point, days without a time."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, (date, datetime)):
        return cell.isoformat()[:10]
    return str(cell)


def _unreadable(why: str) -> UnreadableLoans:
    return UnreadableLoans([Problem(field="file", code="lending.file", message=why)], why=why)
