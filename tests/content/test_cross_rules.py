"""Every rule across items and every measure it compares: examples hold, each rule can be read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from tests.content.test_examples import CATALOGUE, _as, _rows, _value
from xinqiao.indicators.authoring import Indicator
from xinqiao.indicators.compute import ARROW, item_pass
from xinqiao.indicators.crossing import cross_rule
from xinqiao.indicators.engine import session
from xinqiao.indicators.registry import _cross_faults, load_cross_rules, load_indicators
from xinqiao.indicators.types import DerivedExample, IndicatorExample, Severity
from xinqiao.indicators.views import local_frame
from xinqiao.records.types import AsOf

RULES = load_cross_rules()
EXAMPLES = [(code, example) for code, rule in RULES.items() for example in rule.examples]
MEASURES = {m.facts.code: m for rule in RULES.values() for m in rule.inputs}
OWN = [(m, e) for code, m in MEASURES.items() if code not in load_indicators() for e in m.examples]


@pytest.mark.parametrize(("code", "example"), EXAMPLES, ids=[f"{c}{e.values}" for c, e in EXAMPLES])
def test_rule_example(code: str, example: DerivedExample) -> None:
    rule = RULES[code]
    pairs = zip(rule.inputs, example.values, strict=True)
    columns = {
        i.facts.column: pa.array([_value(ARROW[i.facts.kind], _as(i.facts.kind, v))], ARROW[i.facts.kind])
        for i, v in pairs
    }
    [row] = local_frame(session(), pa.table(columns)).select(rule.column()).toArrow().to_pylist()
    assert row[rule.facts.column] is example.expect


@pytest.mark.parametrize(("measure", "example"), OWN, ids=[f"{m.facts.code}={e.expect}" for m, e in OWN])
def test_measure_example(measure: Indicator, example: IndicatorExample) -> None:
    item = CATALOGUE.item(measure.facts.item)
    frame = session().createDataFrame(_rows(item, example))
    as_of = AsOf(example.as_of, None)  # type: ignore[arg-type]
    [row] = item_pass(frame, item, [measure], as_of).toArrow().to_pylist()
    expected: Any = example.expect
    assert row[measure.facts.column] == (date.fromisoformat(expected) if isinstance(expected, str) else expected)


def test_there_are_rules_for_the_contradictions_that_people_name() -> None:
    """Staff, sums, existence; at least eight, each over two items or more, each asking who answers for one of them."""
    assert len(RULES) >= 8
    looked_at = {item for rule in RULES.values() for item in rule.facts.items}
    assert looked_at >= {"social.insurance", "tax.payment", "tax.invoices", "utility.electricity", "housing.fund"}
    assert {rule.facts.severity for rule in RULES.values()} == set(Severity)
    assert all(rule.facts.name and rule.facts.name_en and rule.facts.basis for rule in RULES.values())


def test_every_measure_has_an_example() -> None:
    assert not [code for code, measure in MEASURES.items() if not measure.examples]


def test_a_faulty_rule_is_refused_with_every_fault() -> None:
    """Asks a department that delivers none of its items, and shows only one kind of case."""
    of = [MEASURES["measure.licences"], MEASURES["measure.registered"]]
    named = {"code": "cross.bad", "name": "甲", "name_en": "a", "basis": "", "since": "2026-01-01"}
    declare = cross_rule(of=of, severity=Severity.DOUBT, explain=["tax_bureau"], **named)  # type: ignore[arg-type]
    rule = declare(lambda given, rows: given > rows)
    rule.example(1, 0, expect=True)
    assert [p.code for p in _cross_faults([rule], CATALOGUE)] == ["explain", "example"]
    assert [p.code for p in _cross_faults([rule, rule], CATALOGUE)].count("duplicate") == 2
    with pytest.raises(ValueError, match="two items"):
        cross_rule(of=of[:1], severity=Severity.DOUBT, explain=[], **named)  # type: ignore[arg-type]
