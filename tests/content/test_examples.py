"""The examples of every item and every indicator hold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from xinqiao.catalogue.load import load_catalogue
from xinqiao.catalogue.types import Example, Item
from xinqiao.evaluation.compute import scorecards
from xinqiao.evaluation.peers import PeerTable
from xinqiao.indicators.authoring import AsOf as Day
from xinqiao.indicators.authoring import Derived, Indicator, Peer
from xinqiao.indicators.compute import ARROW, item_pass, item_row, pass_steps
from xinqiao.indicators.derive import GROUP, places_of_one, ranked
from xinqiao.indicators.engine import session
from xinqiao.indicators.registry import load_indicators
from xinqiao.indicators.types import DerivedExample, IndicatorExample, Kind, PeerExample
from xinqiao.indicators.views import local_frame
from xinqiao.ingest.checks import check
from xinqiao.ingest.columns import Context
from xinqiao.ingest.types import RULES
from xinqiao.kernel.divisions import DivisionTable
from xinqiao.plumbing.settings import content_dir
from xinqiao.records.queries import stored_schema
from xinqiao.records.types import AsOf

CATALOGUE = load_catalogue(content_dir())
CONTEXT = Context(date(2026, 11, 22), DivisionTable.load(content_dir() / "divisions.toml"))
ITEM_EXAMPLES = [(i, e) for i in CATALOGUE for e in i.examples]
KINDS = {c: r.indicator for c, r in load_indicators().items()}
INDICATOR_EXAMPLES = [(c, e) for c, i in KINDS.items() if isinstance(i, Indicator) for e in i.examples]
DERIVED_EXAMPLES = [(c, e) for c, i in KINDS.items() if isinstance(i, Derived) for e in i.examples]
PEER_EXAMPLES = [(c, e) for c, i in KINDS.items() if isinstance(i, Peer) for e in i.examples]


@pytest.mark.parametrize(
    ("item", "example"), ITEM_EXAMPLES, ids=[f"{i.list_code}:{e.expect}" for i, e in ITEM_EXAMPLES]
)
def test_item_example(item: Item, example: Example) -> None:
    codes = [f.code for f in item.fields]
    table = pa.table({c: pa.array([example.row.get(c, "")], pa.string()) for c in codes})
    checked = check(item, table, {c: c for c in codes}, pa.array([1], pa.int32()), CONTEXT)
    found = {f"{p['field']}: {p['code']}" for p in checked.problems.to_pylist()}
    if example.expect == "ok":
        assert not [f for f in found if RULES[f.split(": ")[1]].returns]
    else:
        assert example.expect in found


@pytest.mark.parametrize(
    ("code", "example"), INDICATOR_EXAMPLES, ids=[f"{c}={e.expect}" for c, e in INDICATOR_EXAMPLES]
)
def test_indicator_example(code: str, example: IndicatorExample) -> None:
    indicator = KINDS[code]
    assert isinstance(indicator, Indicator)
    item = CATALOGUE.item(indicator.facts.item)
    frame = session().createDataFrame(_rows(item, example))
    as_of = AsOf(example.as_of, None)  # type: ignore[arg-type]
    [row] = item_pass(frame, item, [indicator], as_of).toArrow().to_pylist()
    assert row[indicator.facts.column] == _as(indicator.facts.kind, example.expect)


BY_ITEM = {facts.item for facts in (i.facts for i in KINDS.values() if isinstance(i, Indicator))}


@pytest.mark.parametrize("code", sorted(BY_ITEM))
def test_all_indicators_of_an_item_together(code: str) -> None:
    """In one pass, split into plain aggregates and what is made of them, they come to the same as each alone."""
    item = CATALOGUE.item(code)
    chosen = [i for i in KINDS.values() if isinstance(i, Indicator) and i.facts.item == code]
    examples = [example for i in chosen for example in i.examples]
    frame = session().createDataFrame(pa.concat_tables(_rows(item, example) for example in examples))
    as_of = AsOf(examples[0].as_of, None)  # type: ignore[arg-type]
    steps = pass_steps(item, chosen, as_of)
    assert [c.to_plan(None).WhichOneof("expr_type") for c in steps.after] == ["alias"] * len(steps.after)
    [together] = steps.of(frame).collect()
    for one in chosen:
        [alone] = frame.agg(one.aggregate(item_row(item, frame.columns), Day(as_of.valid))).collect()
        assert together[one.facts.column] == alone[0]


def _as(kind: Kind, value: Any) -> Any:
    return Decimal(str(value)) if kind is Kind.DECIMAL and value is not None else value


@pytest.mark.parametrize(("code", "example"), DERIVED_EXAMPLES, ids=[f"{c}={e.expect}" for c, e in DERIVED_EXAMPLES])
def test_derived_example(code: str, example: DerivedExample) -> None:
    """The formula over the values of its inputs."""
    one = KINDS[code]
    assert isinstance(one, Derived)
    pairs = zip(one.inputs, example.values, strict=True)
    columns = {i.facts.column: pa.array([_as(i.facts.kind, v)], ARROW[i.facts.kind]) for i, v in pairs}
    [row] = local_frame(session(), pa.table(columns)).select(one.column()).toArrow().to_pylist()
    assert row[one.facts.column] == _as(one.facts.kind, example.expect)


@pytest.mark.parametrize(("code", "example"), PEER_EXAMPLES, ids=[f"{c}={e.expect}" for c, e in PEER_EXAMPLES])
def test_peer_example(code: str, example: PeerExample) -> None:
    """The windows over the province and the look-up in a published run place a value alike."""
    one = KINDS[code]
    assert isinstance(one, Peer)
    facts = one.of.facts
    values = [*example.group, *([] if example.own in example.group else [example.own])]
    columns = {GROUP: ["34:small"] * len(values), facts.column: pa.array(values, ARROW[facts.kind])}
    province = ranked(local_frame(session(), pa.table(columns)), [one]).toArrow().to_pylist()
    placed = next(row[one.facts.column] for row in province if row[facts.column] == example.own)
    line = {GROUP: "34:small", facts.column: example.own}
    alone = pa.table({GROUP: ["34:small"], facts.column: pa.array([example.own], ARROW[facts.kind])})
    known = PeerTable(pa.table(columns), (facts.column,))
    [found] = local_frame(session(), alone).select(*places_of_one(line, [one], known)).toArrow().to_pylist()
    assert placed == found[one.facts.column] == _as(Kind.DECIMAL, example.expect)


def _rows(item: Item, example: IndicatorExample) -> pa.Table:
    """Example rows in the stored schema; what is not said is null."""
    schema = stored_schema(item)
    occurred = next((f.code for f in item.fields if f.role == "occurred_on"), None)
    lines = []
    for row in example.rows:
        line = {name: _value(schema.field(name).type, value) for name, value in row.items()}
        line |= {"_enterprise": "91610102MA6TX0A16A", "_occurred_on": line.get(occurred) if occurred else None}
        lines.append(line)
    columns = [pa.array([line.get(f.name) for line in lines], f.type) for f in schema]
    return pa.table(columns, schema=pa.schema([f.with_nullable(True) for f in schema]))


def _value(kind: pa.DataType, value: Any) -> Any:
    if pa.types.is_date(kind) and isinstance(value, str):
        return date.fromisoformat(value if len(value) > 7 else f"{value}-01")
    return Decimal(str(value)) if pa.types.is_decimal(kind) and value is not None else value


def test_eighty_indicators_over_every_item_in_six_dimensions() -> None:
    registered = load_indicators()
    assert len(registered) >= 80
    # Who is who says nothing about how somebody does.
    evaluated = {i.code for i in CATALOGUE} - {"registration.identity", "registration.branches"}
    assert {item for r in registered.values() for item in r.indicator.facts.items} == evaluated
    assert {r.dimension for r in registered.values()} == {
        "identity", "operation", "fulfilment", "innovation", "governance", "public_credit",
    }  # fmt: skip


def test_scorecards_load_and_explain_every_indicator() -> None:
    for card in scorecards():
        assert card.maximum == 1000
        for indicator in card.indicators:
            for words in (indicator.up, indicator.down, indicator.improve):
                assert words.zh
                assert words.en
