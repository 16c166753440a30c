"""Makes the cards of a day: figures of every item from what was delivered, each of them only counted, never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from xinqiao.catalogue.types import Item
from xinqiao.evidence.actions import record
from xinqiao.ingest.queries import list_arrivals, list_problems
from xinqiao.ingest.types import Arrival, DeliveryErased
from xinqiao.kernel.canonical import canonical_bytes, sha256_hex
from xinqiao.kernel.dated import beijing_day
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.quality.models import CardRow
from xinqiao.quality.queries import expectations, latest_cross_run, list_cards, list_sources, open_enterprises
from xinqiao.quality.rules import deadlines, usual_rows
from xinqiao.quality.types import CARDS_MADE, Aspect, Card, CrossRun, Figure, Source
from xinqiao.records.queries import empty_cells
from xinqiao.sharing.queries import current_list

DUPLICATES = ("row.duplicate", "row.key_repeated")
REQUIRED = "required"


def make_cards(*, actor: str, now: datetime) -> list[Card]:
    """The cards of today, from all that is known now. Made again, they replace those before; the same change nothing.

    An item of which nothing was ever delivered has a card too: it says so.
    """
    today = beijing_day(now)
    items = current_list().items
    arrivals: dict[str, list[Arrival]] = {}
    for arrival in list_arrivals(known=now):
        arrivals.setdefault(arrival.item, []).append(arrival)
    sources = list_sources(items, on=today, known=now)
    run = latest_cross_run()
    cards = [_card(item, arrivals.get(item.code, []), sources[item.code], today, run) for item in items]
    before = list_cards(day=today)
    with transaction.atomic():
        _store(cards)
        after = list_cards(day=today)
        if after != before:
            digest = sha256_hex(canonical_bytes([_plain(card) for card in after]))
            body = {"day": today.isoformat(), "cards": len(after), "cards_sha256": digest}
            record(CARDS_MADE, actor=actor, subject="node", body=body, now=now)
    return after


def _store(cards: Sequence[Card]) -> None:
    rows = [CardRow(**_columns(card)) for card in cards]
    changing = [name for name in _columns(cards[0]) if name not in ("day", "item")] if cards else []
    CardRow.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["day", "item"], update_fields=changing, batch_size=200
    )


def _columns(card: Card) -> dict[str, object]:
    return {
        "day": card.day,
        "item": card.item,
        "provider": card.provider,
        "state": card.state,
        "due_on": card.due_on,
        "figures": {aspect: [f.good, f.total] for aspect, f in card.figures.items()},
        "required": [card.required.good, card.required.total],
        "deliveries": list(card.deliveries),
        "row_count": card.rows,
        "usual": card.usual,
    }


def _plain(card: Card) -> Mapping[str, object]:
    columns = _columns(card) | {"day": card.day.isoformat(), "state": str(card.state)}
    return columns | {"due_on": card.due_on.isoformat() if card.due_on else None}


def _card(item: Item, arrivals: Sequence[Arrival], source: Source, today: date, run: CrossRun | None) -> Card:
    came = [a for a in arrivals if a.accepted]
    last = beijing_day(arrivals[-1].received_at) if arrivals else None
    newest = [a for a in arrivals if beijing_day(a.received_at) == last]
    expected = expectations()
    # Rows are compared day by day of delivery: a day's files together are what the source sent.
    by_day: dict[date, int] = {}
    for arrival in came:
        day = beijing_day(arrival.received_at)
        by_day[day] = by_day.get(day, 0) + arrival.accepted
    earlier = [rows for day, rows in sorted(by_day.items(), reverse=True) if day != last]
    figures, required = _counted(item, newest)
    figures[Aspect.ON_TIME] = _on_time(item, list(by_day), today, expected.window_days)
    subjects = run.subjects.get(item.code, 0) if run else 0
    clashing = min(open_enterprises(item.code), subjects)
    figures[Aspect.CONSISTENT] = Figure(subjects - clashing, subjects)
    return Card(
        day=today,
        item=item.code,
        provider=item.department.code,
        state=source.state,
        due_on=source.due_on,
        figures=figures,
        required=required,
        deliveries=tuple(a.delivery for a in newest),
        rows=sum(a.accepted for a in newest),
        usual=usual_rows(earlier, expected),
    )


def _on_time(item: Item, days: Sequence[date], today: date, window: int) -> Figure:
    """Deadlines kept, of those in the window."""
    since = today - timedelta(days=window)
    found = [d for d in deadlines(item.due, days, today, calendar=work_calendar()) if d.due_on > since]
    return Figure(sum(d.met for d in found), len(found))


def _counted(item: Item, newest: Sequence[Arrival]) -> tuple[dict[Aspect, Figure], Figure]:
    """Complete, valid and unique, from the rows and problems of the deliveries; and the required cells alone."""
    delivered, accepted = sum(a.delivered for a in newest), sum(a.accepted for a in newest)
    needed = sum(1 for f in item.fields if f.required)
    lacking = broken = doubled = 0
    for arrival in newest:
        problems = problems_of(arrival.delivery)
        lacking += pc.sum(pc.equal(problems.column("code"), REQUIRED)).as_py() or 0
        broken += rows_breaking(problems)
        doubled += rows_doubled(problems)
    empty = sum(_empty_optional(item, arrival.delivery) for arrival in newest)
    required = Figure(delivered * needed - lacking, delivered * needed)
    optional = accepted * sum(1 for f in item.fields if not f.required)
    figures = {
        Aspect.COMPLETE: Figure(required.good + optional - empty, required.total + optional),
        Aspect.VALID: Figure(delivered - broken, delivered),
        Aspect.UNIQUE: Figure(delivered - doubled, delivered),
    }
    return figures, required


def problems_of(delivery: str) -> pa.Table:
    """The problems of a delivery; none are left to count where its content was erased by law."""
    try:
        return list_problems(delivery)
    except DeliveryErased:
        return pa.table({name: pa.array([], pa.string()) for name in ("row", "field", "code", "value")})


def rows_breaking(problems: pa.Table) -> int:
    """Rows that break a rule on what is written; a missing value and a repetition count elsewhere."""
    other = pc.is_in(problems.column("code"), value_set=pa.array([REQUIRED, *DUPLICATES]))
    return len(problems.filter(pc.invert(other)).column("row").unique())


def rows_doubled(problems: pa.Table) -> int:
    """Rows that repeat another one or its key."""
    mask = pc.is_in(problems.column("code"), value_set=pa.array(DUPLICATES))
    return len(problems.filter(mask).column("row").unique())


def _empty_optional(item: Item, delivery: str) -> int:
    counts = empty_cells(delivery)
    return sum(counts.get(f.columns[0], 0) for f in item.fields if not f.required)


def as_document(card: Card) -> dict[str, object]:
    """A card as JSON for programs."""
    figures = {str(a): asdict(f) | {"hundredths": f.hundredths} for a, f in card.figures.items()}
    plain = dict(_plain(card))
    return {**plain, "figures": figures, "required": asdict(card.required)}
