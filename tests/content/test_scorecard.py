"""The scorecards: points sum exactly, bins rise, every indicator exists and is scored in its own direction."""

from __future__ import annotations

from datetime import date

import pytest

from xinqiao.evaluation.load import in_force, load_scorecards
from xinqiao.evaluation.types import CardIndicator, Scorecard
from xinqiao.indicators.registry import load_indicators
from xinqiao.plumbing.settings import content_dir

INDICATORS = load_indicators()
CARDS = load_scorecards(content_dir(), frozenset(INDICATORS))
BASIC = in_force(CARDS, "basic", date(2026, 1, 1))

WEIGHTS = {
    "identity": 150,
    "operation": 250,
    "fulfilment": 250,
    "innovation": 100,
    "governance": 100,
    "public_credit": 150,
}

every_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: f"{card.code}-{card.version}")
every_indicator = pytest.mark.parametrize("scored", BASIC.indicators, ids=lambda scored: scored.code)


def test_the_dimensions_of_the_basic_card_have_their_weights() -> None:
    assert {d.code: d.maximum for d in BASIC.dimensions} == WEIGHTS
    assert BASIC.maximum == 1000


def test_the_basic_card_uses_every_dimension_folder_and_nothing_from_another() -> None:
    for dimension in BASIC.dimensions:
        assert {INDICATORS[i.code].dimension for i in dimension.indicators} == {dimension.code}


def test_indicators_cover_all_items_and_dimensions() -> None:
    assert len(INDICATORS) >= 28
    assert {r.dimension for r in INDICATORS.values()} == set(WEIGHTS)
    assert len({r.indicator.facts.item for r in INDICATORS.values()}) == 14


@every_card
def test_grades_are_those_of_the_notation_and_end_at_zero(card: Scorecard) -> None:
    names = [g.grade for g in card.grades]
    assert names == ["AAA", "AA", "A", "BBB", "BB", "B", "CCC", "CC", "C", "D", "NR"]
    bounds = [g.at_least for g in card.grades[:-2]]
    assert bounds == sorted((b for b in bounds if b is not None), reverse=True) and bounds[-1] == 0
    assert [g.at_least for g in card.grades[-2:]] == [None, None]


@every_card
def test_a_card_of_our_own_making_says_that_it_is_a_draft(card: Scorecard) -> None:
    assert card.draft and "工作草案" in card.basis
    assert 0 < card.minimum_coverage < 100


@every_card
def test_vetoes_force_the_worst_grade_and_name_their_clause(card: Scorecard) -> None:
    assert card.vetoes
    for veto in card.vetoes:
        assert (veto.rule.grade, veto.rule.at_least) == ("D", 1)
        assert INDICATORS[veto.rule.indicator].indicator.facts.unit == "flag"
        assert veto.clause and veto.reason.zh and veto.reason.en.isascii()


@every_indicator
def test_points_follow_the_direction_of_the_indicator(scored: CardIndicator) -> None:
    facts = INDICATORS[scored.code].indicator.facts
    points = [b.points for b in scored.bins]
    if facts.unit in ("grade", "code") or facts.better == "lower":
        assert points == sorted(points, reverse=True)
    elif facts.better == "higher":
        assert points == sorted(points)
    assert min(points) < max(points)


@every_indicator
def test_bins_rise_and_the_last_takes_everything(scored: CardIndicator) -> None:
    limits = [b.below for b in scored.bins[:-1] if not b.values]
    assert None not in limits and limits == sorted({b for b in limits if b is not None})
    assert scored.bins[-1].below is None and not scored.bins[-1].values


@every_indicator
def test_every_reason_is_given_in_both_languages(scored: CardIndicator) -> None:
    for words in (scored.up, scored.down, scored.improve):
        assert words.zh and not words.zh.isascii()
        assert words.en and words.en.isascii()


def test_no_two_indicators_give_the_same_reason() -> None:
    for side in ("up", "down"):
        texts = [getattr(i, side).zh for i in BASIC.indicators]
        assert len(texts) == len(set(texts))
