"""What an answer holds, item by item: states, derived figures, public rows, own rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from xinqiao.catalogue.schema import row_ref
from xinqiao.catalogue.types import Absence, Field, Item, Openness
from xinqiao.consent.types import Form
from xinqiao.kernel.dated import beijing_day
from xinqiao.marks.types import Mark
from xinqiao.quality.types import Source, SourceState
from xinqiao.sources.types import Heard

Row = Mapping[str, object]
# A reader is told when a source is behind, also where a record stands: it may have been followed by another.
BEHIND = (
    SourceState.LATE,
    SourceState.OVERDUE,
    SourceState.DOWN,
    SourceState.UNREACHABLE,
    SourceState.NOT_CONFIRMED,
)


class Show(StrEnum):
    """How much of an item's rows an answer holds."""

    ALL = "all"
    PUBLIC = "public"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One item about one enterprise as the lake knows it; ``delivered_at`` is None when never delivered.

    ``source`` is where its source stands: it decides whether a missing record still means that there is none.
    """

    item: Item
    rows: tuple[Row, ...]
    delivered_at: datetime | None
    source: Source
    marks: tuple[Mark, ...] = ()


def as_heard(facts: ItemFacts, heard: Heard) -> ItemFacts:
    """An item as its source, asked at query time, leaves it: its word stands for deadlines, and silence for nothing."""
    at, code = heard.asked_at, facts.item.code
    if not heard.why:
        return replace(facts, delivered_at=at, source=Source(code, SourceState.ON_TIME, beijing_day(at), None))
    silent = Source(code, SourceState(heard.state), facts.source.last_on, None, heard.detail)
    return replace(facts, rows=(), delivered_at=facts.delivered_at or at, source=silent)


def plain(value: object) -> object:
    """A stored value as JSON holds it: dates ISO, decimals as text, money in integer fen."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def item_block(facts: ItemFacts, *, form: Form, show: Show, figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One item of an answer: value, verified none or not known (with the reason), its provider and time."""
    item = facts.item
    picked = shown_rows(item, facts.rows, show)
    rows = [shown for _, shown in picked]
    state, why = _state(facts, rows if show is Show.PUBLIC else facts.rows, show)
    block: dict[str, Any] = {
        "item": item.code,
        "name": item.name,
        "provider": item.department.name,
        "delivered_at": facts.delivered_at.isoformat() if facts.delivered_at else None,
        "state": state,
    }
    if why:
        block["why"] = why
    if facts.source.state in BEHIND:
        block["source"] = {"state": str(facts.source.state), "due_on": plain(facts.source.due_on)}
    if form is not Form.VERIFY and figures:
        block["figures"] = list(figures)
    if show is not Show.NONE:
        block["rows"] = rows
    refs = [row_ref(item, row) for row, _ in picked]
    if form is Form.DETAIL and show is Show.ALL:
        block["refs"] = refs
    if marks := _marks(facts, refs, show, value=state == "value"):
        block["marks"] = marks
    if show is Show.ALL or item.openness is Openness.PUBLIC:
        block["flags"] = sorted({flag for r in facts.rows for flag in str(r.get("_flags") or "").split(";") if flag})
    return block


def _marks(facts: ItemFacts, refs: Sequence[str], show: Show, *, value: bool) -> list[dict[str, Any]]:
    """The marks that a reader may see, ``row`` being the place of the row among those shown.

    Of a row that is not shown a mark is told only where the answer says that there is a record; nothing by which a
    reader learns of a record that the gate keeps from it.
    """
    held = {row_ref(facts.item, row) for row in facts.rows}
    found = []
    for mark in facts.marks:
        line: dict[str, Any] = dict(mark.as_json())
        if mark.ref in refs:
            line["row"] = refs.index(mark.ref)
        elif not (value and show is Show.NONE and mark.ref in held if mark.ref else _told_of_item(facts, show)):
            continue
        found.append(line)
    return found


def _told_of_item(facts: ItemFacts, show: Show) -> bool:
    """Whether a mark on an item as a whole says nothing that the gate keeps from the reader."""
    return show is not Show.PUBLIC or facts.item.openness is not Openness.MIXED


def _state(facts: ItemFacts, rows: Sequence[object], show: Show) -> tuple[str, str]:
    """State and reason. Of a mixed item seen from outside, nothing tells whether there is a non-public record."""
    if facts.delivered_at is None:
        return "not_known", facts.source.why or "never_shared"
    if rows:
        return "value", ""
    if facts.source.state in (SourceState.UNREACHABLE, SourceState.NOT_CONFIRMED):
        return "not_known", facts.source.why
    if show is Show.PUBLIC and facts.item.openness is Openness.MIXED:
        return "not_known", "not_public"
    if not facts.source.settled:
        return "not_known", facts.source.why
    if facts.item.absence is Absence.VERIFIED_NONE:
        return "verified_none", ""
    return "not_known", "no_record"


def shown_rows(item: Item, rows: Iterable[Row], show: Show) -> list[tuple[Row, dict[str, object]]]:
    """Rows that the answer may hold, newest first, each with its fields that it may hold."""
    if show is Show.NONE:
        return []
    ordered = sorted(rows, key=lambda r: (str(r.get("_occurred_on") or ""), str(r.get("_row"))), reverse=True)
    picked = (_fields(item, row, show) for row in ordered)
    return [
        (row, {c: plain(row[c]) for f in fields for c in f.columns})
        for row, fields in zip(ordered, picked, strict=True)
        if fields
    ]


def _fields(item: Item, row: Row, show: Show) -> list[Field]:
    """The fields of a row that may be shown; none when the row itself is not public."""
    if show is Show.ALL:
        return list(item.fields)
    if item.openness is Openness.PUBLIC:
        return [f for f in item.fields if not f.personal]
    public = {f.code for f in item.fields if item.openness_of(f, row.get(f.code)) is Openness.PUBLIC}
    deciding = {f.code for f in item.fields if f.public_when} or {f.code for f in item.fields if f.role is None}
    if not public & deciding:  # even that there is such a row would tell something that is not public
        return []
    named = {f.code for f in item.fields if f.role is not None} | set(item.key)
    return [f for f in item.fields if (f.code in public or f.code in named) and not f.personal]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What bounds the figures of one answer: the items asked for, those of them not public, the months allowed."""

    asked: frozenset[str]
    closed: frozenset[str]
    months: int | None

    @staticmethod
    def of(items: Sequence[Item], months: int | None) -> Bounds:
        """The bounds of an answer about these items; ``months`` None = no limit."""
        closed = frozenset(i.code for i in items if i.openness is not Openness.PUBLIC)
        return Bounds(frozenset(i.code for i in items), closed, months)

    def why_not(self, rests_on: Sequence[str], looks_back: int) -> str | None:
        """Why a figure resting on these items may not be given, or None."""
        if not set(rests_on) <= self.asked:
            return "outside_items"
        if self.months is not None and looks_back > self.months and self.closed & set(rests_on):
            return "outside_period"
        return None


def figures_of(
    item: str, result: Mapping[str, Any], declared: Mapping[str, Any], bounds: Bounds
) -> list[dict[str, Any]]:
    """The derived figures of one item out of an evaluation: code, name, unit, state and value.

    A figure that rests on an item that was not asked for, or looks back further than the authorisation reaches, is
    not known, with that as the reason.
    """
    found = []
    for line in result["indicators"]:
        facts = declared[line["code"]]
        if facts.item != item:
            continue
        kept = {k: line[k] for k in ("code", "state", "value", "why") if k in line}
        if why := bounds.why_not(facts.items, facts.months or 0):
            kept = {"code": line["code"], "state": "not_known", "value": None, "why": why}
        found.append({**kept, "name": facts.name, "unit": facts.unit})
    return found
