"""Scenario models: exact reasons, bins in one direction, refusals, and nothing from later."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests import scenes
from xinqiao.catalogue.load import load_catalogue
from xinqiao.indicators.registry import load_indicators
from xinqiao.plumbing.settings import content_dir
from xinqiao.scenarios.content import get, load_scenarios
from xinqiao.scenarios.features import leaking
from xinqiao.scenarios.frame import measured, numbers, whole_units, words
from xinqiao.scenarios.measures import brier, reliability, separation, stability
from xinqiao.scenarios.model import Axis, Characteristic, Model
from xinqiao.scenarios.observing import History, month_before, settled, split_by_time
from xinqiao.scenarios.rules import check_reason, check_signer, drift_level, read, strongest
from xinqiao.scenarios.types import (
    AnotherPersonSigns,
    Drift,
    InvalidScenario,
    ReasonNeeded,
    UnknownScenario,
)


def test_more_than_four_reasons_leave_a_rest_that_still_sums() -> None:
    axes = [Axis(f"i{n}", 0, (10,)) for n in range(7)]
    model = Model(600, tuple(Characteristic((a,), (0, n + 1, -n)) for n, a in enumerate(axes)), 0, (500_000,) * 1300)
    said = read(scenes.body_of(model), scenes.evaluation(**{f"i{n}": 5 for n in range(7)}))
    assert [r["points"] for r in said["up"]] == [7, 6, 5, 4] and said["others"] == 6
    assert said["score"] == 628


def test_measures_of_separation() -> None:
    failed = np.array([True, True, False, False])
    assert separation(np.array([4, 3, 2, 1]), failed) == (10_000, 10_000)
    assert separation(np.array([1, 2, 3, 4]), failed) == (0, 10_000)
    assert separation(np.array([1, 1, 1, 1]), failed) == (5_000, 0)
    assert separation(np.array([1, 1]), np.array([True, True])) == (5_000, 0)


def test_measures_of_truth() -> None:
    failed = np.array([True, False] * 50)
    half = np.full(100, 500_000)
    assert brier(half, failed) == 250_000
    assert brier(half, failed, np.where(failed, 1.0, 3.0)) == 250_000
    table = reliability(half, failed)
    assert len(table) == 10 and {row["said"] for row in table} == {5_000}
    assert sum(row["rows"] for row in table) == 100


def test_a_population_that_stays_has_no_index_and_one_that_moves_has() -> None:
    before = np.repeat(np.arange(4), 100)
    assert stability(before, before, 4) == 0
    assert stability(before, np.repeat(np.arange(4), [10, 90, 100, 200]), 4) > 2_500
    assert [drift_level(i, 1000, 2500) for i in (0, 999, 1000, 2500)] == [
        Drift.GREEN, Drift.GREEN, Drift.AMBER, Drift.RED,
    ]  # fmt: skip


def test_exact_values_fall_into_exact_bins() -> None:
    axis = Axis("i", 4, (15_000, 20_000))
    assert [axis.place(v) for v in (None, "1.4999", "1.5", "1.9999", "2")] == [0, 1, 2, 2, 3]
    assert whole_units("1.5", 4) == 15_000
    column = numbers("i", [None, 1, 2], 4)
    assert axis.places_of(column).tolist() == [0, 1, 3]
    assert measured("m", np.array([0.5, np.nan]), 1).known.tolist() == [True, False]
    assert words("w", ["a", None]).known.tolist() == [True, False]


def history(*failed: str) -> History:
    reported = tuple(date(2025, month, 28) for month in range(1, 13))
    return History(reported, tuple(map(date.fromisoformat, failed)))


LAST = date(2025, 12, 28)


def test_an_outcome_counts_only_inside_a_window_that_has_ended() -> None:
    start = date(2025, 3, 10)
    ends = {"before": history("2025-02-28"), "inside": history("2025-05-28"), "after": history("2025-11-28")}
    found = settled([(name, start) for name in ends], ends, months=6, last=LAST)
    assert [(o.enterprise, o.failed) for o in found] == [("after", False), ("inside", True)]
    assert {o.seen_on for o in found} == {date(2025, 2, 28)} == {month_before(start)}
    assert not settled([("inside", date(2025, 8, 1))], ends, months=6, last=LAST), "its window has not ended"


def test_a_loan_nobody_reported_on_has_no_outcome() -> None:
    quiet = History((date(2025, 1, 28), LAST), ())
    assert not settled([("quiet", date(2025, 2, 1))], {"quiet": quiet}, months=6, last=LAST)
    assert not settled([("nobody", date(2025, 2, 1))], {"quiet": quiet}, months=6, last=LAST)


def test_a_day_is_never_on_both_sides_of_the_cut() -> None:
    observations = scenes.seen(400).observations
    fit, calibrate, measure = split_by_time(observations, 40)
    assert max(observations[n].seen_on for n in fit) < min(observations[n].seen_on for n in (*calibrate, *measure))
    assert sorted((*fit, *calibrate, *measure)) == list(range(400))


def test_an_indicator_that_changes_when_later_records_are_added_is_refused() -> None:
    one = load_indicators()["identity.age_months"].indicator
    column = one.facts.column
    before = pa.table({"_enterprise": ["a", "b", "c", "d"], column: [1, 2, 3, None]})
    same = pa.table({"_enterprise": ["a", "b", "c", "d", "e"], column: [1, 2, 3, 4, 5]})
    moved = pa.table({"_enterprise": ["a", "b", "c", "d"], column: [1, 2, 9, None]})
    assert leaking(before, same, [one], 2) == {}
    assert "1/3" in leaking(before, moved, [one], 2)[one.facts.code]
    assert leaking(before, moved, [one], 40) == {}


def declared() -> dict[str, Any]:
    return dict(load_scenarios(content_dir(), load_catalogue(content_dir()), frozenset(load_indicators())))


def test_scenarios_of_the_content_load_and_an_unknown_one_is_said() -> None:
    assert {"pre_loan_default", "post_loan_watch"} <= declared().keys()
    with pytest.raises(UnknownScenario):
        get(declared(), "nothing")


def test_a_faulty_scenario_is_refused_with_every_fault(tmp_path: Path) -> None:
    folder = tmp_path / "content" / "scenarios"
    folder.mkdir(parents=True)
    text = (content_dir() / "scenarios" / "pre_loan_default.toml").read_text("utf-8")
    text = text.replace('"损失"]', '"口头"]').replace("months = 12 ", "months = 0 ").replace("red = 2500", "red = 1")
    text = text.replace('exclude = ["identity.closed"]', 'exclude = ["identity.nothing"]')
    (folder / "one.toml").write_text(text, "utf-8")
    (folder / "two.toml").write_text("code = 'x'\n[drift]\n", "utf-8")
    with pytest.raises(InvalidScenario) as caught:
        load_scenarios(folder.parent, load_catalogue(content_dir()), frozenset(load_indicators()))
    assert len(caught.value.problems) == 5


def test_who_trained_does_not_sign_and_a_reason_is_said() -> None:
    with pytest.raises(AnotherPersonSigns):
        check_signer("person:1", "person:1")
    with pytest.raises(ReasonNeeded):
        check_reason("  ")
    check_signer("person:1", "person:2")
    assert strongest([], sign=1) == []
