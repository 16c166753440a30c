"""Formulas: what may be written, what the analysis promises, what is read, told and charged."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.hostile_families import hostile
from xinqiao.formulas.checking import analyse, inputs_of
from xinqiao.formulas.content import load_limits
from xinqiao.formulas.evaluating import evaluate, shape
from xinqiao.formulas.parsing import Unreadable, parse
from xinqiao.formulas.reading import lines, output_aloud
from xinqiao.formulas.refusals import AnotherPersonReviews, InvalidFormula, InvalidFormulaRules, ReviewReasonNeeded
from xinqiao.formulas.rules import (
    check_reason,
    check_reviewer,
    grained,
    measure_grain,
    millibits,
    over_budget,
    take,
)
from xinqiao.formulas.types import Charge, Grain, Input, Output, OutputKind, Type
from xinqiao.kernel.errors import fill

CONTENT = Path(__file__).parents[2] / "shaanxi" / "formulas.toml"
LIMITS = load_limits(CONTENT)
NOW = datetime(2026, 11, 26, tzinfo=UTC)
BANDS: dict[str, Any] = {"kind": "bands", "cuts": ["10", "20", "30"]}
SCORE: dict[str, Any] = {"kind": "score", "low": 0, "high": 100, "step": 10}


def closed(code: str, high: int = 1000, grain: int = 50) -> Input:
    """A non-public number between nothing and ``high``."""
    return Input(
        code, code, code, "fen", Type.NUMBER, Decimal(0), Decimal(high), 0, ("i",), (f"item.{code}",), 12,
        Decimal(grain),
    )  # fmt: skip


INPUTS = {
    "a.x": closed("a.x"),
    "a.y": closed("a.y"),
    "b.p": Input("b.p", "b.p", "b.p", "count", Type.NUMBER, Decimal(-5), Decimal(100), 0, ("k",)),
    "b.d": Input("b.d", "b.d", "b.d", "percent", Type.NUMBER, Decimal(-9), Decimal(9), 4, ("k",)),
    "b.t": Input("b.t", "b.t", "b.t", "grade", Type.TEXT, items=("k",)),
}


def codes(text: str, output: Any = BANDS) -> Counter[str]:
    """What is wrong with a formula, by kind of fault."""
    with pytest.raises(InvalidFormula) as refused:
        take(text, output, INPUTS, LIMITS)
    return Counter(p.code for p in refused.value.problems)


def value_of(text: str, **read: Any) -> Any:
    """What an expression gives."""
    return evaluate(parse(text, LIMITS), {code.replace("_", "."): value for code, value in read.items()})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3 - 4", "3"),
        ("0.1 + 0.2", "0.3"),
        ("divide(1, 3, 4)", "0.3333"),
        ("divide(5, 2, 0)", "2"),
        ("divide(7, 2, 0)", "4"),
        ("-(2 - 5)", "3"),
        ("min(3, 1, 2) + max(3, 1, 2) + abs(-4)", "8"),
        ("if 1 < 2 and not 3 <= 2 then 5 else 6", "5"),
        ("bins(19, 10: 1, 20: 2, else: 3)", "2"),
        ("bins(20, 10: 1, 20: -2.5, else: 3)", "3"),
        ("sum(1, 2, 3) * (2 + 2)", "24"),
        ("if between(5, 5, 6) or false then 1 else 2", "1"),
        ('if "A" = "B" then 1 else 2', "2"),
    ],
)
def test_arithmetic_is_exact(text: str, value: str) -> None:
    assert value_of(text) == Decimal(value)


def test_what_is_not_known_is_not_known_unless_the_formula_says_what_then() -> None:
    assert value_of("a.x + 1") is None
    assert value_of("min(a.x, 1)") is None
    assert value_of("if a.x > 1 then 2 else 3") is None
    assert value_of("coalesce(a.x, 7) + 1") == 8
    assert value_of("if known(a.x) then a.x else 0") == 0
    assert value_of("if known(a.x) then a.x else 0", a_x=Decimal(4)) == 4


def test_every_fault_is_said_at_once_with_its_place() -> None:
    with pytest.raises(InvalidFormula) as refused:
        take("a.q + true\n + divide(a.x, a.y, 1)", {"kind": "raw"}, INPUTS, LIMITS)
    found = [(p.field, p.code) for p in refused.value.problems]
    assert ("output", "output") in found and ("1:1", "no_input") in found and ("2:16", "zero") in found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a.x.__class__", "character"),
        ("__import__", "character"),
        ("open(1)", "no_call"),
        ("import os", "unexpected"),
        ("a.x +", "ends"),
        ("(" * 60 + "1" + ")" * 60, "too_deep"),
        ("-" * 60 + "1", "too_deep"),
        ("+".join("1" * 400), "too_large"),
        ("9" * 16, "too_many_digits"),
        ("1" * 5000, "too_long"),
        ("divide(a.x, a.y, 2)", "zero"),
        ("a.x * 999999999999999 * 999999999999999", "overflow"),
        ("b.d * b.d * b.d * b.d * b.d", "places"),
        ("a.x > 1", "type"),
        ("b.t + a.x", "type"),
        ("if a.x then 1 else 2", "type"),
        ("if true then 1 else b.t", "type"),
        ("1 + 1", "constant"),
        ("bins(a.x, 20: 1, 10: 2, else: 3)", "bins"),
        ("bins(a.x, 10: 1, 20: 2, else: 3)", "comb"),
        ("if a.x > 100 then 1 else if a.x > 120 then 5 else 9", "comb"),
        ("min(1)", "count"),
        ("divide(1, 2, 9)", "places"),
    ],
)
def test_hostile_or_wrong_formulas_are_refused_by_name(text: str, fault: str) -> None:
    assert codes(text)[fault]


def test_a_formula_that_gives_one_value_away_is_refused() -> None:
    assert codes("a.x", SCORE) == {"identity": 1}
    assert codes("a.x")["identity"] == 1  # bands narrower than a grain
    assert codes("bins(a.x, 100: 0, 500: 50, else: 100) + b.p * 0", SCORE) == {"identity": 1}
    wide = {"kind": "bands", "cuts": ["300", "600"]}
    assert take("a.x", wide, INPUTS, LIMITS).output.values == 3
    mixed = "bins(a.x, 100: 0, 500: 25, else: 50) + bins(a.y, 100: 0, 500: 25, else: 50)"
    assert take(mixed, SCORE, INPUTS, LIMITS).reach.swing == {"a.x": 50, "a.y": 50}


@pytest.mark.parametrize(
    "output",
    [{}, {"kind": "bands", "cuts": ["2", "1"]}, {"kind": "bands", "cuts": [str(n) for n in range(40)]},
     {"kind": "bands", "cuts": ["NaN"]}, {"kind": "score", "low": 0, "high": 1000, "step": 1},
     {"kind": "score", "low": 0, "high": 10, "step": 0}, {"kind": "score", "low": 0.5, "high": 10, "step": 1}],
)  # fmt: skip
def test_only_declared_forms_within_bounds_may_leave(output: Any) -> None:
    assert codes("min(a.x, 1)", output)["output"] == 1


def test_five_hundred_hostile_formulas_are_rejected_or_harmless() -> None:
    tried = rejected = 0
    reading = {"a.x": Decimal(0), "a.y": Decimal(1000), "b.p": Decimal(-5), "b.t": "A"}
    more = {f"c.z{n}": closed(f"c.z{n}", 10**9, 10**6) for n in range(30)}
    available = INPUTS | more
    for _, text, output in hostile(available):
        tried += 1
        try:
            ready = take(text, output, available, LIMITS)
        except InvalidFormula as refused:
            assert refused.problems
            rejected += 1
            continue
        values = {code: Decimal(0) for code in more} | reading
        for read in ({}, values, {c: Decimal(10**9) for c in more} | reading):
            said = shape(evaluate(ready.tree, read), ready.output)
            assert said is None or isinstance(said, int)
    assert tried >= 500 and rejected > 400


def numbers(depth: int = 3) -> st.SearchStrategy[str]:
    """Expressions that give numbers."""
    leaf = st.one_of(
        st.integers(-999, 999).map(lambda n: f"({n})"), st.sampled_from(["a.x", "a.y", "b.p", "b.d", "1.25", "0.5"])
    )
    if depth == 0:
        return leaf
    part = numbers(depth - 1)
    truth = st.one_of(
        st.tuples(part, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), part).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        st.sampled_from(["known(a.x)", "true", 'b.t = "A"', "not known(b.p)"]),
        st.tuples(part, part, part).map(lambda t: f"between({t[0]}, {t[1]}, {t[2]})"),
    )
    return st.one_of(
        leaf,
        st.tuples(part, st.sampled_from("+-*"), part).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(["min", "max", "sum", "coalesce"]), part, part).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]})"
        ),
        part.map(lambda p: f"abs({p})"),
        part.map(lambda p: f"(-{p})"),
        st.tuples(part, part).map(lambda t: f"divide({t[0]}, max(abs({t[1]}), 1), 3)"),
        part.map(lambda p: f"bins({p}, -5: 3, 10: -7, 500: 0.5, else: 40)"),
        st.tuples(truth, truth, st.sampled_from(["and", "or"]), part, part).map(
            lambda t: f"(if {t[0]} {t[2]} {t[1]} then {t[3]} else {t[4]})"
        ),
    )


def reading(code: str) -> st.SearchStrategy[Any]:
    """A value of an input within its range, in its decimals."""
    one = INPUTS[code]
    if one.type is Type.TEXT:
        return st.sampled_from(["A", "B", "M"])
    unit = 10**one.places
    return st.integers(int(one.low * unit), int(one.high * unit)).map(lambda n: Decimal(n).scaleb(-one.places))


READINGS = st.fixed_dictionaries({code: reading(code) for code in INPUTS})
UNKNOWN = st.fixed_dictionaries({code: st.none() | reading(code) for code in INPUTS})


@settings(max_examples=300, deadline=None)
@given(numbers(), UNKNOWN)
def test_what_passes_never_raises_and_stays_within_what_the_analysis_says(text: str, read: Any) -> None:
    try:
        tree = parse(text, LIMITS)
    except Unreadable:
        return
    reach, faults = analyse(tree, INPUTS, LIMITS)
    value = evaluate(tree, read)
    if reach is None:
        assert faults
        return
    assert value is None or reach.span.low <= Decimal(value) <= reach.span.high  # type: ignore[arg-type]
    if value is not None:
        assert -int(Decimal(value).as_tuple().exponent) <= reach.places  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(numbers(), READINGS, st.sampled_from(sorted(INPUTS)), st.data())
def test_one_input_moves_the_outcome_by_no_more_than_the_analysis_says(
    text: str, read: Any, code: str, data: st.DataObject
) -> None:
    try:
        tree = parse(text, LIMITS)
    except Unreadable:
        return
    reach, _ = analyse(tree, INPUTS, LIMITS)
    if reach is None:
        return
    before, other = evaluate(tree, read), data.draw(reading(code))
    after = evaluate(tree, read | {code: other})
    assert before is not None and after is not None
    moved = abs(Decimal(after) - Decimal(before))  # type: ignore[arg-type]
    assert moved <= reach.swing.get(code, Decimal(0))
    one = INPUTS[code]
    nudge = one.grain or Decimal(1).scaleb(-one.places)
    if one.type is Type.NUMBER and abs(other - read[code]) <= nudge:
        assert moved <= reach.nudge.get(code, Decimal(0))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert inputs_of(parse(text, LIMITS)) is not None
    except Unreadable as stopped:
        assert 0 <= stopped.fault.at <= len(text) and stopped.fault.message


GRAIN = Grain("a.x", 0, 100, 900, 40, 10)


@given(st.integers(-5000, 5000), st.integers(0, 39))
def test_what_is_read_lies_less_than_a_grain_from_what_is(value: int, shift: int) -> None:
    said = grained(value, GRAIN, shift)
    assert GRAIN.low <= said <= GRAIN.top and (said - GRAIN.low) % GRAIN.step == 0
    kept = min(max(value, GRAIN.low), GRAIN.top)
    assert abs(said - kept) < GRAIN.step


@given(st.integers(140, 860))
def test_no_reading_tells_a_value_within_its_grain(value: int) -> None:
    """Over all secrets that the shift may be, values a grain apart or nearly give the same reading."""
    said = {grained(value, GRAIN, shift) for shift in range(GRAIN.step)}
    for one in said:
        alike = [v for v in range(GRAIN.low, GRAIN.top) if one in {grained(v, GRAIN, s) for s in (0, GRAIN.step - 1)}]
        assert max(alike) - min(alike) >= GRAIN.step - 1 > GRAIN.tolerance


def test_the_grain_follows_the_spread_and_keeps_off_the_ends() -> None:
    found = measure_grain("a.x", list(range(10_000)), 0, 1, LIMITS)
    assert found and found.tolerance == 250 and found.step == 1000
    assert (
        found.low >= 2 * found.step
        and found.top <= 9_999 - 2 * found.step
        and (found.top - found.low) % found.step == 0
    )
    assert measure_grain("a.x", [7] * 100, 0, 3, LIMITS) is None
    few = measure_grain("a.x", [0] * 90 + list(range(13)) * 5, 0, 3, LIMITS)
    assert few is None or (few.low >= 2 * few.step and few.top <= 12 - 2 * few.step)


def test_an_answer_is_charged_by_what_it_may_tell() -> None:
    assert (millibits(2), millibits(4), millibits(10)) == (1000, 2000, 3322)


def charge(bank: str, days: int, amount: int = 3322, item: str = "i") -> Charge:
    """Something told some days ago."""
    return Charge(bank, item, amount, NOW - timedelta(days=days))


def test_the_budget_of_one_bank_and_of_all() -> None:
    own = [charge("a", days) for days in (80, 40, 20, 10)]
    free = over_budget(own, "a", ["i"], 3322, LIMITS, NOW)
    assert free == NOW + timedelta(days=10)  # when the oldest has lapsed
    assert over_budget(own, "b", ["i"], 3322, LIMITS, NOW) is None
    assert over_budget(own, "a", ["j"], 3322, LIMITS, NOW) is None
    assert over_budget(own, "a", ["j", "i"], 3322, LIMITS, NOW) == free
    pooled = [charge(bank, days) for bank in "abc" for days in (40, 20, 10, 5)]
    assert over_budget(pooled, "d", ["i"], 3322, LIMITS, NOW) == NOW + timedelta(days=50)
    assert over_budget([charge("a", 91, 14_000)], "a", ["i"], 14_000, LIMITS, NOW) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 200), st.integers(1000, 4400)), max_size=40))
def test_what_is_told_within_a_window_never_exceeds_the_budgets(asked: list[tuple[str, int, int]]) -> None:
    told: list[Charge] = []
    for bank, day, cost in sorted(asked, key=lambda one: one[1]):
        now = NOW + timedelta(days=day)
        if over_budget(told, bank, ["i"], cost, LIMITS, now) is None:
            told.append(Charge(bank, "i", cost, now))
    window = timedelta(days=LIMITS.window_days)
    for one in told:
        within = [c for c in told if one.at - window < c.at <= one.at]
        assert sum(c.millibits for c in within) <= LIMITS.enterprise_millibits
        assert sum(c.millibits for c in within if c.institution == one.institution) <= LIMITS.institution_millibits


def test_a_free_day_is_indeed_free() -> None:
    own = [*(charge("a", days, 3000) for days in (0, 2, 4, 6)), charge("a", 85, 2000)]
    free = over_budget(own, "a", ["i"], 3322, LIMITS, NOW)
    assert free is not None and over_budget(own, "a", ["i"], 3322, LIMITS, free) is None


def test_results_take_their_declared_form() -> None:
    bands = Output(OutputKind.BANDS, cuts=(Decimal(10), Decimal(20)))
    assert [shape(Decimal(n), bands) for n in (-1, 10, 19, 99)] == [1, 2, 2, 3]
    score = Output(OutputKind.SCORE, low=0, high=100, step=10)
    assert [shape(Decimal(n), score) for n in (-5, 9, 10, 99, 5000)] == [0, 0, 10, 90, 100]
    assert shape(None, score) is None


def test_a_formula_reads_as_words() -> None:
    tree = parse("bins(a.x, 100: 0, else: 5) + coalesce(b.p, 1) * 2 + (if known(a.y) then 1 else 0)", LIMITS)
    said = lines(tree, {"a.x": "销售额"}, lambda pattern, data: fill(pattern, data))
    assert said == [
        "“销售额” 分档：小于 100 计 0，其余计 5",
        "“b.p”（不知道时取 1） 乘以 2",
        "如果 “a.y” 为已知，取 1，否则取 0",
    ]
    form = output_aloud(Output(OutputKind.BANDS, cuts=(Decimal(10),)), lambda pattern, data: fill(pattern, data))
    assert form == "只给出第几档（共 2 档，界限 10），1 档最低"


def test_a_second_person_reviews_and_says_why() -> None:
    with pytest.raises(AnotherPersonReviews):
        check_reviewer("person:1", "person:1")
    check_reviewer("person:1", "person:2")
    with pytest.raises(ReviewReasonNeeded):
        check_reason("  ")
    assert check_reason(" ok ") == "ok"


def test_content_that_would_break_the_promise_is_refused(tmp_path: Path) -> None:
    text = CONTENT.read_text("utf-8")
    for before, after in (
        ("tolerances = 4", "tolerances = 1"),
        ("most_power = 30", "most_power = 90"),
        ("institution_millibits = 14_000", "institution_millibits = 2_000"),
        ("enterprise_millibits = 42_000", "enterprise_millibits = 1_000"),
        ("low_percent = 5", "low_percent = 0"),
        ("window_days = 90", ""),
        ("inside = 2", ""),
        ("persons = [0, 100_000_000]", ""),
    ):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.toml"
        path.write_text(text.replace(before, after), "utf-8")
        with pytest.raises(InvalidFormulaRules):
            load_limits(path)


def test_a_grain_of_zero_is_for_public_inputs_only() -> None:
    public = replace(INPUTS["a.x"], closed=(), grain=Decimal(0))
    assert take("a.x", SCORE, {"a.x": public}, LIMITS).reach.swing["a.x"] == 1000
