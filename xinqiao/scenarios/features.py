"""What was known of each observation on its day: the node's indicators by the as-of views, and what may not be used.

Values are computed by the very expressions that evaluate the province, day by day, for the enterprises observed then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.catalogue.types import Item, Role
from xinqiao.evaluation import compute
from xinqiao.evaluation.load import in_force
from xinqiao.evaluation.peers import integers
from xinqiao.evaluation.types import Scorecard
from xinqiao.indicators.authoring import Declared
from xinqiao.indicators.derive import SIZE, peers_among
from xinqiao.indicators.province import Province
from xinqiao.indicators.types import Kind
from xinqiao.kernel.dated import BEIJING
from xinqiao.kernel.errors import Phrase
from xinqiao.records.queries import first_delivered, standing_rows
from xinqiao.records.types import AsOf
from xinqiao.scenarios.frame import Column, Frame
from xinqiao.scenarios.observing import Observation
from xinqiao.scenarios.types import Knowledge, Scenario
from xinqiao.sharing.queries import current_list, not_listed

Progress = Callable[[str], None]
INDUSTRY = "identity__industry"
PLACES = {Kind.INTEGER: 0, Kind.DECIMAL: 4}


@dataclass(frozen=True, slots=True)
class Seen:
    """The observations with what was known of them; ``excluded`` are candidates that may not be used, and why."""

    observations: tuple[Observation, ...]
    frame: Frame
    sizes: tuple[str, ...]
    divisions: tuple[str, ...]
    excluded: Mapping[str, Phrase]


def card_for(now: datetime) -> Scorecard:
    """The basic scorecard in force: its indicators are what every evaluation knows of an enterprise."""
    return in_force(compute.scorecards(), "basic", now.date())


def candidates_of(scenario: Scenario, card: Scorecard) -> tuple[tuple[Declared, ...], dict[str, Phrase]]:
    """Indicators that a scenario may look at, and those it may not with the reason."""
    declared, items = compute.needed(card)
    by_code = {item.code: item for item in items}
    away, peers = not_listed(items), {p.facts.code for p in peers_among(declared)}
    scored = {i.code for i in card.indicators}
    chosen: list[Declared] = []
    excluded: dict[str, Phrase] = {}
    for one in declared:
        facts = one.facts
        if facts.code not in scored or (scenario.candidates and facts.code not in scenario.candidates):
            continue
        why = _why_not(facts.code, facts.items, facts.kind, scenario, by_code, away, peers)
        if why:
            excluded[facts.code] = why
        else:
            chosen.append(one)
    return tuple(chosen), excluded


def _why_not(
    code: str,
    items: Sequence[str],
    kind: Kind,
    scenario: Scenario,
    by_code: Mapping[str, Item],
    away: frozenset[str] | set[str],
    peers: set[str],
) -> Phrase | None:
    if code in scenario.exclude:
        return Phrase("场景定义排除")
    if scenario.outcome_item in items or scenario.observed_item in items:
        return Phrase("取自结果所在的数据项")
    if set(items) & set(away):
        return Phrase("数据项已不在现行清单")
    if code in peers:
        return Phrase("同业位次随他人变化，不作候选")
    if kind is Kind.DATE:
        return Phrase("日期不分箱")
    if scenario.knowledge is Knowledge.HANDED_IN_LATER and any(not _dated(by_code[item]) for item in items):
        return Phrase("数据项没有发生日期，补报的现状会泄露结果")
    return None


def _dated(item: Item) -> bool:
    return item.role(Role.OCCURRED_ON) is not None


def see(
    scenario: Scenario, observations: Sequence[Observation], *, now: datetime, progress: Progress = lambda _: None
) -> Seen:
    """Everything known of the observations; what changes when later records are added is excluded by name."""
    card = card_for(now)
    chosen, excluded = candidates_of(scenario, card)
    days = sorted({o.seen_on for o in observations})
    tables, began = [], _began(scenario, chosen, now)
    for number, day in enumerate(days):
        progress(Phrase("取当日所知（{n}/{all}）", n=number + 1, all=len(days)))
        among = sorted({o.enterprise for o in observations if o.seen_on == day})
        tables.append((day, _values(card, AsOf(day, max(_ends(day), began)), among)))
    if days:
        last, table = tables[-1]
        later = _values(card, AsOf(last, now), table.column("_enterprise").to_pylist())
        excluded |= leaking(table, later, chosen, scenario.tolerance_percent)
    kept = [one for one in chosen if one.facts.code not in excluded]
    return _seen(scenario, observations, tables, kept, excluded, _divisions(now))


def _divisions(now: datetime) -> Mapping[str, str]:
    """Enterprise → the division it is registered in."""
    columns = ["_enterprise", "division"]
    table = standing_rows(current_list().item(compute.REGISTRATION), columns, known=now)
    return dict(zip(*(table.column(name).to_pylist() for name in columns), strict=True))


def _began(scenario: Scenario, chosen: Sequence[Declared], now: datetime) -> datetime:
    """Until when what was recorded counts for any earlier day: the histories that sources hand in when they begin.

    From then on a day knows what was recorded by its end, and what came later is compared with that.
    """
    if scenario.knowledge is Knowledge.THEN:
        return datetime.min.replace(tzinfo=BEIJING)
    items = {item for one in chosen for item in one.facts.items}
    return max(first_delivered(items, known=now).values(), default=now)


def _ends(day: date) -> datetime:
    return datetime.combine(day, time.max, BEIJING)


def _values(card: Scorecard, as_of: AsOf, among: Sequence[str]) -> pa.Table:
    province = compute.province(card, as_of, compute.open_sources(card, as_of))
    if not province.is_registered:
        return pa.table({name: pa.nulls(0) for name in province.value_columns})
    return _found(province, among).sort_by("_enterprise")


def _found(province: Province, among: Sequence[str]) -> pa.Table:
    table: pa.Table = province.values(among=list(among)).toArrow()
    return table


def leaking(before: pa.Table, after: pa.Table, chosen: Sequence[Declared], tolerance_percent: int) -> dict[str, Phrase]:
    """Indicators whose known value on a day differs for too many firms once records known later are added."""
    found = {}
    after = after.filter(pc.is_in(after.column("_enterprise"), before.column("_enterprise"))).sort_by("_enterprise")
    for one in chosen:
        was, now_is = before.column(one.facts.column), after.column(one.facts.column)
        known = pc.and_(pc.is_valid(was), pc.is_valid(now_is))
        compared = int(pc.sum(known).as_py() or 0)
        moved = int(pc.sum(pc.fill_null(pc.not_equal(was, now_is), False)).as_py() or 0)
        if compared and moved * 100 > compared * tolerance_percent:
            found[one.facts.code] = Phrase("加入事后所知后取值改变（{n}/{all}）", n=moved, all=compared)
    return found


def _seen(
    scenario: Scenario,
    observations: Sequence[Observation],
    tables: Sequence[tuple[date, pa.Table]],
    kept: Sequence[Declared],
    excluded: Mapping[str, Phrase],
    divisions: Mapping[str, str],
) -> Seen:
    rows: list[Observation] = []
    parts = []
    for day, table in tables:
        place = {code: n for n, code in enumerate(table.column("_enterprise").to_pylist())}
        mine = [o for o in observations if o.seen_on == day and o.enterprise in place]
        rows += mine
        parts.append(table.take(pa.array([place[o.enterprise] for o in mine], pa.int64())))
    if not rows:
        return Seen((), Frame((), np.zeros(0, np.bool_)), (), (), excluded)
    table = pa.concat_tables(parts)
    places = [divisions.get(o.enterprise) or "" for o in rows]
    lines = list(zip(table.column(SIZE).to_pylist(), table.column(INDUSTRY).to_pylist(), places, strict=True))
    inside = np.flatnonzero([_in_population(scenario, *line) for line in lines])
    table = table.take(pa.array(inside))
    rows = [rows[n] for n in inside]
    return Seen(
        observations=tuple(rows),
        frame=Frame(tuple(frame_columns(table, kept)), np.array([o.failed for o in rows], np.bool_)),
        sizes=tuple(table.column(SIZE).to_pylist()),
        divisions=tuple(places[n] for n in inside),
        excluded=dict(excluded),
    )


def _in_population(scenario: Scenario, size: str, industry: str | None, division: str) -> bool:
    return (
        (not scenario.sizes or size in scenario.sizes)
        and (not scenario.industries or (industry or "").startswith(scenario.industries))
        and (not scenario.divisions or division.startswith(scenario.divisions))
    )


def frame_columns(table: pa.Table, kept: Sequence[Declared]) -> Iterator[Column]:
    """The columns of indicators as exact numbers or words."""
    for one in kept:
        yield arrow_column(one.facts.code, one.facts.kind, table.column(one.facts.column))


def arrow_column(code: str, kind: Kind, values: pa.ChunkedArray) -> Column:
    """One column of a run, exact."""
    values = values.combine_chunks()
    known = values.is_valid().to_numpy(zero_copy_only=False).astype(np.bool_)
    if kind is Kind.TEXT:
        return Column(code, None, np.array(values.fill_null("").to_pylist(), object), known)
    return Column(code, PLACES[kind], integers(values.fill_null(0)), known)
