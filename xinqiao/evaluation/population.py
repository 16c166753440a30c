"""Columns of the last published run beside what is public of each enterprise, for whoever holds conditions to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from xinqiao.evaluation.compute import REGISTRATION, facts_by_code
from xinqiao.evaluation.queries import get_scorecard, is_under_list, latest_path
from xinqiao.evaluation.register import register
from xinqiao.evaluation.types import NoRun
from xinqiao.indicators.types import IndicatorFacts
from xinqiao.kernel.dated import beijing_day
from xinqiao.records.lake import lake
from xinqiao.records.queries import current_rows, read_enterprise
from xinqiao.sharing.queries import current_list

VETO = "veto__"


def comparable(*, now: datetime) -> Mapping[str, IndicatorFacts]:
    """The indicators of the scorecard in force whose items are all on the list in force: what may be compared."""
    listed = {item.code for item in current_list()}
    facts = facts_by_code()
    card = get_scorecard(on=beijing_day(now))
    return {i.code: facts[i.code] for i in card.indicators if set(facts[i.code].items) <= listed}


def population(
    indicators: Sequence[str], *, now: datetime, enterprises: Collection[str] | None = None
) -> tuple[pa.Table, str]:
    """Every registered and evaluated enterprise (or those named), by code, and the run: raises NoRun.

    Columns: code, name, division, industry, status, registered_on, grade, score, coverage, size_class, one of every
    indicator asked for, and the vetoes as ``veto__<code>``. Planted enterprises are not in it. A run that left out or
    took in other items than the list in force is none.
    """
    run, path = latest_path()
    if not path or not is_under_list(run):
        raise NoRun()
    table, _ = register(now=now)
    table = table.filter(pc.is_valid(table.column("score")))
    if enterprises is not None:
        table = table.filter(pc.is_in(table.column("code"), value_set=pa.array(sorted(enterprises), pa.string())))
    facts = facts_by_code()
    names = [facts[code].column for code in dict.fromkeys(indicators)]
    vetoes = [name for name in lake().column_names(path) if name.startswith(VETO)]
    if not names and not vetoes:
        return table, run
    values = lake().columns(path, ["_enterprise", *names, *vetoes])
    place = pc.index_in(table.column("code"), value_set=values.column("_enterprise").combine_chunks())
    return pa.table(
        {name: table.column(name) for name in table.column_names}
        | {name: values.column(name).combine_chunks().take(place.combine_chunks()) for name in (*names, *vetoes)}
    ), run


def public_facts(enterprise: str, *, now: datetime) -> tuple[str, str]:
    """Division and industry of one enterprise as registered, each empty when not known."""
    item = current_list().item(REGISTRATION)
    table = read_enterprise(enterprise, [item], known=now).get(REGISTRATION)
    rows = current_rows(table, item) if table is not None else []
    row = rows[-1] if rows else {}
    return str(row.get("division") or ""), str(row.get("industry") or "")
