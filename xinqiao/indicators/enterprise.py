"""One enterprise on demand, by the same columns as the province.

Its few rows are picked by this process, and the engine is asked in short questions, each of which gets the last answer
as data: planning an expression inside another costs far more than computing it for one enterprise, and so do columns
that are carried along unread.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, cast

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql.connect.dataframe import DataFrame as ConnectFrame
from pyspark.sql.connect.plan import LocalRelation

from xinqiao.catalogue.types import Item
from xinqiao.indicators.authoring import Declared, Derived
from xinqiao.indicators.compute import ARROW, newest_column, of_item, pass_steps, rows_column, settle
from xinqiao.indicators.derive import GROUP, SIZE, Peers, in_order, peers_among, places_of_one, with_derived
from xinqiao.indicators.engine import session
from xinqiao.indicators.prepared import Steps
from xinqiao.indicators.scoring import scored_line, value_name
from xinqiao.indicators.types import Scoring
from xinqiao.indicators.views import SUBJECT
from xinqiao.records.queries import read_enterprise, rows_as_of
from xinqiao.records.types import AsOf

Line = dict[str, Any]
QUESTIONS = 4


def score_enterprise(
    enterprise: str,
    items: Sequence[Item],
    indicators: Sequence[Declared],
    scoring: Scoring,
    as_of: AsOf,
    *,
    registry: str,
    peers: Peers,
    unsettled: Collection[str] = (),
    shut: Collection[str] = (),
) -> Line | None:
    """The scored row of one enterprise, equal to the province's; None when the registry has none.

    Its place among its peers is looked up in ``peers``, what a published run knows of them. Items that are ``shut`` are
    not read.
    """
    steps = {item.code: pass_steps(item, of_item(item, indicators), as_of) for item in items}
    reads = {code: found.reads for code, found in steps.items()}
    open_items = [item for item in items if item.code not in shut]
    tables = read_enterprise(enterprise, open_items, known=as_of.known, columns=reads)
    standing = {item.code: rows_as_of(tables[item.code], item, as_of.valid) for item in items if item.code in tables}
    if registry not in standing or not standing[registry].num_rows:
        return None
    firm = _Firm(tuple(items), tuple(indicators), scoring, frozenset(standing), frozenset(unsettled))
    line = {SUBJECT: enterprise} | _passed(standing, steps)
    values = _valued(line, firm)
    placing = peers_among(indicators)
    compared = {p.of.facts.column for p in placing}
    values |= _ask(values, compared, firm.types, places_of_one(values, placing, peers)) if placing else {}
    return values | scored_line(values, scoring)


@dataclass(frozen=True)
class _Firm:
    """What is the same for every enterprise: the declarations, and which items are delivered and which unsettled."""

    items: tuple[Item, ...]
    indicators: tuple[Declared, ...]
    scoring: Scoring
    delivered: frozenset[str]
    unsettled: frozenset[str]

    @property
    def types(self) -> Mapping[str, pa.DataType]:
        """The stored type of every column there can be."""
        return _types(self.items, self.indicators)


@lru_cache(maxsize=64)
def _absent(firm: _Firm) -> Line:
    """The settled values of an enterprise of which no item has a row: none and not known told apart."""
    passed = [SUBJECT]
    for item in firm.items:
        if item.code in firm.delivered:
            mine = (i.facts.column for i in of_item(item, firm.indicators))
            passed += [rows_column(item), newest_column(item), *mine]
    frame = _frame({}, passed, firm.types)
    return _only_row(settle(frame, firm.items, set(firm.delivered), firm.indicators, firm.unsettled))


@lru_cache(maxsize=64)
def _types(items: tuple[Item, ...], indicators: tuple[Declared, ...]) -> Mapping[str, pa.DataType]:
    types: dict[str, pa.DataType] = {SUBJECT: pa.string()}
    for item in items:
        types |= {rows_column(item): pa.int64(), newest_column(item): pa.date32()}
    types |= {i.facts.column: ARROW[i.facts.kind] for i in in_order(indicators)}
    return types | {SIZE: pa.string(), GROUP: pa.string()}


def _passed(standing: Mapping[str, pa.Table], steps: Mapping[str, Steps]) -> Line:
    """The passes over one enterprise's rows; items of which it has no row are left out.

    In a few questions at once: planning grows faster than the question, and one does not use all cores.
    """
    found = sorted((code for code, table in standing.items() if table.num_rows), key=lambda c: -len(steps[c].after))
    passes = [steps[code].of(_small(standing[code])) for code in found]
    questions = [_together(passes[n::QUESTIONS]) for n in range(min(QUESTIONS, len(passes)))]
    return {name: value for line in _askers().map(_only_row, questions) for name, value in line.items()}


@cache
def _askers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=QUESTIONS, thread_name_prefix="enterprise")


def _together(lines: Sequence[DataFrame]) -> DataFrame:
    """Frames of one line each side by side, as a balanced tree: the engine's messages may not nest deeply."""
    if len(lines) == 1:
        return lines[0]
    half = len(lines) // 2
    return _together(lines[:half]).crossJoin(_together(lines[half:]))


def _valued(line: Line, firm: _Firm) -> Line:
    """Every value but places: those of the passes stand as they are, of other items as without a row; derived values,
    size class, group."""
    values = _absent(firm) | line
    derived = [i for i in in_order(firm.indicators) if isinstance(i, Derived)]
    read = {value_name(code) for code in firm.scoring.size_inputs}
    read |= {source.facts.column for one in derived for source in one.inputs}
    sizing = _sizing(firm.scoring, values[value_name(firm.scoring.size_inputs[0])] or "")
    return values | _only_row(with_derived(_frame(values, read, firm.types), in_order(firm.indicators), sizing))


@lru_cache(maxsize=512)
def _sizing(scoring: Scoring, industry: str) -> Scoring:
    """The scoring with only the rows of the size table that an industry can meet."""
    division = re.sub("^[A-Z]", "", industry)
    return replace(scoring, sizes=tuple(row for row in scoring.sizes if division.startswith(row.industries)))


def _ask(line: Line, names: Collection[str], types: Mapping[str, pa.DataType], columns: Sequence[Column]) -> Line:
    """Columns computed from a line of which only ``names`` are read."""
    return _only_row(_frame(line, names, types).select(*columns)) if columns else {}


def _frame(line: Line, names: Collection[str], types: Mapping[str, pa.DataType]) -> DataFrame:
    schema = pa.schema([(name, types[name]) for name in names])
    return _small(pa.Table.from_pylist([line], schema=schema))


def _small(table: pa.Table) -> DataFrame:
    """A few rows as an engine frame, without the questions about settings that ``createDataFrame`` asks each time."""
    return ConnectFrame(LocalRelation(table), cast(Any, session()))


def _only_row(frame: DataFrame) -> Line:
    [row] = frame.collect()
    return dict(row.asDict())
