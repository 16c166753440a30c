"""Verbs of the directory that leave a trace: a search, a page of a list, an export."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from xinqiao.directory.queries import find_enterprises, list_by_facts
from xinqiao.directory.types import EXPORTED, SEARCHED, Facts, Found, Line, Page, TooMany
from xinqiao.evidence.actions import record
from xinqiao.marks.queries import under_objection
from xinqiao.release.listing import note_listed
from xinqiao.release.types import Recipient

EXPORT_MOST = 10_000
STEP = 500
HEADINGS = ("统一社会信用代码", "企业名称", "行政区划", "行业", "等级", "得分", "覆盖率", "规模", "异议中")
Progress = Callable[[int, int], None]


def find(text: str, *, organisation: str, actor: str, now: datetime) -> Found:
    """Search by name, code or initials; what was typed is on record under the organisation, no enterprise is.

    Raises TooShort, NoDirectory.
    """
    found = find_enterprises(text)
    with transaction.atomic():
        body = {"text": text.strip()[:100], "shown": len(found.entries), "total": found.total}
        record(SEARCHED, actor=actor, subject=organisation, body=body, now=now)
    return found


def list_page(facts: Facts, *, recipient: Recipient, cause: str, actor: str, after: str = "", now: datetime) -> Page:
    """A page of enterprises by evaluated facts; each enterprise on it sees who looked and why.

    Raises NotReleased, NoDirectory.
    """
    page = list_by_facts(facts, after=after)
    codes = [line.entry.code for line in page.lines]
    note_listed(recipient, codes, cause=cause, actor=actor, channel="portal", now=now)
    return page


def export(
    facts: Facts,
    *,
    recipient: Recipient,
    cause: str,
    actor: str,
    now: datetime,
    progress: Progress = lambda _a, _b: None,
) -> bytes:
    """The whole list as CSV (UTF-8 with mark), at most EXPORT_MOST enterprises; ``progress`` is told (done, in all).

    Each enterprise is on record before the file is. Raises TooMany, NotReleased, NoDirectory.
    """
    page = list_by_facts(facts, most=EXPORT_MOST + 1)
    if page.total > EXPORT_MOST:
        raise TooMany(total=page.total, most=EXPORT_MOST)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    for start in range(0, len(page.lines), STEP):
        lines = page.lines[start : start + STEP]
        codes = [line.entry.code for line in lines]
        note_listed(recipient, codes, cause=cause, actor=actor, channel="export", now=now)
        disputed = under_objection(codes, known=now)
        writer.writerows([*_cells(line), "是" if line.entry.code in disputed else ""] for line in lines)
        progress(start + len(lines), len(page.lines))
    with transaction.atomic():
        asked = {name: value for name, value in asdict(facts).items() if value not in ((), "", None)}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()}
        body = {"enterprises": len(page.lines), "facts": plain, "cause": cause}
        record(EXPORTED, actor=actor, subject=recipient.code, body=body, now=now)
    return out.getvalue().encode("utf-8-sig")


def _cells(line: Line) -> list[object]:
    """A row; a cell that a spreadsheet would take for a formula is told that it is text."""
    texts = [line.entry.code, line.entry.name, line.entry.division, line.entry.industry, line.grade]
    safe = [f"'{text}" if text[:1] in "=+-@\t\r" else text for text in texts]
    return [*safe, line.score, line.coverage, line.size]
