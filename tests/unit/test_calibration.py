"""Calibration in exact integers: a weight changed, rates, pairs in the right order; and the guideline of it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from xinqiao.evaluation.calibration import Scored, band_table, graded, load_calibrations, sensitivity, separation
from xinqiao.evaluation.compute import facts_by_code, scorecards
from xinqiao.evaluation.guideline import as_markdown, guideline
from xinqiao.evaluation.load import in_force
from xinqiao.plumbing.settings import content_dir

CARD = in_force(scorecards(), "basic", date(2026, 11, 1))
MAXIMA = np.array([i.maximum for i in CARD.indicators])
NAMES = [g.grade for g in CARD.grades]


def scored(*shares: float, vetoed: tuple[int, ...] = (), failed: tuple[int, ...] = ()) -> Scored:
    """Firms that have these shares of every indicator's points; a negative share is a firm nothing is known of."""
    points = np.array([np.floor(MAXIMA * max(s, 0)) for s in shares]).astype(np.int64)
    known = np.array([[s >= 0] * len(MAXIMA) for s in shares])
    marks = [np.isin(np.arange(len(shares)), list(places)) for places in (vetoed, failed)]
    return Scored(points, known, *marks)


def test_grades_follow_veto_coverage_and_score() -> None:
    found = graded(scored(1, 1, 0, -1, vetoed=(1,)), CARD)
    assert [NAMES[place] for place in found] == ["AAA", "D", "C", "NR"]


def test_a_changed_weight_is_scaled_back_to_the_whole() -> None:
    """A firm with all points keeps them whatever the weights; one that lacks an indicator gains when it is dropped."""
    firms = scored(1, 1)
    firms.points[1, 0] = 0
    least = CARD.maximum - CARD.indicators[0].maximum
    assert firms.points[1].sum() == least
    kept, lifted = graded(firms, CARD, indicator=0, tenths=0)
    assert (NAMES[kept], NAMES[lifted]) == ("AAA", "AAA")
    assert NAMES[graded(firms, CARD, indicator=0, tenths=200)[1]] != "AAA"


def test_bands_count_firms_and_failures() -> None:
    table = {row["grade"]: row for row in band_table(scored(1, 1, 1, 0, failed=(0, 3)), CARD)}
    assert (table["AAA"]["firms"], table["AAA"]["share"], table["AAA"]["failed"]) == (3, 7_500, 1)
    assert (table["AAA"]["rate"], table["C"]["rate"], table["BB"]["rate"]) == (3_333, 10_000, None)


def test_sensitivity_counts_the_grades_that_move() -> None:
    firms = scored(1)
    assert {tuple(row[k] for k in ("dropped", "less", "more")) for row in sensitivity(firms, CARD)} == {(0, 0, 0)}
    edge = scored(1)
    edge.points[0, 0] -= edge.points[0].sum() - CARD.scoring.grades[0][1] + 1  # one short of the best grade
    moved = {row["indicator"]: row["dropped"] for row in sensitivity(edge, CARD)}
    assert moved[CARD.indicators[0].code] == 10_000


@pytest.mark.parametrize(
    ("shares", "failed", "right"),
    [((0.9, 0.8, 0.1), (2,), 10_000), ((0.1, 0.9), (1,), 0), ((0.5, 0.5), (1,), 5_000), ((0.5,), (), 5_000)],
)
def test_pairs_in_the_right_order(shares: tuple[float, ...], failed: tuple[int, ...], right: int) -> None:
    assert separation(scored(*shares, failed=failed)) == right


def test_the_newest_card_has_its_calibration_and_its_best_grades_fail_least() -> None:
    """The file belongs to exactly this card; from AAA to B the rate rises grade by grade."""
    found = load_calibrations(content_dir())[CARD.sha256]
    assert [row["indicator"] for row in found["sensitivity"]] == [i.code for i in CARD.indicators]
    assert [row["at_least"] for row in found["bands"]] == [g.at_least for g in CARD.grades]
    rates = [row["rate"] for row in found["bands"][:6]]
    assert rates == sorted(rates) and rates[0] < rates[-1]
    assert sum(row["firms"] for row in found["bands"]) == found["firms"]
    assert found["separation"] > 7_000


def test_the_guideline_holds_all_that_the_card_says() -> None:
    document = guideline(CARD, facts_by_code(), load_calibrations(content_dir()).get(CARD.sha256))
    assert document["scorecard_sha256"] == CARD.sha256
    lines = [i for d in document["dimensions"] for i in d["indicators"]]
    assert sum(max(b["points"] for b in i["bins"]) for i in lines) == CARD.maximum
    assert set(document["items"]) >= {item for i in lines for item in i["items"]}
    text = as_markdown(document)
    assert all(f"`{i['code']}`" in text for i in lines) and "合成数据只说明" in text


def test_a_guideline_without_calibration_says_nothing_of_it() -> None:
    old = in_force(scorecards(), "basic", date(2026, 1, 1))
    assert "标定结果" not in as_markdown(guideline(old, facts_by_code(), None))
