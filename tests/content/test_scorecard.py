"""The scorecards: points sum exactly, bins rise, every indicator exists and is scored in its own direction."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from xinqiao.catalogue.load import load_catalogue
from xinqiao.evaluation.load import in_force, load_scorecards
from xinqiao.evaluation.types import CardIndicator, Scorecard
from xinqiao.indicators.authoring import Derived, Indicator, Peer
from xinqiao.indicators.compute import ARROW
from xinqiao.indicators.engine import session
from xinqiao.indicators.registry import load_indicators
from xinqiao.indicators.scoring import scored, scored_line
from xinqiao.indicators.types import Bin, Kind
from xinqiao.indicators.views import local_frame
from xinqiao.plumbing.settings import content_dir

INDICATORS = load_indicators()
CATALOGUE = load_catalogue(content_dir())
CARDS = load_scorecards(content_dir(), frozenset(INDICATORS))
BASIC = in_force(CARDS, "basic", date(2026, 11, 1))

WEIGHTS = {
    "identity": 150,
    "operation": 250,
    "fulfilment": 250,
    "innovation": 100,
    "governance": 100,
    "public_credit": 150,
}

every_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: f"{card.code}-{card.version}")
SCORED = [(f"{card.version}-{i.code}", i) for card in CARDS for i in card.indicators]
every_indicator = pytest.mark.parametrize("scored", [i for _, i in SCORED], ids=[name for name, _ in SCORED])


@every_card
def test_the_dimensions_of_the_basic_card_have_their_weights(card: Scorecard) -> None:
    assert {d.code: d.maximum for d in card.dimensions} == WEIGHTS
    assert card.maximum == 1000


@every_card
def test_the_basic_card_uses_every_dimension_folder_and_nothing_from_another(card: Scorecard) -> None:
    for dimension in card.dimensions:
        assert {INDICATORS[i.code].dimension for i in dimension.indicators} == {dimension.code}


def test_indicators_cover_all_items_and_dimensions() -> None:
    assert len(INDICATORS) >= 80
    assert {r.dimension for r in INDICATORS.values()} == set(WEIGHTS)


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


@every_card
def test_no_two_indicators_give_the_same_reason(card: Scorecard) -> None:
    for side in ("up", "down"):
        texts = [getattr(i, side).zh for i in card.indicators]
        assert len(texts) == len(set(texts))


# SHA-256 of each published version: a version never changes, a change is a new version.
FROZEN = {
    "1": "c42274b6ce877f35c307a24dc9f9b2f8301f27c88697a1fa35736e0dc88b02cd",
    "2": "3849208ae0047c1f6c177d0234fa337b8c5489e3d29e8f1543418a33cb3a0e53",
    "3": "5a23f267745085b78cd9a2b70e940e374a3592dce3996a15f3f84865e88421ff",
}


@every_card
def test_published_versions_are_frozen_by_digest(card: Scorecard) -> None:
    assert FROZEN[card.version] == card.sha256


def test_the_second_version_scores_trends_streaks_ratios_and_peers() -> None:
    kinds = {type(INDICATORS[i.code].indicator) for i in BASIC.indicators}
    assert (BASIC.version, kinds) == ("2", {Indicator, Derived, Peer})
    codes = {i.code for i in BASIC.indicators}
    assert {"operation.sales_slope_percent", "fulfilment.tax_paid_streak"} <= codes


def test_peers_are_grouped_by_the_figures_of_the_size_table() -> None:
    """So that what an authorisation must cover for a place among peers is what makes the group."""
    for one in (INDICATORS[i.code].indicator for i in BASIC.indicators):
        if isinstance(one, Peer):
            assert tuple(i.facts.code for i in one.inputs[1:]) == BASIC.scoring.size_inputs


def test_outcomes_and_own_words_are_not_scored() -> None:
    """What institutions feed back is the outcome a card is judged by; what a firm says of itself is not evidence."""
    for indicator in BASIC.indicators:
        rests_on = {CATALOGUE.item(code).row for code in INDICATORS[indicator.code].indicator.facts.items}
        assert not rests_on & {"P01", "Q01"}, indicator.code


@every_card
def test_one_line_is_scored_as_the_province_is(card: Scorecard) -> None:
    """Over values at and beside every bound, and not known: by the engine's columns, and by the same rules for one."""
    pick, scoring = random.Random(11), card.scoring
    codes = dict.fromkeys([*scoring.bins, *(v.indicator for v in scoring.vetoes)])
    facts = {code: INDICATORS[code].indicator.facts for code in codes}
    drawn = []
    for _ in range(600):
        luck, known = pick.random(), pick.choice((0.4, 0.7, 1))
        values = {f.column: _drawn_value(pick, scoring.bins.get(c, ()), f.kind, luck) for c, f in facts.items()}
        drawn.append({name: value if pick.random() < known else None for name, value in values.items()})
    schema = pa.schema([(f.column, ARROW[f.kind]) for f in facts.values()])
    table = pa.Table.from_pylist(drawn, schema=schema)
    found = scored(local_frame(session(), table), scoring).toArrow().to_pylist()
    assert found == [line | scored_line(line, scoring) for line in table.to_pylist()]
    assert len({line["grade"] for line in found}) > 5 and len({line["score"] for line in found}) > 100


def _drawn_value(pick: random.Random, bins: tuple[Bin, ...], kind: Kind, luck: float) -> object:
    """A value at, before or after a bound; the luckier, the more often of the bin with the most points."""
    best = max(range(len(bins)), key=lambda n: bins[n].points) if bins and pick.random() < luck else None
    if kind is Kind.TEXT:
        return pick.choice(bins[best].values if best is not None else [v for b in bins for v in b.values] + ["?"])
    bounds = [b.below for b in bins if b.below is not None] or [0, 1, 2]
    beside = (-1, 0, 1, 100_000) if kind is Kind.INTEGER else map(Decimal, ("-0.0001", "0", "0.0001", "37.5"))
    if best is not None:
        return bounds[best - 1] if best else bounds[0] - 1
    return pick.choice(bounds) + pick.choice(list(beside))  # type: ignore[operator]
