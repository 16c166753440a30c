"""Verbs: check items against each other, explain what was found, remind, report an outage and its end."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from xinqiao.catalogue.types import Item
from xinqiao.evidence.actions import record
from xinqiao.indicators.crossing import Crossed, CrossRule, cross_province
from xinqiao.indicators.registry import load_cross_rules
from xinqiao.kernel.dated import beijing_day
from xinqiao.quality.models import CrossRunRow, FindingRow, OutageRow, ReminderRow
from xinqiao.quality.queries import (
    expectations,
    finding_facts,
    outage_facts,
    reminder_facts,
    rules_concerning,
    rules_in_force,
    run_facts,
    unsettled,
)
from xinqiao.quality.rules import FINDING_TRANSITIONS, check_written, has_shrunk
from xinqiao.quality.types import (
    CROSS_CHECKED,
    FINDING_EXPLAINED,
    OUTAGE_ENDED,
    OUTAGE_REPORTED,
    REMINDED,
    AlreadyDown,
    Card,
    CrossRun,
    Finding,
    FindingState,
    NotConcerned,
    Outage,
    Reminder,
    ReminderKind,
    SourceState,
    UnknownFinding,
    UnknownOutage,
)
from xinqiao.records.actions import register_file
from xinqiao.records.lake import lake
from xinqiao.records.types import AsOf, FileFacts, FileKind
from xinqiao.sharing.queries import current_list
from xinqiao.webhooks.actions import tell

RUNS = "quality.cross"
CHUNK = 500
SUBJECT = "_enterprise"


def cross_check(*, actor: str, now: datetime) -> CrossRun:
    """Check all items against each other over the province, as known now, and keep what was found.

    A finding is made or seen again; one that is no longer found is corrected, unless an item it rests on is late, down
    or was never delivered: then nobody can tell. Raises EngineUnavailable.
    """
    today, rules = beijing_day(now), list(rules_in_force().values())
    items = _items_of(rules)
    open_sources = frozenset(unsettled(items, on=today, known=now))
    result = (
        cross_province(items, rules, AsOf(today, now), unsettled=open_sources) if rules else Crossed(pa.table({}), {})
    )
    run = f"cross-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    found = {rule.facts.code: _of_rule(result.found, rule) for rule in rules}
    facts = _write(run, found, now)
    counts = {code: len(values) for code, values in found.items()}
    with transaction.atomic():
        if facts:
            register_file(RUNS, facts, batch=run, kind=FileKind.RUN, actor=actor, now=now)
        row = CrossRunRow.objects.create(
            id=run, valid_on=today, known_at=now, counts=counts, subjects=result.subjects,
            path=facts.path if facts else "",
        )  # fmt: skip
        for rule in rules:
            _keep(rule, found[rule.facts.code], run, today, settled=not open_sources & set(rule.facts.items))
        record(CROSS_CHECKED, actor=actor, subject="node", body={"run": run, "counts": counts}, now=now)
    return run_facts(row)


def _items_of(rules: Sequence[CrossRule]) -> list[Item]:
    catalogue = current_list()
    return [catalogue.item(code) for code in dict.fromkeys(c for rule in rules for c in rule.facts.items)]


def _of_rule(found: pa.Table, rule: CrossRule) -> dict[str, dict[str, Any]]:
    """Enterprise → the values that clash under one rule."""
    if not found.num_rows:
        return {}
    columns = [m.facts.column for m in rule.inputs]
    own = found.filter(pc.equal(found.column(rule.facts.column), True)).select([SUBJECT, *columns])
    names = {m.facts.column: m.facts.code for m in rule.inputs}
    return {line[SUBJECT]: {names[column]: _plain(line[column]) for column in columns} for line in own.to_pylist()}


def _plain(value: Any) -> Any:
    """A value as JSON holds it."""
    return value if value is None or isinstance(value, (int, str)) else str(value)


def _write(run: str, found: Mapping[str, Mapping[str, Mapping[str, Any]]], now: datetime) -> FileFacts | None:
    """Everything a run found, whole, as a file of the lake; None when it found nothing."""
    lines = sorted(
        (firm, code, json.dumps(v, ensure_ascii=False)) for code, of in found.items() for firm, v in of.items()
    )
    if not lines:
        return None
    firms, codes, values = (pa.array(column, pa.string()) for column in zip(*lines, strict=True))
    stamp = pa.repeat(pa.scalar(now, pa.timestamp("us", tz="UTC")), len(lines))
    table = pa.table({SUBJECT: firms, "_recorded_at": stamp, "rule": codes, "values": values})
    return lake().write(table, f"{RUNS}/{FileKind.RUN}/{run}.parquet")


def _keep(rule: CrossRule, found: Mapping[str, Mapping[str, Any]], run: str, today: date, *, settled: bool) -> None:
    """Findings of a rule after a run: made, seen again, opened again, corrected."""
    rows = {row.enterprise: row for row in FindingRow.objects.select_for_update().filter(rule=rule.facts.code)}
    changed = []
    for firm, row in rows.items():
        state = FindingState(row.state)
        if firm in found:
            row.values, row.last_run = dict(found[firm]), run
            if state is FindingState.CORRECTED:
                row.state = FINDING_TRANSITIONS.check(state, "reopen")
                row.explanation, row.explained_by, row.explained_at = "", "", None
        elif settled and FINDING_TRANSITIONS.can(state, "correct"):
            row.state = FINDING_TRANSITIONS.check(state, "correct")
        else:
            continue
        changed.append(row)
    fields = ["values", "last_run", "state", "explanation", "explained_by", "explained_at"]
    FindingRow.objects.bulk_update(changed, fields, batch_size=CHUNK)
    room = max(0, expectations().findings_per_rule - len(rows))
    new = [firm for firm in found if firm not in rows][:room]
    FindingRow.objects.bulk_create(
        [
            FindingRow(
                rule=rule.facts.code, enterprise=firm, values=dict(found[firm]), state=FindingState.OPEN,
                first_run=run, last_run=run, found_on=today,
            )
            for firm in new
        ],
        batch_size=CHUNK,
    )  # fmt: skip


@transaction.atomic
def explain_finding(finding: int, *, text: str, provider: str | None, actor: str, now: datetime) -> Finding:
    """Say why both values are right; by a department that the rule asks, or by the node (``provider`` None).

    Raises UnknownFinding, NotConcerned, NothingWritten, TransitionRefused.
    """
    said = check_written(text, field="text")
    row = FindingRow.objects.select_for_update().filter(id=finding).first()
    rules = rules_in_force() if provider is None else rules_concerning(provider)
    if row is None or row.rule not in rules:
        raise UnknownFinding(finding=finding)
    if provider is not None and provider not in load_cross_rules()[row.rule].facts.explain:
        raise NotConcerned()
    row.state = FINDING_TRANSITIONS.check(FindingState(row.state), "explain")
    row.explanation, row.explained_by, row.explained_at = said, provider or "node", now
    row.save(update_fields=["state", "explanation", "explained_by", "explained_at"])
    body = {"finding": finding, "rule": row.rule, "by": row.explained_by, "explanation": said}
    record(FINDING_EXPLAINED, actor=actor, subject=row.enterprise, body=body, now=now)
    return finding_facts(row, provider)


def remind(cards: Iterable[Card], *, actor: str, now: datetime) -> list[Reminder]:
    """Raise what today's cards show to be late or shrinking, once each, and settle what no longer is.

    Provider and node see it on their pages; the provider's endpoints are told. Returns what is new.
    """
    made = []
    with transaction.atomic():
        for card in cards:
            made += _settle(card, list(_due(card)), now)
        for row in made:
            body = {"item": row.item, "kind": row.kind, "about": row.about, "rows": row.row_count, "usual": row.usual}
            record(REMINDED, actor=actor, subject=row.provider, body=body, now=now)
            data = {"item": row.item, "about": row.about}
            tell(row.provider, f"source.{row.kind}", about=f"{row.item} {row.kind}", data=data, now=now)
    return [reminder_facts(row) for row in made]


def _due(card: Card) -> Iterable[ReminderRow]:
    same = {"item": card.item, "provider": card.provider}
    if card.state in (SourceState.LATE, SourceState.OVERDUE) and card.due_on:
        yield ReminderRow(**same, kind=ReminderKind.LATE, about=card.due_on.isoformat())
    if card.deliveries and has_shrunk(card.rows, card.usual, expectations()):
        about = card.deliveries[-1]
        yield ReminderRow(**same, kind=ReminderKind.SHRINKING, about=about, row_count=card.rows, usual=card.usual)


def _settle(card: Card, due: Sequence[ReminderRow], now: datetime) -> list[ReminderRow]:
    """Settle the item's reminders that are not due any more, open those that are again; save and give the new ones."""
    wanted = {(row.kind, row.about) for row in due}
    known = list(ReminderRow.objects.filter(item=card.item))
    for row in known:
        due_still = (row.kind, row.about) in wanted
        if due_still is not (row.settled_at is None):
            row.settled_at = None if due_still else now
            row.save(update_fields=["settled_at"])
    before = {(row.kind, row.about) for row in known}
    new = [row for row in due if (row.kind, row.about) not in before]
    for row in new:
        row.raised_at = now
        row.save(force_insert=True)
    return new


@transaction.atomic
def report_outage(item: Item, *, reason: str, actor: str, now: datetime) -> Outage:
    """Say that an item's source cannot deliver; from now on a missing record of it is not known for that reason.

    Raises AlreadyDown, NothingWritten.
    """
    said = check_written(reason)
    if OutageRow.objects.select_for_update().filter(item=item.code, ended_at=None).exists():
        raise AlreadyDown(item=item.name)
    row = OutageRow.objects.create(item=item.code, reason=said, began_at=now)
    body = {"item": item.code, "reason": said}
    record(OUTAGE_REPORTED, actor=actor, subject=item.department.code, body=body, now=now)
    return outage_facts(row)


@transaction.atomic
def end_outage(item: Item, *, actor: str, now: datetime) -> Outage:
    """Say that the source delivers again. Raises UnknownOutage."""
    row = OutageRow.objects.select_for_update().filter(item=item.code, ended_at=None).first()
    if row is None:
        raise UnknownOutage(item=item.name)
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    record(OUTAGE_ENDED, actor=actor, subject=item.department.code, body={"item": item.code}, now=now)
    return outage_facts(row)
