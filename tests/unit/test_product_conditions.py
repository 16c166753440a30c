"""What a condition says of one firm and of many, and that both say the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.errors import Phrase
from xinqiao.matching.batch import OUTCOMES, Many, best, guarantee_bits
from xinqiao.matching.rules import fit_of, in_order, judge, percent, ranked, told
from xinqiao.matching.types import (
    Basis,
    Condition,
    Firm,
    Guarantee,
    MatchingRules,
    Need,
    NeedState,
    Outcome,
    Product,
)

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
GRADES = ("AAA", "AA", "A", "BBB", None)


def need(**changes: object) -> Need:
    """A need of a million yuan for a year, on credit."""
    made = {
        "id": "N", "enterprise": "E", "amount_fen": 100_000_000, "months": 12, "guarantees": (Guarantee.CREDIT,),
        "purpose": "x", "window": "", "state": NeedState.OPEN, "posted_at": NOW, "until": date(2027, 1, 1),
    }  # fmt: skip
    return Need(**(made | changes))  # type: ignore[arg-type]


def firm(**changes: object) -> Firm:
    """A firm of which all is known."""
    made = {
        "enterprise": "E", "values": {"a.count": 3, "a.ratio": "12.5000", "a.grade": "B"}, "score": 700, "grade": "A",
        "coverage": 90, "size": "small", "industry": "C3411", "division": "610102", "vetoes": (),
    }  # fmt: skip
    return Firm(**(made | changes))  # type: ignore[arg-type]


def product(code: str = "P", *conditions: Condition, **changes: object) -> Product:
    """A product with these conditions."""
    made = {
        "code": code, "version": 1, "institution": "b", "institution_name": "b", "name": code,
        "amount_from_fen": 1_000_000, "amount_to_fen": 200_000_000, "months_from": 1, "months_to": 36,
        "rate_from_bp": 400, "rate_to_bp": 500, "fee_bp": 0, "guarantees": (Guarantee.CREDIT,),
        "decision_workdays": 5, "conditions": conditions, "windows": (), "offered_from": date(2026, 1, 1),
        "offered_until": None, "note": "", "sha256": "0" * 64, "published_at": NOW,
    }  # fmt: skip
    return Product(**(made | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("condition", "expect"),
    [
        (Condition(Basis.INDICATOR, "a.count", at_least=3), Outcome.PASSED),
        (Condition(Basis.INDICATOR, "a.count", at_least=4), Outcome.FAILED),
        (Condition(Basis.INDICATOR, "a.count", below=3), Outcome.FAILED),
        (Condition(Basis.INDICATOR, "a.ratio", at_least=12, below=13), Outcome.PASSED),
        (Condition(Basis.INDICATOR, "a.ratio", at_least=13), Outcome.FAILED),
        (Condition(Basis.INDICATOR, "a.grade", values=("A", "B")), Outcome.PASSED),
        (Condition(Basis.INDICATOR, "a.missing", at_least=0), Outcome.OPEN),
        (Condition(Basis.SCORE, at_least=701), Outcome.FAILED),
        (Condition(Basis.GRADE, values=("AAA", "AA")), Outcome.FAILED),
        (Condition(Basis.COVERAGE, at_least=90), Outcome.PASSED),
        (Condition(Basis.SIZE, values=("micro", "small")), Outcome.PASSED),
        (Condition(Basis.INDUSTRY, values=("A", "C34")), Outcome.PASSED),
        (Condition(Basis.INDUSTRY, values=("C35",)), Outcome.FAILED),
        (Condition(Basis.DIVISION, values=("6101",)), Outcome.PASSED),
        (Condition(Basis.AMOUNT, at_least=100_000_001), Outcome.FAILED),
        (Condition(Basis.MONTHS, below=13), Outcome.PASSED),
        (Condition(Basis.GUARANTEE, values=("mortgage",)), Outcome.FAILED),
        (Condition(Basis.VETO, values=("serious_list",)), Outcome.PASSED),
    ],
)
def test_a_condition_says_passed_failed_or_open(condition: Condition, expect: Outcome) -> None:
    """Bounds are exact, beginnings of codes count, what is missing is open."""
    assert judge(condition, firm(), need()) is expect


@pytest.mark.parametrize("what", ["size", "industry", "division", "score", "grade", "coverage"])
def test_what_is_not_known_is_never_failed(what: str) -> None:
    """Each basis without its fact leaves the condition open."""
    basis = Basis(what)
    bounded = basis in (Basis.SCORE, Basis.COVERAGE)
    one = Condition(basis, at_least=1) if bounded else Condition(basis, values=("x",))
    assert judge(one, firm(**{what: None if bounded or what == "grade" else ""}), need()) is Outcome.OPEN


def test_a_veto_fails() -> None:
    """A veto that the product does not accept."""
    listed = firm(vetoes=("serious_list",))
    assert judge(Condition(Basis.VETO, values=("serious_list", "closed")), listed, need()) is Outcome.FAILED


def test_the_order_is_explained_by_what_it_is_made_of() -> None:
    """What fits comes first, then the wanted theme, credit, cost, promise; what fails comes last."""
    fits = [
        fit_of(product("dear", rate_from_bp=450), firm(), need()),
        fit_of(product("cheap", rate_from_bp=300), firm(), need()),
        fit_of(product("fees", rate_from_bp=300, fee_bp=200), firm(), need()),
        fit_of(product("theme", rate_from_bp=480, windows=("science",)), firm(), need()),
        fit_of(product("fails", Condition(Basis.SCORE, at_least=999), rate_from_bp=100), firm(), need()),
        fit_of(product("lacks", Condition(Basis.INDICATOR, "a.b", at_least=1), rate_from_bp=100), firm(), need()),
    ]
    assert [f.product.code for f in ranked(fits)] == ["cheap", "dear", "theme", "fees", "lacks", "fails"]
    assert ranked(fits, window="science")[0].product.code == "theme"


values = st.one_of(st.none(), st.integers(-5, 20))
firms = st.lists(
    st.tuples(values, st.one_of(st.none(), st.decimals(-9, 9, places=4)), st.sampled_from(GRADES),
              st.sampled_from(("small", "micro", None)), st.sampled_from(("C3411", "A0111", None)), st.booleans(),
              st.integers(1, 400), st.integers(1, 60), st.sets(st.sampled_from(list(Guarantee)), min_size=1)),
    min_size=1, max_size=8,
)  # fmt: skip
conditions = st.lists(
    st.one_of(
        st.builds(Condition, st.just(Basis.INDICATOR), st.sampled_from(("a.count", "a.ratio")),
                  at_least=st.integers(-3, 9), below=st.one_of(st.none(), st.integers(0, 12))),
        st.builds(Condition, st.just(Basis.GRADE), values=st.just(("AA", "A"))),
        st.builds(Condition, st.just(Basis.SIZE), values=st.just(("micro",))),
        st.builds(Condition, st.just(Basis.INDUSTRY), values=st.sampled_from((("C",), ("A", "B")))),
        st.builds(Condition, st.just(Basis.VETO), values=st.just(("serious_list",))),
    ),
    max_size=5,
)  # fmt: skip


@given(firms, st.lists(conditions, min_size=1, max_size=5))
def test_many_firms_are_told_what_each_is_told(rows: list[tuple], several: list[list[Condition]]) -> None:
    """Column by column or firm by firm: the same outcome, the same first unmet condition, the same order."""
    offered = in_order(product(f"P{n}", *found, rate_from_bp=400 - n) for n, found in enumerate(several))
    many = Many(_columns(rows), {"a.count": "a__count", "a.ratio": "a__ratio"})
    matched = [many.match(one) for one in offered]
    tops = np.concatenate([found for _, found in best(many, offered, most=3)])
    for place, row in enumerate(rows):
        one, wants = _single(row)
        fits = [fit_of(p, one, wants) for p in offered]
        for fit, found in zip(fits, matched, strict=True):
            first = fit.checks.index(fit.first_unmet) if fit.first_unmet else -1
            assert (OUTCOMES[found.outcome[place]], found.first[place]) == (fit.outcome, first)
        order = [offered.index(f.product) for f in ranked(fits)]
        assert tops[place].tolist() == order[:3]


def _columns(rows: list[tuple]) -> pa.Table:
    a, b, grade, size, industry, veto, amount, months, guarantees = map(list, zip(*rows, strict=True))
    return pa.table(
        {
            "a__count": pa.array(a, pa.int64()),
            "a__ratio": pa.array(b, pa.decimal128(12, 4)),
            "grade": pa.array(grade, pa.string()),
            "size_class": pa.array(size, pa.string()),
            "industry": pa.array(industry, pa.string()),
            "veto__serious_list": pa.array([int(v) for v in veto], pa.int32()),
            "need_amount_fen": pa.array([x * 1_000_000 for x in amount], pa.int64()),
            "need_months": pa.array(months, pa.int64()),
            "need_guarantees": pa.array([guarantee_bits([str(g) for g in gs]) for gs in guarantees], pa.int64()),
        }
    )


def _single(row: tuple) -> tuple[Firm, Need]:
    a, b, grade, size, industry, veto, amount, months, guarantees = row
    found = {"a.count": a, "a.ratio": None if b is None else str(Decimal(b))}
    one = firm(values=found, grade=grade, size=size or "", industry=industry or "",
               vetoes=("serious_list",) if veto else ())  # fmt: skip
    return one, need(amount_fen=amount * 1_000_000, months=months, guarantees=tuple(guarantees))


def test_counts_below_the_floor_are_not_told() -> None:
    """Nine is fewer than ten; nineteen is ten."""
    rules = MatchingRules(90, 3, 10, 10, 20, 12, 200, ())
    assert [told(n, rules).count for n in (0, 9, 10, 19, 20)] == [None, None, 10, 10, 20]


def test_rates_are_said_with_two_places() -> None:
    """Basis points as per cent."""
    assert [percent(n) for n in (5, 350, 1205)] == ["0.05", "3.50", "12.05"]
    assert str(Phrase("年化总成本 {percent}% 起", percent=percent(350))) == "年化总成本 3.50% 起"
