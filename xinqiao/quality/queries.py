"""Reads of sources, cards, findings and reminders: facts, never rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from django.db.models import Count, Q, QuerySet

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Item, Openness
from xinqiao.indicators.crossing import CrossRule
from xinqiao.indicators.registry import load_cross_rules
from xinqiao.indicators.types import CrossFacts
from xinqiao.ingest.queries import list_arrivals
from xinqiao.kernel.dated import beijing_day
from xinqiao.plumbing.calendar import work_calendar
from xinqiao.plumbing.settings import content_dir
from xinqiao.quality.models import CardRow, CrossRunRow, FindingRow, OutageRow, ReminderRow
from xinqiao.quality.rules import last_weeks, load_expectations, source_of, week_cells
from xinqiao.quality.types import (
    Aspect,
    Came,
    Card,
    Cell,
    CrossRun,
    Expectations,
    Figure,
    Finding,
    FindingState,
    FindingValue,
    Outage,
    Reminder,
    ReminderKind,
    Source,
    SourceState,
    UnknownCard,
    UnknownFinding,
)
from xinqiao.records.queries import delivered_items
from xinqiao.sharing.queries import current_list, not_listed


def expectations() -> Expectations:
    """The content's ``quality.toml``."""
    return load_expectations(content_dir() / "quality.toml")


def list_sources(
    items: Iterable[Item], *, on: date, known: datetime, delivered: Mapping[str, datetime] | None = None
) -> dict[str, Source]:
    """Item code → where its source stood on a day, as known at an instant.

    ``delivered`` (item → last delivery) may be given by who has it already.
    """
    last = delivered_items(known=known) if delivered is None else delivered
    down = {outage.item: outage.reason for outage in _under_way(known)}
    expected, days = expectations(), work_calendar()
    found = {}
    for item in items:
        at = last.get(item.code)
        last_on = beijing_day(at) if at else None
        found[item.code] = source_of(
            item.code, item.due, last_on, on, calendar=days, expected=expected, outage=down.get(item.code)
        )
    return found


def unsettled(
    items: Iterable[Item], *, on: date, known: datetime, delivered: Mapping[str, datetime] | None = None
) -> dict[str, str]:
    """Item code → why a missing record of it is not known; items whose source keeps its duty are absent."""
    sources = list_sources(items, on=on, known=known, delivered=delivered)
    return {code: source.why for code, source in sources.items() if not source.settled}


def _under_way(known: datetime) -> list[Outage]:
    rows = OutageRow.objects.filter(Q(ended_at=None) | Q(ended_at__gt=known), began_at__lte=known)
    return [outage_facts(row) for row in rows.order_by("id")]


def list_outages(*, now: datetime) -> list[Outage]:
    """Outages under way."""
    return _under_way(now)


def freshness(
    items: Iterable[Item], *, now: datetime, weeks: int | None = None
) -> tuple[list[date], list[tuple[Item, list[Cell]]]]:
    """The matrix: the Mondays, and per item what each week brought. What was undone since did not come."""
    expected, today = expectations(), beijing_day(now)
    mondays = last_weeks(today, weeks or expected.weeks)
    came: dict[str, list[Came]] = {}
    for arrival in list_arrivals(known=now):
        if arrival.accepted:
            day = beijing_day(arrival.received_at)
            came.setdefault(arrival.item, []).append(Came(arrival.delivery, arrival.item, day, arrival.accepted))
    down: dict[str, list[tuple[date, date]]] = {}
    for row in OutageRow.objects.order_by("id"):
        span = (beijing_day(row.began_at), beijing_day(row.ended_at or now))
        down.setdefault(row.item, []).append(span)
    return mondays, [
        (
            item,
            week_cells(
                item.due,
                came.get(item.code, []),
                mondays,
                today,
                calendar=work_calendar(),
                down=down.get(item.code, []),
            ),
        )
        for item in items
    ]


def card_facts(row: CardRow) -> Card:
    """Facts of a row."""
    return Card(
        day=row.day,
        item=row.item,
        provider=row.provider,
        state=SourceState(row.state),
        due_on=row.due_on,
        figures={aspect: Figure(*row.figures[aspect]) for aspect in Aspect},
        required=Figure(*row.required),
        deliveries=tuple(row.deliveries),
        rows=row.row_count,
        usual=row.usual,
    )


def list_cards(*, day: date, provider: str | None = None) -> list[Card]:
    """The cards of a day, of one provider or of all, by provider and item."""
    rows = CardRow.objects.filter(day=day).order_by("provider", "item")
    return [card_facts(row) for row in (rows.filter(provider=provider) if provider else rows)]


def get_card(item: str, *, day: date, provider: str | None = None) -> Card:
    """One card, of that provider when given; raises UnknownCard."""
    rows = CardRow.objects.filter(day=day, item=item)
    row = (rows.filter(provider=provider) if provider else rows).first()
    if row is None:
        raise UnknownCard(item=item, day=day.isoformat())
    return card_facts(row)


def card_history(item: str, *, until: date, days: int = 30) -> list[Card]:
    """The cards of an item in the days up to one, the newest first."""
    rows = CardRow.objects.filter(item=item, day__lte=until, day__gt=until - timedelta(days=days))
    return [card_facts(row) for row in rows.order_by("-day")]


def card_days(*, provider: str | None = None, limit: int = 30) -> list[date]:
    """Days that have cards, the newest first."""
    rows = CardRow.objects.filter(**({"provider": provider} if provider else {}))
    return list(rows.order_by("-day").values_list("day", flat=True).distinct()[:limit])


def run_facts(row: CrossRunRow) -> CrossRun:
    """Facts of a row."""
    return CrossRun(row.id, row.valid_on, row.known_at, dict(row.counts), dict(row.subjects))


def latest_cross_run() -> CrossRun | None:
    """The newest check of the items against each other, or None."""
    row = CrossRunRow.objects.order_by("-known_at", "-id").first()
    return run_facts(row) if row else None


def rules_in_force() -> dict[str, CrossRule]:
    """Code → rule across items, of those whose items are all on the list in force as the rule knows them."""
    rules, declared = load_cross_rules(), load_catalogue(content_dir())
    away = not_listed(declared.item(code) for code in {code for rule in rules.values() for code in rule.facts.items})
    return {code: rule for code, rule in rules.items() if not away & set(rule.facts.items)}


def rules_concerning(provider: str) -> list[str]:
    """Codes of the rules that look at an item of a department."""
    own = {item.code for item in current_list().of_department(provider)}
    return [code for code, rule in rules_in_force().items() if own & set(rule.facts.items)]


def list_rules(*, provider: str | None = None) -> list[CrossFacts]:
    """Declarations of the rules across items, of those that concern a department when given."""
    rules = rules_in_force()
    return [rules[code].facts for code in (rules_concerning(provider) if provider else rules)]


def _findings(provider: str | None) -> QuerySet[FindingRow]:
    """Findings of rules in force; of those that concern a department when given."""
    rules = rules_concerning(provider) if provider else list(rules_in_force())
    return FindingRow.objects.filter(rule__in=rules)


def list_findings(
    *,
    provider: str | None = None,
    rule: str | None = None,
    item: str | None = None,
    state: FindingState | None = None,
    start: int = 0,
    limit: int | None = 50,
) -> list[Finding]:
    """Findings in the order of their numbers, as ``provider`` may see them (None: the node, before the gate)."""
    rows = _findings(provider).order_by("id")
    if rule:
        rows = rows.filter(rule=rule)
    if item:
        rows = rows.filter(rule__in=rules_over(item))
    if state:
        rows = rows.filter(state=state)
    return [finding_facts(row, provider) for row in rows[start : start + limit if limit else None]]


def rules_over(item: str) -> list[str]:
    """Codes of the rules that look at an item."""
    return [code for code, rule in rules_in_force().items() if item in rule.facts.items]


def count_findings(*, provider: str | None = None) -> dict[str, dict[FindingState, int]]:
    """Rule → how many findings stand in which state."""
    found: dict[str, dict[FindingState, int]] = {}
    for line in _findings(provider).order_by().values("rule", "state").annotate(n=Count("id")):
        found.setdefault(line["rule"], {})[FindingState(line["state"])] = line["n"]
    return found


def open_enterprises(item: str) -> int:
    """Of how many enterprises an open finding stands that has to do with an item."""
    rows = FindingRow.objects.filter(rule__in=rules_over(item), state=FindingState.OPEN)
    return rows.values("enterprise").distinct().count()


def get_finding(finding: int, *, provider: str | None = None, whole: bool = False) -> Finding:
    """One finding; raises UnknownFinding, also for a department that it does not concern.

    ``whole``: with the values of every item, for a reader whom the gate let see them.
    """
    row = _findings(provider).filter(id=finding).first()
    if row is None:
        raise UnknownFinding(finding=finding)
    return finding_facts(row, provider, whole=whole)


def finding_facts(row: FindingRow, provider: str | None, *, whole: bool = False) -> Finding:
    """Facts of a row with the values that a reader may see: a department's own, and what is public by law."""
    rule = load_cross_rules()[row.rule]
    catalogue = current_list()
    values = []
    for measure in rule.inputs:
        facts, item = measure.facts, catalogue.item(measure.facts.item)
        shown = whole or item.openness is Openness.PUBLIC or item.department.code == provider
        value = row.values.get(facts.code) if shown else None
        values.append(FindingValue(item.code, facts.code, facts.name, facts.name_en, facts.unit, value, shown))
    return Finding(
        id=row.id,
        rule=row.rule,
        name=rule.facts.name,
        name_en=rule.facts.name_en,
        severity=rule.facts.severity,
        basis=rule.facts.basis,
        enterprise=row.enterprise,
        items=rule.facts.items,
        providers=rule.facts.explain,
        values=tuple(values),
        state=FindingState(row.state),
        first_run=row.first_run,
        last_run=row.last_run,
        found_on=row.found_on,
        explanation=row.explanation,
        explained_by=row.explained_by,
        explained_at=row.explained_at,
    )


def list_reminders(*, provider: str | None = None, open_only: bool = True, limit: int = 100) -> list[Reminder]:
    """What was raised, the newest first."""
    rows = ReminderRow.objects.order_by("-raised_at", "-id")
    rows = rows.filter(provider=provider) if provider else rows
    rows = rows.filter(settled_at=None) if open_only else rows
    return [reminder_facts(row) for row in rows[:limit]]


def reminder_facts(row: ReminderRow) -> Reminder:
    """Facts of a row."""
    return Reminder(
        id=row.id,
        item=row.item,
        provider=row.provider,
        kind=ReminderKind(row.kind),
        about=row.about,
        raised_at=row.raised_at,
        settled_at=row.settled_at,
        rows=row.row_count,
        usual=row.usual,
    )


def outage_facts(row: OutageRow) -> Outage:
    """Facts of a row."""
    return Outage(row.id, row.item, row.reason, row.began_at, row.ended_at)
