"""Finding: the rules over what the lake holds of some enterprises, item by item, in columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.schema import key_columns
from xinqiao.catalogue.types import Item, Openness
from xinqiao.evaluation.compute import REGISTRATION, needed, scorecard_at, scorecards
from xinqiao.evaluation.queries import grades_in, published_runs
from xinqiao.evaluation.types import Scorecard
from xinqiao.kernel.dated import beijing_day
from xinqiao.monitoring.rules import columns_of, fall_findings, grade_findings, record_findings
from xinqiao.monitoring.types import Finding, RuleKind, SignalRule
from xinqiao.records.queries import PLANTED_BATCH, standing_rows, without_planted
from xinqiao.records.types import AsOf
from xinqiao.sharing.queries import current_list

EVER = 100_000
RUNS = 12  # published runs whose grades are compared, each with the one before


def items_used(rule: SignalRule, *, now: datetime) -> tuple[str, ...]:
    """The items on the list in force that a rule rests on; of a rule over grades those of the scorecard."""
    if rule.kind is not RuleKind.GRADE:
        return rule.items
    listed = {item.code for item in current_list()}
    card = scorecard_at(AsOf(beijing_day(now), now))
    return tuple(sorted(item.code for item in needed(card)[1] if item.code in listed))


def closed_items(rule: SignalRule, *, now: datetime) -> frozenset[str]:
    """Those of them that an authorisation must name."""
    listed = {item.code: item for item in current_list()}
    return frozenset(c for c in items_used(rule, now=now) if c in listed and listed[c].openness is not Openness.PUBLIC)


def find(rules: Iterable[SignalRule], firms: Mapping[str, Collection[str]], *, known: datetime) -> Iterator[Finding]:
    """What the rules find of enterprises: ``firms`` tells by rule which. An item off the list finds nothing."""
    by_item: dict[str, list[SignalRule]] = defaultdict(list)
    for rule in rules:
        if firms.get(rule.code):
            by_item[rule.item].append(rule)
    for rule in by_item.pop("", ()):
        yield from _grades(rule, firms[rule.code], known=known)
    listed = {item.code: item for item in current_list()}
    for code, group in by_item.items():
        group = [rule for rule in group if set(rule.items) <= listed.keys()]
        if group:
            yield from _of_item(listed[code], group, firms, known=known)


def _of_item(
    item: Item, rules: Sequence[SignalRule], firms: Mapping[str, Collection[str]], *, known: datetime
) -> Iterator[Finding]:
    key = [c for c, _ in key_columns(item)]
    columns = list(dict.fromkeys([*key, *(c for rule in rules for c in columns_of(rule))]))
    wanted = {firm for rule in rules for firm in firms[rule.code]}
    rows = without_planted(standing_rows(item, columns, known=known, enterprises=wanted))
    for rule in rules:
        own = rows
        if len(firms[rule.code]) < len(wanted):
            own = rows.filter(pc.is_in(rows.column("_enterprise"), value_set=pa.array(sorted(firms[rule.code]))))
        if rule.kind is RuleKind.FALL:
            yield from fall_findings(rule, own)
            continue
        parties = _parties(rule, firms[rule.code], known=known) if rule.elsewhere else None
        public = item.openness is Openness.PUBLIC
        yield from record_findings(rule, own, key=key, public=public, parties=parties)


def _parties(rule: SignalRule, firms: Collection[str], *, known: datetime) -> dict[str, str]:
    """Whose record it is, by enterprise and number."""
    other = rule.elsewhere
    assert other is not None
    rows = standing_rows(
        current_list().item(other.item), ["_enterprise", other.by, other.field], known=known, enterprises=firms
    )
    names = (rows.column(c).to_pylist() for c in ("_enterprise", other.by, other.field))
    return {f"{firm}\x1f{number}": party or "" for firm, number, party in zip(*names, strict=True)}


def _grades(rule: SignalRule, firms: Collection[str], *, known: datetime) -> Iterator[Finding]:
    runs = [run for run in published_runs(limit=RUNS) if run.known_at <= known]
    chosen, found = pa.array(sorted(firms), pa.string()), list[Finding]()
    for older, newer in pairwise(runs):
        tables = (grades_in(run.id) for run in (older, newer))
        before, after = (t.filter(pc.is_in(t.column("_enterprise"), value_set=chosen)) for t in tables)
        order = [grade.grade for grade in _card(newer.version).grades if grade.grade != "NR"]
        found += grade_findings(rule, before, after, order=order, run=newer.id, known_at=newer.known_at)
    planted = _planted({one.enterprise for one in found}, known=known)
    return (one for one in found if one.enterprise not in planted)


def aged_runs() -> frozenset[str]:
    """Published runs too old to be compared any more: what was said of them stands."""
    runs = [run.id for run in published_runs(limit=EVER)]
    return frozenset(runs[:-RUNS])


def _card(version: str) -> Scorecard:
    return next(card for card in scorecards() if (card.code, card.version) == ("basic", version))


def _planted(firms: Collection[str], *, known: datetime) -> set[str]:
    """Those of the enterprises that the node planted: nobody is told of them, and they count nowhere."""
    if not firms:
        return set()
    registration = current_list().item(REGISTRATION)
    rows = standing_rows(registration, ["_enterprise"], known=known, enterprises=firms)
    planted = rows.filter(pc.starts_with(rows.column("_batch"), pattern=PLANTED_BATCH))
    return set(planted.column("_enterprise").to_pylist())
