"""What is behind a figure of a card: deadlines missed, rows that fail, findings; page by page, or as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime, time
from itertools import islice

import pyarrow as pa

from xinqiao.catalogue.types import Item, Openness
from xinqiao.ingest.queries import list_arrivals
from xinqiao.ingest.types import RULES
from xinqiao.kernel.dated import BEIJING, beijing_day
from xinqiao.kernel.money import format_fen
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.quality.cards import DUPLICATES, REQUIRED, problems_of
from xinqiao.quality.queries import expectations, list_findings
from xinqiao.quality.rules import deadlines
from xinqiao.quality.types import Aspect, Card, FailingPage, FindingState, FindingValue
from xinqiao.records.queries import cells_of
from xinqiao.sharing.queries import current_list

PAGE = 50
Line = tuple[str, ...]
Say = Callable[[str], str]
HIDDEN = "（不显示）"
NOT_COME = "未到"


def failing_page(card: Card, aspect: Aspect, *, provider: str | None, start: int = 0, say: Say = str) -> FailingPage:
    """A page of what a figure leaves out; ``provider`` None is the node, to which values not public stay closed.

    ``say`` puts a text of the engine into the reader's language.
    """
    lines = list(islice(_lines(card, aspect, provider, say), start, start + PAGE + 1))
    return FailingPage(
        headings=tuple(map(say, HEADINGS[aspect])),
        rows=tuple(lines[:PAGE]),
        total=card.figures[aspect].failing,
        start=start,
        after=start + PAGE if len(lines) > PAGE else None,
    )


def failing_file(card: Card, aspect: Aspect, *, provider: str | None, say: Say = str) -> bytes:
    """All of it as CSV (UTF-8 with mark); a cell that a spreadsheet would take for a formula is marked as text."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(map(say, HEADINGS[aspect]))
    for line in _lines(card, aspect, provider, say):
        writer.writerow([f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text for text in line])
    return out.getvalue().encode("utf-8-sig")


ROWS = ("报送", "行", "字段", "问题", "所写内容", "怎么改")
HEADINGS: dict[Aspect, Line] = {
    Aspect.ON_TIME: ("应于", "实际收到"),
    Aspect.COMPLETE: ("报送", "行", "统一社会信用代码", "空缺的字段"),
    Aspect.VALID: ROWS,
    Aspect.UNIQUE: ROWS,
    Aspect.CONSISTENT: ("规则", "统一社会信用代码", "相悖的数值", "状态"),
}


def _lines(card: Card, aspect: Aspect, provider: str | None, say: Say) -> Iterator[Line]:
    item = current_list().item(card.item)
    if aspect is Aspect.ON_TIME:
        return _deadlines(card, item, say)
    if aspect is Aspect.CONSISTENT:
        return _findings(card, provider, say)
    opened = provider == card.provider or item.openness is Openness.PUBLIC
    if aspect is Aspect.COMPLETE:
        return _empty(card, item, opened, say)
    return _problems(card, item, aspect, opened, say)


def _deadlines(card: Card, item: Item, say: Say) -> Iterator[Line]:
    """Deadlines missed, as the day of the card knew them, the newest first."""
    expected = expectations()
    known = [
        a for a in list_arrivals(known=datetime.combine(card.day, time.max, BEIJING), item=item.code) if a.accepted
    ]
    days = [beijing_day(a.received_at) for a in known]
    for d in reversed(deadlines(item.due, days, card.day, calendar=work_calendar())):
        if not d.met and (card.day - d.due_on).days < expected.window_days:
            yield d.due_on.isoformat(), d.came_on.isoformat() if d.came_on else say(NOT_COME)


def _findings(card: Card, provider: str | None, say: Say) -> Iterator[Line]:
    for found in list_findings(item=card.item, state=FindingState.OPEN, provider=provider, limit=None):
        values = [f"{say(v.name)} {_written(v) if v.shown else say(HIDDEN)}" for v in found.values]
        yield say(found.name), found.enterprise, " / ".join(values), say(found.state.label)


def _written(value: FindingValue) -> str:
    """A value as a person reads it; money in yuan."""
    return format_fen(int(str(value.value))) if value.unit == "fen" and value.value is not None else str(value.value)


def _problems(card: Card, item: Item, aspect: Aspect, opened: bool, say: Say) -> Iterator[Line]:
    names = {f.code: f.name for f in item.fields}
    for delivery in card.deliveries:
        for line in problems_of(delivery).to_pylist():
            doubled = line["code"] in DUPLICATES
            if line["code"] == REQUIRED or doubled is not (aspect is Aspect.UNIQUE):
                continue
            rule = RULES[line["code"]]
            value = (line["value"] or "") if opened else say(HIDDEN)
            field = say(names.get(line["field"], line["field"]))
            yield delivery, str(line["row"]), field, say(rule.title), value, say(rule.repair)


def _empty(card: Card, item: Item, opened: bool, say: Say) -> Iterator[Line]:
    """Rows returned because something required is missing, then accepted rows with empty optional fields."""
    names = {f.code: f.name for f in item.fields}
    optional = {f.columns[0]: say(f.name) for f in item.fields if not f.required}
    for delivery in card.deliveries:
        for line in problems_of(delivery).to_pylist():
            if line["code"] == REQUIRED:
                yield delivery, str(line["row"]), "", say(names.get(line["field"], line["field"]))
        for table in cells_of(delivery, ["_row", "_enterprise", *optional]):
            present = [name for name in optional if name in table.schema.names]
            for row in _with_empty(table, present):
                firm = str(row["_enterprise"]) if opened else say(HIDDEN)
                yield delivery, str(row["_row"]), firm, " / ".join(optional[c] for c in present if row[c] is None)


def _with_empty(table: pa.Table, columns: list[str]) -> Iterator[dict[str, object]]:
    """Rows of a table in which one of the columns is empty; read a thousand at a time."""
    for batch in table.to_batches(1024):
        yield from (row for row in batch.to_pylist() if any(row[c] is None for c in columns))
